// config/full.yaml: a configuration with every key, made of the schema. What excludes other keys,
// or needs another value next to them, is in a further listener or route; which, says the table
// below.
#include "config/describe.hpp"
#include "config/schema_find.hpp"
#include "config/text.hpp"
#include "penstock/config/schema.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace penstock::config {

namespace {

constexpr std::size_t columns_max = 100;

// One entry of a map of names, or one item of a list. Keys are relative to it, separated by '|'.
struct instance {
    std::string_view of;              // the map or list
    std::string_view name;            // in a map
    std::string_view only = {};       // these keys and what is below; none: all
    std::string_view without = {};    // but for these
    std::string_view other_key = {};  // has this value here instead of its example
    std::string_view other_value = {};
};

constexpr std::array instances = {
    instance{.of = "listeners", .name = "web", .without = "tls"},
    instance{.of = "listeners",
             .name = "secure",
             .only = "bind|tls",
             .other_key = "bind",
             .other_value = "\":8443\""},
    instance{
        .of = "routes",
        .name = {},
        .without = "match.path.exact|split|respond|redirect|rewrite.strip_prefix|rewrite.path"},
    instance{.of = "routes", .name = {}, .only = "match.path.exact|respond"},
    instance{.of = "routes",
             .name = {},
             .only = "match.path.prefix|redirect",
             .without = "redirect.scheme|redirect.host|redirect.port|redirect.path|redirect.query"},
    instance{.of = "routes",
             .name = {},
             .only = "match.path.exact|redirect",
             .without = "redirect.to",
             .other_key = "match.path.exact",
             .other_value = "/moved"},
    instance{.of = "routes",
             .name = {},
             .only = "match.path.prefix|match.methods|split|rewrite.strip_prefix"},
    instance{.of = "routes",
             .name = {},
             .only = "match.path.exact|upstream|rewrite.path",
             .other_key = "match.path.exact",
             .other_value = "/one"},
    instance{.of = "upstreams", .name = "app"},
};

bool is_within(std::string_view key, std::string_view of) noexcept {
    return key == of || (key.starts_with(of) && key[of.size()] == '.');
}

bool has_key(const instance& one, std::string_view key) {
    const std::vector<std::string_view> only = split(one.only, '|');
    const std::vector<std::string_view> without = split(one.without, '|');
    const auto below = [&](std::string_view of) { return !of.empty() && is_within(key, of); };
    const auto around = [&](std::string_view of) { return is_within(of, key); };
    const bool in = one.only.empty() || std::any_of(only.begin(), only.end(), below) ||
                    std::any_of(only.begin(), only.end(), around);
    return in && !std::any_of(without.begin(), without.end(), below);
}

class full_writer {
 public:
    std::string write() {
        keys("", 0, nullptr, "");
        return std::move(out_);
    }

 private:
    void keys(std::string_view path, std::size_t level, const instance* of,
              std::string_view relative) {
        for (const key_info* const row : children_of(path)) {
            const std::string key = join_path(relative, key_name(*row));
            if (of == nullptr || has_key(*of, key)) {
                if (level == 0 && !out_.empty()) {
                    out_ += "\n";
                }
                one(*row, level, of, key);
            }
        }
    }

    void one(const key_info& row, std::size_t level, const instance* of, const std::string& key) {
        const bool was_off = off_;
        off_ = off_ || row.state != key_state::active;
        if (described_.insert(row.path).second) {
            describe(row, level);
        }
        const bool below = row.same_as.empty() && row.example.empty();
        const std::string name(key_name(row));
        if (row.type == key_type::section && below) {
            line(level, name + ":");
            keys(row.path, level + 1, of, key);
        } else if (row.type == key_type::named && below) {
            line(level, name + ":");
            entries(row, level + 1);
        } else if (row.type == key_type::list && row.item == key_type::section && below) {
            line(level, name + ":");
            items(row, level + 1);
        } else {
            line(level, name + ": " + value_of(row, of, key));
        }
        off_ = was_off;
    }

    static std::string value_of(const key_info& row, const instance* of, const std::string& key) {
        if (of != nullptr && of->other_key == key) {
            return std::string(of->other_value);
        }
        return std::string(row.example.empty() ? row.default_text : row.example);
    }

    static std::vector<const instance*> instances_of(const key_info& row) {
        static constexpr instance lone{};
        std::vector<const instance*> out;
        for (const instance& one : instances) {
            if (one.of == row.path) {
                out.push_back(&one);
            }
        }
        return out.empty() ? std::vector{&lone} : out;
    }

    void entries(const key_info& row, std::size_t level) {
        for (const instance* const one : instances_of(row)) {
            line(level, std::string(one->name) + ":");
            keys(std::string(row.path) + ".<name>", level + 1, one, "");
        }
    }

    // The dash of an item takes the place of its first key's indentation.
    void items(const key_info& row, std::size_t level) {
        for (const instance* const one : instances_of(row)) {
            dash_ = true;
            keys(std::string(row.path) + "[]", level + 1, one, "");
        }
    }

    // Above the key: what it means, and what its value may be.
    void describe(const key_info& row, std::size_t level) {
        std::string words(row.meaning);
        if (row.type != key_type::section || !row.same_as.empty()) {
            words += " (" + type_text(row) + (row.required ? ", required" : "") + ")";
        }
        if (off_ && row.state != key_state::active) {
            words += " No effect in this release.";
        }
        const std::string start = std::string(level * 2, ' ') + "#";
        std::string current = start;
        for (const std::string_view word : split(words, ' ')) {
            if (current.size() + 1 + word.size() > columns_max) {
                out_ += current + "\n";
                current = start;
            }
            current += " " + std::string(word);
        }
        out_ += current + "\n";
    }

    void line(std::size_t level, const std::string& text) {
        out_.append((dash_ ? level - 1 : level) * 2, ' ');
        out_ += (dash_ ? "- " : "") + std::string(off_ ? "# " : "") + text + "\n";
        dash_ = false;
    }

    std::string out_;
    std::set<std::string_view> described_;
    bool off_ = false;   // what has no effect is in a comment
    bool dash_ = false;  // the next line begins an item
};

}  // namespace

std::string full_file() {
    return "# Every key, with its default or an example. Made of the same tables that the loader "
           "uses.\n"
           "# Durations take a unit (ms, s, m, h), sizes may (B, KiB, MiB, GiB), ratios are "
           "percentages.\n"
           "# Paths are relative to the directory of this file.\n\n" +
           full_writer().write();
}

}  // namespace penstock::config
