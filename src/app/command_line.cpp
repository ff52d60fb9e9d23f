#include "app/command_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <optional>

namespace penstock::app {
namespace {

constexpr std::array<std::string_view, 8> verb_names{"run",    "demo",   "check",   "dump",
                                                     "schema", "doctor", "version", "help"};

enum class option : std::uint8_t { config, listen, to, format, port_base, help };

constexpr unsigned bit(verb of) noexcept { return 1U << static_cast<unsigned>(of); }

struct option_info {
    option id;
    std::string_view name;
    std::string_view short_name;
    bool takes_value;
    unsigned verbs;  // that know it, one bit each
};

constexpr unsigned with_file =
    bit(verb::run) | bit(verb::check) | bit(verb::dump) | bit(verb::doctor);

constexpr std::array options{
    option_info{option::config, "--config", "-c", true, with_file},
    option_info{option::listen, "--listen", "", true, bit(verb::run)},
    option_info{option::to, "--to", "", true, bit(verb::run)},
    option_info{option::format, "--format", "", true, bit(verb::check)},
    option_info{option::port_base, "--port-base", "", true, bit(verb::demo)},
    option_info{option::help, "--help", "-h", false, ~0U},
};

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
    const std::string_view near = nearest_word(word, known);
    return near.empty() ? "" : ", did you mean " + quoted(near) + "?";
}

std::optional<verb> verb_of(std::string_view word) {
    const auto* const found = std::find(verb_names.begin(), verb_names.end(), word);
    if (found == verb_names.end())
        return std::nullopt;
    return static_cast<verb>(found - verb_names.begin());
}

usage_error unknown_verb(std::string_view word) {
    const std::vector<std::string_view> known(verb_names.begin(), verb_names.end());
    return {"there is no command " + quoted(word) + suggestion(word, known)};
}

// Reads what follows a command; `failure` is set at the first thing that is wrong.
class option_reader {
 public:
    option_reader(const std::vector<std::string>& arguments, verb what)
        : arguments_(arguments), next_(1) {
        into_.what = what;
    }

    parsed_command read() {
        while (next_ < arguments_.size() && !failure_)
            read_one(arguments_[next_++]);
        if (!failure_)
            check_together();
        if (failure_)
            return *failure_;
        return into_;
    }

 private:
    void fail(const std::string& why) {
        if (!failure_)
            failure_ = usage_error{std::string(name(into_.what)) + ": " + why};
    }

    void read_one(const std::string& word) {
        if (into_.what == verb::help && !word.starts_with("-")) {
            const std::optional<verb> about = verb_of(word);
            if (!about) {
                failure_ = unknown_verb(word);
                return;
            }
            into_.about = *about;
            return;
        }
        if (!word.starts_with("-") || word == "-" || word == "--") {
            fail("unexpected argument " + quoted(word));
            return;
        }
        const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
        const std::string key = word.substr(0, equals);
        const option_info* const info = find(key);
        if (info == nullptr)
            return;
        if (!info->takes_value && equals != std::string::npos) {
            fail("option " + quoted(key) + " takes no value");
            return;
        }
        if (!info->takes_value) {
            set(*info, {});
        } else if (equals != std::string::npos) {
            set_value(*info, word.substr(equals + 1));
        } else if (next_ < arguments_.size()) {
            set_value(*info, arguments_[next_++]);
        } else {
            fail("option " + quoted(key) + " needs a value");
        }
    }

    const option_info* find(const std::string& key) {
        std::vector<std::string_view> known;
        for (const option_info& one : options) {
            if ((one.verbs & bit(into_.what)) == 0)
                continue;
            if (key == one.name || key == one.short_name)
                return &one;
            known.push_back(one.name);
        }
        fail("option " + quoted(key) + " is not known" + suggestion(key, known));
        return nullptr;
    }

    void set_value(const option_info& info, const std::string& value) {
        const unsigned seen = 1U << static_cast<unsigned>(info.id);
        if ((seen_ & seen) != 0)
            fail("option " + quoted(info.name) + " is there twice");
        if (value.empty())
            fail("the value of option " + quoted(info.name) + " is empty");
        seen_ |= seen;
        set(info, value);
    }

