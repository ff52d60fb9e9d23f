// Why a message could not be read. One enumerator per distinct answer or diagnosis; proxy/failure
// maps them to statuses and tokens.
#pragma once

#include "penstock/base/error.hpp"

namespace penstock::http {

enum class errc {
    bad_request_line = 1,
    bad_method,
    bad_target,
    bad_version,          // not HTTP/x.y at all: 400
    version_unsupported,  // HTTP/2.x and later in an HTTP/1 request line: 505
    uri_too_long,         // 414
    bad_field,            // grammar of a field line
    bad_line_end,         // bare LF, bare CR, NUL
    field_too_large,      // one field over its cap: 431
    header_too_large,     // head over its cap: 431
    too_many_fields,      // 431
    bad_host,
    bad_content_length,
    length_conflict,  // Content-Length and Transfer-Encoding, or two lengths
    bad_transfer_encoding,
    transfer_coding_unknown,  // a well-formed list that ends in chunked: 501
    body_not_allowed,         // TRACE or CONNECT with a body
    bad_expectation,          // 417
    bad_chunk,
    chunk_extension_too_large,
    bad_trailer,
    trailer_too_large,
    truncated,  // the peer closed within a body
    bad_status_line,
    bad_path,           // climbs above the root, bad escape, forbidden byte
    ambiguous_dots,     // ".." behind an empty segment: it depends on when slashes are merged
    ambiguous_segment,  // "." or "..", if an escaped '/' or '\' is read as a separator
    escaped_separator,  // an escaped '/' or '\' in a path, where there may be none
    connection_breach,  // the peer has broken the rules of HTTP/2 for its whole connection
};

[[nodiscard]] const boost::system::error_category& category() noexcept;
[[nodiscard]] inline error make_error_code(errc e) noexcept {
    return {static_cast<int>(e), category()};
}

}  // namespace penstock::http

namespace boost::system {
template <>
struct is_error_code_enum<penstock::http::errc> : std::true_type {};
}  // namespace boost::system
