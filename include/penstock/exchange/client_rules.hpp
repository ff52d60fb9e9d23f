// client_rules: who the client of a request is. A peer that the configuration trusts may name it,
// in the one form that the configuration says; of that form the right-most address that is not
// trusted counts. Every other peer is the client itself.
//
// Whatever asks who the client is (log, limits, shares, what origins are told) has the answer from
// here, and so they all have the same.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/http/forwarded.hpp"
#include "penstock/net/endpoint.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::exchange {

class client_rules {
 public:
    // How many addresses are followed; the last of them is then the client.
    static constexpr std::size_t hops_max = http::last_members::most;

    enum class form : std::uint8_t {
        x_forwarded_for,
        forwarded,
        single_address,  // a field that holds one address and no list
    };
    // IPv4 networks are mapped: 10.0.0.0/8 is ::ffff:10.0.0.0/104.
    struct network {
        std::uint8_t bytes[16] = {};
        int prefix = 128;
    };
    struct settings {
        std::vector<network> networks;
        bool unix_peers = false;  // believes peers that came over a Unix socket
        std::string from = "X-Forwarded-For";
    };
    // What a trusted peer said. The views are into the fields that it was read from.
    struct story {
        // The way to the client, nearest first, without the peer; the last one is the client.
        std::array<net::socket_address, hops_max> hops;
        std::size_t count = 0;
        std::string_view scheme;  // "http", "https" or empty
        std::string_view host;    // as the client asked for it; not checked
        std::uint16_t port = 0;   // that the client connected to; 0 = not named
    };

    client_rules() = default;
    explicit client_rules(settings from);

    [[nodiscard]] bool trusts(const net::socket_address& peer) const noexcept;
    [[nodiscard]] form source() const noexcept { return form_; }
    // The field of form::single_address, as written in the configuration.
    [[nodiscard]] const std::string& field() const noexcept { return settings_.from; }
    // Of fields that a trusted peer sent. An entry that is no address ends the walk.
    void read(const http::fields& of, story& into) const;

 private:
    // False if the walk ends at this one.
    [[nodiscard]] bool follow(std::string_view node, story& into) const;
    void read_list(const http::fields& of, story& into) const;
    void read_forwarded(const http::fields& of, story& into) const;
    void read_single(const http::fields& of, story& into) const;

    settings settings_;
    form form_ = form::x_forwarded_for;
};

// Sets who the client of a request is, by its whole head and its peer: `peer_trusted`,
// `named_client`, the scheme that a trusted peer names, and the addresses in the record. Without
// rules every peer is the client itself.
void identify(const client_rules* by, request& of);

}  // namespace penstock::exchange
