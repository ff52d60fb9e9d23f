// The two message heads, neutral of protocol version: what a codec parsed, what `proxy` edits and
// what the other codec serialises. Nothing here keeps the bytes that came in.
#pragma once

#include "penstock/http/fields.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::http {

enum class method : std::uint8_t {
    get,
    head,
    post,
    put,
    delete_,
    options,
    patch,
    trace,
    connect,
    other
};

[[nodiscard]] method method_of(std::string_view text) noexcept;  // case-sensitive (RFC 9110 §9.1)
// Idempotent by definition (RFC 9110 §9.2.2); `other` is not.
[[nodiscard]] bool idempotent(method m) noexcept;
// A request without content says so by a length of zero (RFC 9110 §8.6).
[[nodiscard]] bool anticipates_content(method m) noexcept;
// A content type of "application/grpc", with or without "+proto" and the like.
[[nodiscard]] bool is_grpc(const fields& of) noexcept;

enum class version : std::uint8_t { http_1_0, http_1_1, http_2 };

struct request_head {
    method verb = method::get;
    std::string method_text;  // as received, a token of at most 32 bytes
    // "http" or "https", from the transport or the absolute form, or empty; never a copy.
    std::string_view scheme;
    std::string authority;  // lower-cased host[:port]; empty only on HTTP/1.0 without Host
    std::string path;  // normal form, begins with '/' (or is "*" for OPTIONS): what routes match
    std::string sent_path;  // what is forwarded where that is not `path` (path.hpp); else empty
    std::string query;      // with its '?', or empty
    http::version version = version::http_1_1;
    http::fields fields;         // without Host: `authority` is the one truth
    bool escaped_slash = false;  // `path` holds %2F or %5C

    void clear() noexcept;
    // The path that leaves.
    [[nodiscard]] const std::string& forwarded_path() const noexcept {
        return sent_path.empty() ? path : sent_path;
    }
    // `authority` without its port and without one trailing dot: what hosts are matched by.
    [[nodiscard]] std::string_view host() const noexcept;
};

struct response_head {
    int status = 0;
    std::string reason_phrase;  // as received; empty = the standard one is sent
    http::version version = version::http_1_1;
    http::fields fields;

    void clear() noexcept;
};

// The standard phrase of a status (RFC 9110 §15), or "" if it is unknown.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace penstock::http
