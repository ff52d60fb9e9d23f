// The `routes` of the configuration model: what a request looks like, and what becomes of it.
#pragma once

#include "penstock/config/tls_model.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock::config {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

struct header_value {
    std::string name;  // as written; compared without case
    std::string value;
};

// Edits of one head; removed first, then set (replaces), then added.
struct header_edits {
    std::vector<std::string> remove;
    std::vector<header_value> set;
    std::vector<header_value> add;
};

enum class path_match { any, exact, prefix };

struct header_match {
    std::string name;                  // lower case
    std::optional<std::string> value;  // absent = the field has to be there
};

struct route_match {
    std::vector<std::string> hosts;  // lower case; exact or "*.example.com"; empty = any
    path_match path_kind = path_match::any;
    std::string path;
    std::vector<std::string> methods;  // upper case; empty = any
    std::vector<header_match> headers;
    std::vector<std::string> listeners;  // empty = any
    std::string scheme;                  // that the client used: "http" or "https"; empty = any
    bool whole = true;                   // false while loading if a part of it was refused
};

struct respond {
    int status = 200;
    std::string body;
    std::string content_type = "text/plain; charset=utf-8";
};

// Either `to`, the whole Location, or parts of it: what is not named is the request's, but for the
// port, which a change of scheme drops. Texts may have variables.
struct redirect {
    std::string to;
    std::optional<std::string> scheme;  // "http" or "https"
    std::optional<std::string> host;    // without port
    std::optional<std::uint32_t> port;
    std::optional<std::string> path;
    std::optional<std::string> query;  // with or without its '?'; empty = none
    int status = 308;
};

// What of a request is changed for the origin; at most one of the first three is there. Prefixes
// are those of the path's normal form.
struct rewrite {
    std::optional<std::string> strip_prefix;
    std::optional<std::string> prefix;  // in place of the one that the route matches
    std::optional<std::string> path;    // with variables
    std::optional<std::string> host;    // with variables
};

// A part of a route's requests.
struct split_share {
    std::string upstream;
    std::uint32_t weight = 1;  // 0 … 1000
    location where;
};

// How response bodies that come in small pieces are put together.
struct flush {
    std::uint64_t bytes = 16 * 1024;  // sent when so many are there
    milliseconds interval = 20ms;     // or this long after the first of them
};

struct route {
    std::string name;  // given, or made from the upstream's name
    route_match match;
    std::string upstream;  // exactly one of upstream, split, reply and redirection is there
    std::vector<split_share> split;
    std::optional<respond> reply;
    std::optional<redirect> redirection;
    std::optional<milliseconds> total_timeout;  // whole exchange, from its first byte
    header_edits request_headers;
    header_edits response_headers;
    std::optional<std::uint64_t> body_limit;  // overrides the listener's
    std::optional<config::flush> flush;       // none: every piece as it comes
    bool digest = false;                      // Content-Digest on responses
    bool websocket = true;                    // short form of `upgrade: [websocket]`
    // Protocols that an Upgrade may switch to; nothing = what `websocket` says.
    std::optional<std::vector<std::string>> upgrade;
    config::rewrite rewrite;
    std::optional<bool> via;               // overrides the upstream's
    std::optional<bool> rewrite_location;  // the same
    location where;
};

}  // namespace penstock::config
