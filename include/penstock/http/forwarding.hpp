// What a proxy strips, adds and believes: hop-by-hop fields (RFC 9110 §7.6.1) and forwarding
// fields.
#pragma once

#include "penstock/http/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::http {

// Removes hop-by-hop fields and those that Connection names, except fields that a client must not
// be able to remove (Host, Authorization, Cookie, Set-Cookie, Content-*, Forwarded, Via, CDN-Loop,
// X-Forwarded-*, X-Real-IP, X-Request-Id). Of the names in Connection, 64 are looked at.
// Framing fields go too: the encoder writes its own.
void strip_hop_by_hop(fields& of);

// What an origin is told about where a request came from.
struct forwarded_facts {
    // Addresses without ports and IPv6 without brackets, separated by ", ": the client first, the
    // peer last. Empty = there is none, as of peers over Unix sockets.
    std::string_view way;
    std::string_view scheme;              // that the client used
    std::string_view host;                // that the client asked for
    std::string_view client_certificate;  // DER in base64; empty = none
    std::string_view client_field;        // a field that names the client alone; empty = none
    std::string_view scheme_field;        // one that names the scheme, besides X-Forwarded-Proto
    std::uint16_t port = 0;               // that the client connected to; 0 = not known
    bool keeps_family = false;      // X-Forwarded-* of other meanings come from a trusted peer
    bool writes_forwarded = false;  // RFC 7239 as well
};
// X-Forwarded-For / -Proto / -Host / -Port, X-Real-IP and, where it is wanted, Forwarded are
// written from the facts, whatever the peer sent of them; Client-Cert (RFC 9440) likewise. Every
// other X-Forwarded-* is dropped unless it may be kept, and so are, of all peers, names that are
// one of field_id's or of these with '_' for '-'. `scratch` is used; no fact is a view into it.
void set_forwarding(fields& of, const forwarded_facts& facts, std::string& scratch);

}  // namespace penstock::http
