#include "config/values.hpp"

#include "config/names.hpp"
#include "config/schema_find.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unordered_map>

namespace penstock::config {

namespace {

std::string_view kind_name(node_kind kind) noexcept {
    switch (kind) {
        case node_kind::null:
            return "nothing";
        case node_kind::scalar:
            return "a single value";
        case node_kind::list:
            return "a list";
        case node_kind::map:
            return "a map";
    }
    return "";
}

parsed<std::int64_t> parse_number(const std::string& text, key_type type) {
    if (type == key_type::duration) {
        return parse_duration(text);
    }
    return type == key_type::size ? parse_size(text) : parse_integer(text);
}

const char* file_fault(const std::string& path) {
    std::error_code failed;
    const auto status = std::filesystem::status(path, failed);
    if (!std::filesystem::exists(status)) {
        return std::strerror(failed ? failed.value() : ENOENT);
    }
    // A pipe would make the loader wait for whoever writes to it.
    if (!std::filesystem::is_regular_file(status)) {
        return "Not a regular file";
    }
    errno = 0;
    return std::ifstream(path).is_open() ? nullptr : std::strerror(errno);
}

}  // namespace

std::string text_of_number(std::int64_t value, key_type type) {
    if (type == key_type::duration) {
        return format_duration(value);
    }
    return type == key_type::size ? format_size(value) : std::to_string(value);
}

void check_count(reader& in, const yaml_node& node, std::size_t count, const key_info& info) {
    const auto size = static_cast<std::int64_t>(count);
    const std::string name = in_quotes(key_name(info));
    if (size < info.range.low) {
        in.error(node, name + " needs at least " +
                           (info.range.low == 1 ? "one" : std::to_string(info.range.low)));
    } else if (size > info.range.high) {
        in.error(node, name + " has " + std::to_string(count) + " items, at most " +
                           std::to_string(info.range.high) + " are allowed");
    }
}

const std::string* text_of(reader& in, const yaml_node& node) {
    if (node.kind == node_kind::scalar) {
        return &node.text;
    }
    in.error(node, node.kind == node_kind::null
                       ? "a value is missing"
                       : "expected a single value, found " + std::string(kind_name(node.kind)));
    return nullptr;
}

std::vector<const yaml_node*> items_of(reader& in, const yaml_node& node, const key_info& info) {
    if (node.kind != node_kind::list) {
        in.error(node, in_quotes(key_name(info)) + " has to be a list, not " +
                           std::string(kind_name(node.kind)));
        return {};
    }
    check_count(in, node, node.items.size(), info);
    const auto most = static_cast<std::size_t>(info.range.high);
    return {node.items.begin(),
            node.items.begin() + static_cast<std::ptrdiff_t>(std::min(node.items.size(), most))};
}

std::vector<yaml_node::entry> entries_of(reader& in, const yaml_node& node, std::string_view what) {
    if (node.kind == node_kind::null) {
        return {};
    }
    if (node.kind != node_kind::map) {
        in.error(node,
                 std::string(what) + " has to be a map, not " + std::string(kind_name(node.kind)));
        return {};
    }
    std::vector<yaml_node::entry> entries;
    std::unordered_map<std::string_view, const yaml_node*> seen;
    for (const yaml_node::entry& entry : node.entries) {
        const std::string* const key = text_of(in, *entry.key);
        if (key == nullptr) {
            continue;
        }
        const auto [first, fresh] = seen.emplace(*key, entry.key);
        if (fresh) {
            entries.push_back(entry);
        } else {
            const bool elsewhere = first->second->file != entry.key->file;
            in.error(*entry.key, "duplicate key " + in_quotes(*key),
                     elsewhere ? "first at " + in.place(*first->second)
                               : "first at line " + std::to_string(first->second->line));
        }
    }
    return entries;
}

std::vector<yaml_node::entry> named_entries(reader& in, const yaml_node& node,
                                            const key_info& info) {
    std::vector<yaml_node::entry> entries = entries_of(in, node, in_quotes(key_name(info)));
    if (node.kind == node_kind::map || node.kind == node_kind::null) {
        check_count(in, node, entries.size(), info);
    }
    const auto most = static_cast<std::size_t>(info.range.high);
    entries.resize(std::min(entries.size(), most));
    for (const yaml_node::entry& entry : entries) {
        if (!is_name(entry.key->text)) {
            in.error(*entry.key, in_quotes(entry.key->text) + " is not a valid name",
                     "1 to 64 letters, digits, '_', '.' and '-'");
        }
    }
    return entries;
}

std::optional<std::int64_t> number_of(reader& in, const yaml_node& node, const key_info& info) {
    const std::string* const text = text_of(in, node);
    if (text == nullptr) {
        return std::nullopt;
    }
    parsed<std::int64_t> number = parse_number(*text, info.type);
    if (!number.value.has_value()) {
        const bool words = !info.choices.empty();
        in.error(node, std::move(number.message),
                 words ? "a number or " + joined(split(info.choices, '|')) : number.hint);
        return std::nullopt;
    }
    const bool duration = info.type == key_type::duration;
    if (*number.value < info.range.low) {
        in.error(node, in_quotes(*text) + (duration ? " is too short" : " is too small") +
                           ": at least " + text_of_number(info.range.low, info.type));
        return std::nullopt;
    }
    if (*number.value > info.range.high) {
        in.error(node, in_quotes(*text) + (duration ? " is too long" : " is too large") +
                           ": at most " + text_of_number(info.range.high, info.type));
        return std::nullopt;
    }
    return number.value;
}

std::optional<double> ratio_of(reader& in, const yaml_node& node) {
    return parse_node(in, node, parse_ratio);
}

std::optional<bool> boolean_of(reader& in, const yaml_node& node) {
    return parse_node(in, node, parse_boolean);
}

const std::string* choice_of(reader& in, const yaml_node& node, const key_info& info) {
    const std::string* const text = text_of(in, node);
    if (text == nullptr) {
        return nullptr;
    }
    const std::vector<std::string_view> choices = split(info.choices, '|');
    if (std::find(choices.begin(), choices.end(), *text) != choices.end()) {
        return text;
    }
    // Of two numbers, the nearer spelling says nothing about what was meant.
    const bool number = text->find_first_not_of("0123456789.") == std::string::npos;
    in.error(node, in_quotes(*text) + " is not one of " + joined(choices),
             number ? "" : nearest_hint(*text, choices));
    return nullptr;
}

std::optional<std::string> readable_file(reader& in, const yaml_node& node) {
    const std::string* const written = text_of(in, node);
    if (written == nullptr) {
        return std::nullopt;
    }
    if (written->empty() || written->find('\0') != std::string::npos) {
        in.error(node, in_quotes(*written) + " is not a path");
        return std::nullopt;
    }
    std::string path = in.resolve(node, *written);
    if (const char* const fault = file_fault(path); fault != nullptr) {
        in.error(node, "cannot read " + in_quotes(path) + ": " + fault);
        return std::nullopt;
    }
    return path;
}

void report_unknown(reader& in, const yaml_node& key, std::string_view path) {
    const std::vector<std::string_view> known = names_below(path);
    std::string hint = nearest_hint(key.text, known);
    if (hint.empty()) {
        hint = "known here: " + joined(known);
    }
    in.error(key, "unknown key " + in_quotes(key.text), std::move(hint));
}

}  // namespace penstock::config