    void set(const option_info& info, const std::string& value) {
        switch (info.id) {
            case option::config:
                into_.file = value;
                return;
            case option::listen:
                into_.listen = value;
                return;
            case option::to:
                into_.to = value;
                return;
            case option::format:
                set_format(value);
                return;
            case option::port_base:
                set_port(value);
                return;
            case option::help:
                help_ = true;
                return;
        }
    }

    void set_format(const std::string& value) {
        into_.json = value == "json";
        if (value != "json" && value != "text")
            fail("--format is text or json, not " + quoted(value));
    }

    void set_port(const std::string& value) {
        const char* const end = value.data() + value.size();
        const auto [stop, failed] = std::from_chars(value.data(), end, into_.port_base);
        // Two more ports follow it.
        if (failed != std::errc() || stop != end || into_.port_base == 0 || into_.port_base > 65533)
            fail("--port-base is a number from 1 to 65533, not " + quoted(value));
    }

    // Rules between options.
    void check_together() {
        if (help_) {
            into_.about = into_.what == verb::help ? into_.about : into_.what;
            into_.what = verb::help;
            return;
        }
        if (into_.listen.empty() != into_.to.empty())
            fail("--listen and --to belong together");
        if (!into_.listen.empty() && (seen_ & (1U << static_cast<unsigned>(option::config))) != 0)
            fail("either --config or --listen with --to");
    }

    const std::vector<std::string>& arguments_;
    std::size_t next_;
    command into_;
    unsigned seen_ = 0;
    bool help_ = false;
    std::optional<usage_error> failure_;
};

// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
std::size_t edits(std::string_view from, std::string_view to) {
    std::vector<std::size_t> before_last(to.size() + 1);
    std::vector<std::size_t> last(to.size() + 1);
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= from.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t change = from[i - 1] == to[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        before_last = last;
        last = row;
    }
    return last[to.size()];
}

}  // namespace

std::string_view name(verb of) noexcept { return verb_names[static_cast<std::size_t>(of)]; }

parsed_command parse_command_line(const std::vector<std::string>& arguments) {
    if (arguments.empty())
        return usage_error{"no command given"};
    const std::string& first = arguments.front();
    if (first == "--help" || first == "-h")
        return option_reader(arguments, verb::help).read();
    if (first == "--version" || first == "-V")
        return option_reader(arguments, verb::version).read();
    const std::optional<verb> what = verb_of(first);
    if (what)
        return option_reader(arguments, *what).read();
    if (first.starts_with("-"))
        return usage_error{"a command comes before option " + quoted(first)};
    return unknown_verb(first);
}

std::variant<origin_url, usage_error> parse_origin_url(std::string_view text) {
    origin_url made;
    std::string_view rest = text;
    const auto refuse = [text](std::string_view why) {
        return usage_error{"run: --to " + quoted(text) + ": " + std::string(why)};
    };
    if (rest.starts_with("https://")) {
        made.tls = true;
        rest.remove_prefix(8);
    } else if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
    } else {
        return refuse("expects http://HOST[:PORT] or https://HOST[:PORT]");
    }
    if (rest.ends_with('/'))
        rest.remove_suffix(1);
    if (rest.find_first_of("/?#") != std::string_view::npos)
        return refuse("a path is not part of it; requests keep the path they come with");
    if (rest.find('@') != std::string_view::npos)
        return refuse("a user name is not part of it");
    if (rest.empty())
        return refuse("the host is missing");
    made.address = rest;
    const std::size_t bracket = rest.rfind(']');
    const std::size_t colon = rest.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    if (!has_port)
        made.address += made.tls ? ":443" : ":80";
    return made;
}

std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& known) {
    std::string_view best;
    std::size_t fewest = word.size() / 3 + 2;
    for (const std::string_view one : known) {
        const std::size_t needed = edits(word, one);
        if (needed < fewest) {
            fewest = needed;
            best = one;
        }
    }
    return best;
}

}  // namespace penstock::app
