#include "penstock/config/variables.hpp"

#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::config {
namespace {

using place_set = std::uint16_t;

constexpr place_set bit(text_place at) noexcept {
    return static_cast<place_set>(1U << static_cast<unsigned>(at));
}

constexpr place_set everywhere = 0x1ff;
constexpr place_set of_responses = bit(text_place::response_header) | bit(text_place::body);
// A path has no query in it.
constexpr place_set without_paths = static_cast<place_set>(
    everywhere & ~(bit(text_place::url_path) | bit(text_place::rewritten_path) |
                   bit(text_place::url_host) | bit(text_place::rewritten_host)));
// What an origin was asked for, or is asked for now.
constexpr place_set of_forwarding =
    bit(text_place::request_header) | bit(text_place::response_header) |
    bit(text_place::rewritten_path) | bit(text_place::rewritten_host);

enum class argument : std::uint8_t { none, field_name, cookie_name, any };

struct known_variable {
    std::string_view name;
    variable what;
    place_set places;
    argument takes = argument::none;
};
constexpr std::array known{
    known_variable{"scheme", variable::scheme, everywhere},
    known_variable{"host", variable::host, everywhere},
    known_variable{"port", variable::port, everywhere},
    known_variable{"path", variable::path, everywhere},
    known_variable{"query", variable::query, without_paths},
    known_variable{"uri", variable::uri, without_paths},
    known_variable{"method", variable::method, everywhere},
    known_variable{"client.ip", variable::client_ip, everywhere},
    known_variable{"listener", variable::listener, everywhere},
    known_variable{"route", variable::route, everywhere},
    known_variable{"upstream", variable::upstream, of_forwarding},
    known_variable{"request_id", variable::request_id, everywhere},
    known_variable{"header", variable::header, everywhere, argument::field_name},
    known_variable{"cookie", variable::cookie, everywhere, argument::cookie_name},
    known_variable{"arg", variable::arg, everywhere, argument::any},
    // No path is matched by a regex yet.
    known_variable{"capture", variable::capture, 0, argument::any},
    known_variable{"tls.sni", variable::tls_sni, everywhere},
    known_variable{"tls.client.subject", variable::tls_client_subject, everywhere},
    known_variable{"status", variable::status, of_responses},
    known_variable{"reason", variable::reason, of_responses},
};

std::string written(std::string_view name) { return "'${" + std::string(name) + "}'"; }

const known_variable* find(std::string_view name) noexcept {
    const auto* const found =
        std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.name == name; });
    return found == known.end() ? nullptr : found;
}

// "header.Accept" is `header` with an argument; "client.ip" is a name of its own.
const known_variable* find_with_argument(std::string_view text, std::string_view& given) {
    if (const known_variable* const whole = find(text); whole != nullptr)
        return whole;
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos)
        return nullptr;
    const known_variable* const found = find(text.substr(0, dot));
    if (found != nullptr && found->takes != argument::none)
        given = text.substr(dot + 1);
    return found;
}

std::string_view sample_of(argument takes) noexcept {
    return takes == argument::field_name ? "Accept" : "name";
}

std::string list_of_names() {
    std::string list;
    for (const known_variable& one : known) {
        if (one.places == 0)
            continue;
        list += list.empty() ? "known here: " : ", ";
        list += one.name;
        list += one.takes == argument::none ? "" : ".NAME";
    }
    return list;
}

std::string hint_of_unknown_variable(std::string_view text) {
    std::vector<std::string_view> names;
    for (const known_variable& one : known) {
        if (one.places != 0)
            names.push_back(one.name);
    }
    const std::string_view name = text.substr(0, text.find('.'));
    const std::string_view whole = nearest(text, names);
    const std::string_view near = whole.empty() ? nearest(name, names) : whole;
    if (!near.empty()) {
        const bool argument = find(near)->takes != argument::none;
        return "did you mean " + written(std::string(near) + (argument ? ".NAME" : "")) + "?";
    }
    const bool of_environment = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    return of_environment
               ? "a variable of the environment is " + written("env:" + std::string(text))
               : list_of_names();
}

bool is_argument(argument takes, std::string_view given) noexcept {
    if (takes == argument::any)
        return !given.empty();
    return is_token(given);
}

// Cuts one text; stops at the first fault.
class cutter {
 public:
    cutter(std::string_view text, text_place at) : rest_(text), at_(at) {}

    parsed_text run() {
        while (!rest_.empty() && out_.ok())
            step();
        end_literal();
        return std::move(out_);
    }

 private:
    void step() {
        const std::size_t dollar = std::min(rest_.find('$'), rest_.size());
        literal_ += rest_.substr(0, dollar);
        rest_.remove_prefix(dollar);
        if (rest_.starts_with("${")) {
            take_variable();
        } else if (!rest_.empty()) {
            literal_ += '$';
            rest_.remove_prefix(rest_.starts_with("$$") ? 2 : 1);
        }
    }

    void take_variable() {
        const std::size_t end = rest_.find('}');
        if (end == std::string_view::npos) {
            out_.message = "'${' without its '}'";
            out_.hint = "a dollar that begins no variable is written '$$'";
            return;
        }
        const std::string_view text = rest_.substr(2, end - 2);
        std::string_view given;
        const known_variable* const found = find_with_argument(text, given);
        if (found == nullptr || (found->takes == argument::none && text != found->name)) {
            out_.message = "unknown variable " + written(text);
            out_.hint = hint_of_unknown_variable(text);
            return;
        }
        if ((found->places & bit(at_)) == 0) {
            out_.message = written(text) + " has no value here";
            out_.hint = hint_of_place(*found);
            return;
        }
        if (found->takes != argument::none && !is_argument(found->takes, given)) {
            out_.message = written(text) + (given.empty() ? " lacks a name" : " has a bad name");
            out_.hint = "as in " + written(std::string(found->name) + "." +
                                           std::string(sample_of(found->takes)));
            return;
        }
        end_literal();
        out_.pieces.push_back({{}, found->what, std::string(given)});
        rest_.remove_prefix(end + 1);
    }

    static std::string hint_of_place(const known_variable& of) {
        if (of.what == variable::capture)
            return "no path of this configuration is matched by a regex";
        if (of.places == of_responses)
            return "it is known once there is a response";
        if (of.places == of_forwarding)
            return "nothing is forwarded here";
        return "a path and a host have no query in them";
    }

    void end_literal() {
        if (!literal_.empty())
            out_.pieces.push_back({std::exchange(literal_, {}), std::nullopt, {}});
    }

    std::string_view rest_;
    text_place at_;
    std::string literal_;
    parsed_text out_;
};

}  // namespace

parsed_text parse_variables(std::string_view text, text_place at) { return cutter(text, at).run(); }

bool uses(std::string_view text, text_place at, variable what) {
    const parsed_text parsed = parse_variables(text, at);
    return std::any_of(parsed.pieces.begin(), parsed.pieces.end(),
                       [&](const text_piece& one) { return one.what == what; });
}

}  // namespace penstock::config
