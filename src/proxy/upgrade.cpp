#include "proxy/upgrade.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace penstock::proxy {
namespace {

constexpr std::string_view websocket = "websocket";

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
    const std::size_t last = text.find_last_not_of(" \t");
    return text.substr(first, last == std::string_view::npos ? 0 : last + 1 - first);
}

// As the route writes it; empty = it does not follow it.
std::string_view followed(std::string_view offered, const config::route& by) noexcept {
    if (!by.upgrade)
        return by.websocket && http::equal_nocase(offered, websocket) ? websocket
                                                                      : std::string_view();
    for (const std::string& each : *by.upgrade) {
        if (http::equal_nocase(offered, each))
            return each;
    }
    return {};
}

}  // namespace

bool follows_websockets(const config::route& by) noexcept {
    return !followed(websocket, by).empty();
}

void choose_upgrade(exchange::request& from, const config::route& by) {
    // HTTP/2 offers nothing else, and has no list.
    if (from.head.version == http::version::http_2) {
        from.wants_websocket = from.wants_websocket && follows_websockets(by);
        return;
    }
    from.wants_websocket = false;
    if (from.upgrade.empty())
        return;
    const std::string offered = std::exchange(from.upgrade, {});
    for (std::string_view rest = offered; !rest.empty();) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view protocol = followed(trimmed(rest.substr(0, comma)), by);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
        const bool is_websocket = http::equal_nocase(protocol, websocket);
        if (protocol.empty() || (is_websocket && from.head.verb != http::method::get))
            continue;
        from.wants_websocket = is_websocket;
        if (!is_websocket)
            from.upgrade = protocol;
        return;
    }
}

std::string_view forbidden_body(const exchange::request& from) noexcept {
    // Over HTTP/2 the stream is the tunnel from its beginning.
    const bool stream = from.head.version == http::version::http_2;
    if (from.protocol().empty() || stream || from.body->finished())
        return {};
    if (from.wants_websocket)
        return "Upgrade with a body";
    const std::optional<std::uint64_t> length = from.body->length();
    if (!length)
        return "Upgrade with a body of unknown length";
    return *length > upgrade_body_max ? std::string_view("Upgrade with a body above 64 KiB")
                                      : std::string_view();
}

}  // namespace penstock::proxy
