// Reads HTTP/1 messages strictly, for tests only, and shares no line with src/http: what it accepts
// is what RFC 9112 says a sender must produce, anything else throws.
#pragma once

#include "support/peer.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::test {

using field_list = std::vector<std::pair<std::string, std::string>>;  // as received, in order

// The only value of a field; nothing if it is absent, throws if it is there twice.
[[nodiscard]] std::optional<std::string> find_field(const field_list& fields,
                                                    std::string_view name);

struct http_request {
    std::string method;
    std::string target;
    std::string head;  // the raw bytes up to and including the empty line
    field_list fields;
    std::string body;
    field_list trailers;
    [[nodiscard]] std::optional<std::string> field(std::string_view name) const {
        return find_field(fields, name);
    }
};

struct http_response {
    int status = 0;
    std::string reason;
    std::string head;
    field_list fields;
    std::string body;
    field_list trailers;
    std::vector<int> interim;  // the 1xx that came before
    bool until_close = false;  // the body ended with the connection
    [[nodiscard]] std::optional<std::string> field(std::string_view name) const {
        return find_field(fields, name);
    }
};

// A whole request; nothing if the connection ended before its first byte.
[[nodiscard]] std::optional<http_request> read_request(peer& from, milliseconds limit = patience);
// Its head alone.
[[nodiscard]] std::optional<http_request> read_request_head(peer& from,
                                                            milliseconds limit = patience);
// The body that belongs to a head read before.
void read_request_body(peer& from, http_request& to, milliseconds limit = patience);

// A whole response to a request of this method; 101 and 2xx to CONNECT have no body here.
[[nodiscard]] http_response read_response(peer& from, std::string_view method = "GET",
                                          milliseconds limit = patience);
// Its head alone; 1xx before it are skipped into `interim`.
[[nodiscard]] http_response read_response_head(peer& from, milliseconds limit = patience);

// "HTTP/1.1 200 OK" with Content-Length and the body; `fields` are whole lines with CRLF.
[[nodiscard]] std::string ok_response(std::string_view body, std::string_view fields = {});

}  // namespace penstock::test
