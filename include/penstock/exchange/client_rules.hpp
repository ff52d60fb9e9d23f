// client_rules: who the client of a request is. A peer that the configuration trusts may name it,
// in the one form that the configuration says; of that form the right-most address that is not
// trusted counts. Every other peer is the client itself.
//
// Whatever asks who the client is (log, limits, shares, what origins are told) has the answer from
// here, and so they all have the same.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/http/fields.hpp"
#include "penstock/http/forwarded.hpp"
#include "penstock/net/endpoint.hpp"

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
        // The field that says which scheme the client used: `none` = the connection alone; empty =
        // X-Forwarded-Proto, or with `Forwarded` its own parameter.
        std::string scheme = {};
    };

    client_rules() : client_rules(settings()) {}
    explicit client_rules(settings from);

    [[nodiscard]] bool trusts(const net::socket_address& peer) const noexcept;
    [[nodiscard]] form source() const noexcept { return form_; }
    // The field of form::single_address, as written in the configuration.
    [[nodiscard]] const std::string& field() const noexcept { return settings_.from; }
    // The field that says the scheme; empty = none does.
    [[nodiscard]] const std::string& scheme_field() const noexcept { return scheme_field_; }
    // True if that is X-Forwarded-Proto, or none: a field that is written in any case.
    [[nodiscard]] bool has_usual_scheme() const noexcept { return usual_scheme_; }
    // Of fields that a trusted peer sent. An entry that is no address ends the walk.
    void read(const http::fields& of, client_story& into) const;

 private:
    // False if the walk ends at this one.
    [[nodiscard]] bool follow(std::string_view node, client_story& into) const;
    void read_list(const http::fields& of, client_story& into) const;
    [[nodiscard]] std::string_view walk_forwarded(const http::fields& of, client_story& into) const;
    void read_forwarded(const http::fields& of, client_story& into) const;
    void read_single(const http::fields& of, client_story& into) const;
    void read_scheme(const http::fields& of, client_story& into) const;

    settings settings_;
    std::string scheme_field_;
    form form_ = form::x_forwarded_for;
    bool reads_proto_ = false;  // the parameter of Forwarded
    bool usual_scheme_ = true;
};

// Sets who the client of a request is, by its whole head and its peer: `told`, the scheme that a
// trusted peer names, and the addresses in the record. Without rules every peer is the client
// itself.
void identify(const client_rules* by, request& of);

// The authority in the client's own URL: what a trusted peer says of it, else what the request
// names. So it belongs to the scheme in the request's head, which has the same source.
struct client_authority {
    std::string_view host;   // without one trailing dot; empty = the client named none
    std::uint16_t port = 0;  // 0 = the default one of the scheme
};
[[nodiscard]] client_authority authority_of_client(const request& of) noexcept;

}  // namespace penstock::exchange
