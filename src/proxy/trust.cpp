#include "proxy/trust.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

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

}  // namespace penstock::proxy
