// Reads what proxies in front of us wrote about their client: the entries of X-Forwarded-For and
// the elements of Forwarded (RFC 7239). It takes text apart; whose word counts is decided by
// exchange/client_rules, and `forwarding` writes what leaves.
#pragma once

#include "penstock/http/fields.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::http {

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:4711". Only the
// parts are told apart here: `host`, with its brackets, may still be no address.
struct forwarded_node {
    std::string_view host;
    std::uint16_t port = 0;  // 0 = none was named
};
[[nodiscard]] std::optional<forwarded_node> parse_node(std::string_view text) noexcept;

// One element of Forwarded; what it does not name is empty. Quotes are taken off.
struct forwarded_element {
    std::string_view node;
    std::string_view scheme;
    std::string_view host;
};
// Nothing for an element that is malformed, names a parameter twice, or escapes characters within
// quotes, which no address, scheme or host needs.
[[nodiscard]] std::optional<forwarded_element> parse_forwarded(std::string_view element) noexcept;

// Takes the last element off a list of Forwarded. It reads from the right, because what stands
// there was written by the proxy next to us: text that a client made up in front of it, such as a
// quote that never ends, cannot change how that is read.
[[nodiscard]] std::string_view take_last_element(std::string_view& list) noexcept;

// The last members of all fields of one name, read as one list (RFC 9110 §5.3), in their order.
// Empty members do not count.
struct last_members {
    static constexpr std::size_t most = 32;

    [[nodiscard]] std::size_t size() const noexcept { return total < most ? total : most; }
    // 0 is the last one.
    [[nodiscard]] std::string_view from_end(std::size_t i) const noexcept {
        return ring[(total - 1 - i) % most];
    }
    void add(std::string_view member) noexcept { ring[total++ % most] = member; }

    std::array<std::string_view, most> ring;
    std::size_t total = 0;
};
// Members are cut at commas, or each field line is one.
enum class list_cut : std::uint8_t { members, lines };
void find_last(const fields& of, std::string_view name, list_cut how, last_members& into) noexcept;
// The last member alone, cut at commas; empty = there is none.
[[nodiscard]] std::string_view last_member(const fields& of, std::string_view name) noexcept;

}  // namespace penstock::http
