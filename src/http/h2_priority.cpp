#include "http/h2_priority.hpp"

#include "http/grammar.hpp"

#include <cstddef>

namespace penstock::http {
namespace {

// The next member of a dictionary (RFC 8941 §3.2) without its parameters; a comma within a string
// separates nothing.
std::string_view take_member(std::string_view& rest) noexcept {
    bool quoted = false;
    std::size_t at = 0;
    std::size_t end = std::string_view::npos;
    for (; at < rest.size() && (quoted || rest[at] != ','); ++at) {
        if (rest[at] == '"')
            quoted = !quoted;
        else if (rest[at] == '\\')
            ++at;
        else if (rest[at] == ';' && !quoted && end == std::string_view::npos)
            end = at;
    }
    at = at < rest.size() ? at : rest.size();
    const std::string_view member = rest.substr(0, end < at ? end : at);
    rest.remove_prefix(at < rest.size() ? at + 1 : at);
    return trim_space(member);
}

}  // namespace

void read_priority(std::string_view field, h2_priority& into) noexcept {
    while (!field.empty()) {
        const std::string_view member = take_member(field);
        if (member.size() == 3 && member.starts_with("u=") && member[2] >= '0' && member[2] <= '7')
            into.urgency = static_cast<std::uint8_t>(member[2] - '0');
        else if (member == "i" || member == "i=?1")
            into.incremental = true;
        else if (member == "i=?0")
            into.incremental = false;
    }
}

}  // namespace penstock::http
