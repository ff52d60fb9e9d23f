// Whether variables can lead a URL of the configuration to another host: what a client chooses
// would go on where the literal host ends, as in "https://example.com${arg.next}".
#include "config/check_texts.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <array>

namespace penstock::config {
namespace {

bool is_chosen_by_client(variable what) noexcept {
    switch (what) {
        case variable::header:
        case variable::cookie:
        case variable::arg:
        case variable::capture:
        case variable::method:
        case variable::tls_client_subject:
            return true;
        default:
            return false;
    }
}

// A piece of the authority; a text of the client's choice has `literal` empty.
struct authority_piece {
    std::string literal;
    bool chosen = false;
};
using authority = std::vector<authority_piece>;

// False where the authority ends within.
bool add_literal(std::string_view text, authority& to) {
    const std::size_t end = std::min(text.find_first_of("/?#\\"), text.size());
    if (end > 0)
        to.push_back({std::string(text.substr(0, end))});
    return end == text.size();
}

bool add_variable(variable what, authority& to) {
    if (what == variable::path || what == variable::uri)
        return false;
    if (what == variable::query)
        return true;
    const bool chosen = is_chosen_by_client(what);
    to.push_back({chosen ? "" : what == variable::host ? "host.name" : "name", chosen});
    return true;
}

// Behind the first "//", if nothing before it is of a path.
authority authority_of(const std::vector<text_piece>& text) {
    authority made;
    bool within = false;
    for (const text_piece& one : text) {
        std::string_view literal = one.literal;
        if (one.what && !within && *one.what != variable::scheme)
            return {};
        if (one.what && within && !add_variable(*one.what, made))
            break;
        if (one.what)
            continue;
        if (!within) {
            const std::size_t mark = literal.find_first_of("/?#\\");
            if (mark == std::string_view::npos)
                continue;
            if (literal.substr(mark, 2) != "//")
                return {};
            within = true;
            literal.remove_prefix(mark + 2);
        }
        if (!add_literal(literal, made))
            break;
    }
    return made;
}

// As in "https://api-${header.x-region}.example.com/" a label or a part of one may be chosen, where
// separators are escaped.
bool leads_elsewhere(const authority& of, bool escapes) {
    std::string before;
    for (std::size_t i = 0; i < of.size(); ++i) {
        if (!of[i].chosen) {
            before += of[i].literal;
            continue;
        }
        const bool last = i + 1 == of.size() || of[i + 1].chosen || of[i + 1].literal[0] == ':';
        const bool host = before.find_first_not_of(':') != std::string::npos;
        const bool label = before.ends_with('.') || (!last && before.ends_with('-'));
        const bool whole = last || before.find_first_of(".:") != std::string::npos;
        if ((host && !label && whole) || (!escapes && !last))
            return true;
    }
    return false;
}

void refuse(reader& in, const yaml_node& node) {
    in.error(node, in_quotes(node.text) + " lets clients choose how its host goes on",
             "put a '/' between the host and the variable");
}

}  // namespace

void check_authority(reader& in, const yaml_node& node, text_place at) {
    const parsed_text parsed = parse_variables(node.text, at);
    if (!parsed.ok())
        return;
    authority found;
    if (at == text_place::url_host) {
        for (const text_piece& one : parsed.pieces) {
            if (one.what ? !add_variable(*one.what, found) : !add_literal(one.literal, found))
                break;
        }
    } else {
        found = authority_of(parsed.pieces);
    }
    if (leads_elsewhere(found, at != text_place::response_header))
        refuse(in, node);
}

void check_location(reader& in, const yaml_node& name, const yaml_node& value) {
    constexpr std::array<std::string_view, 3> fields = {"location", "content-location", "refresh"};
    if (std::find(fields.begin(), fields.end(), lower(name.text)) != fields.end())
        check_authority(in, value, text_place::response_header);
}

}  // namespace penstock::config
