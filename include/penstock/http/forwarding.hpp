// What a proxy strips, adds and believes: hop-by-hop fields (RFC 9110 §7.6.1) and forwarding
// fields.
#pragma once

#include "penstock/http/message.hpp"

#include <string_view>

namespace penstock::http {

// Removes hop-by-hop fields and those that Connection names, except fields that a client must not
// be able to remove (Host, Authorization, Cookie, Set-Cookie, Content-*, Forwarded, Via, CDN-Loop,
// X-Forwarded-*, X-Real-IP, X-Request-Id). Of the names in Connection, 64 are looked at.
// Framing fields go too: the encoder writes its own.
void strip_hop_by_hop(fields& of);

struct forwarded_facts {
    std::string_view client_address;      // without port
    std::string_view scheme;              // of the client's connection
    std::string_view host;                // authority of the request
    std::string_view client_certificate;  // DER in base64; empty = none
    std::uint16_t port = 0;               // that the client connected to
    bool peer_trusted = false;            // its own forwarding fields are believed and extended
};
// X-Forwarded-For / -Proto / -Host / -Port and X-Real-IP: extended or kept for a trusted peer,
// replaced for any other. Client-Cert (RFC 9440) is always ours. Of an untrusted peer, Forwarded
// and every other X-Forwarded-* are dropped, and so are names that are one of field_id's, or of
// these, with '_' for '-'.
void set_forwarding(fields& of, const forwarded_facts& facts);

}  // namespace penstock::http
