#include "proxy/trust.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace penstock::proxy {
namespace {

bool holds(const config::network& network, const std::uint8_t (&address)[16]) noexcept {
    const auto whole = static_cast<std::size_t>(network.prefix / 8);
    if (std::memcmp(network.bytes, address, whole) != 0)
        return false;
    const int rest = network.prefix % 8;
    if (rest == 0)
        return true;
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
    return (network.bytes[whole] & mask) == (address[whole] & mask);
}

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

}  // namespace

bool is_trusted(const net::socket_address& peer,
                const std::vector<config::network>& trust) noexcept {
    if (trust.empty())
        return false;
    std::uint8_t address[16];
    peer.mapped(address);
    return std::any_of(trust.begin(), trust.end(),
                       [&](const config::network& one) { return holds(one, address); });
}

std::optional<net::address_key> named_client(const http::fields& of,
                                             const std::vector<config::network>& trust) {
    std::optional<net::address_key> found;
    for (const http::fields::field one : of) {
        if (one.id != http::field_id::x_forwarded_for)
            continue;
        for (std::string_view rest = one.value; !rest.empty();) {
            const std::size_t comma = rest.find(',');
            const auto read = net::socket_address::parse(trim(rest.substr(0, comma)), 0);
            rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
            // What stands in front of a word that is no address was not written by a proxy.
            if (!read)
                found.reset();
            else if (!found || !is_trusted(*read, trust))
                found = net::address_key_of(*read);
        }
    }
    return found;
}

}  // namespace penstock::proxy
