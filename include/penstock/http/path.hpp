// The two forms of a request's path. Routes match the normal form; what leaves is the path as it
// came, with dot segments resolved. Both name one resource, whether or not the origin merges
// slashes or decodes escapes of unreserved characters (RFC 3986 §5.2.4, §6.2.2).
#pragma once

#include "penstock/http/error.hpp"
#include "penstock/http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::http {

// Splits an origin-form target into path, sent_path, escaped_slash and query of `into`, replacing
// what they held; all are as cleared after an error.
//
//   path       '.' and '..' segments, plain or as %2e, resolved; repeated slashes merged; escapes
//              of unreserved characters decoded, all others with upper-case digits
//   sent_path  as received, but dot segments resolved, and then leading slashes made one;
//              empty where that is `path`
//   query      as received, with its '?'
//
// %2F and %5C are data: they stay in both forms. errc::ambiguous_segment where reading them as
// separators makes a '.' or '..' segment; errc::ambiguous_dots for '..' behind an empty segment,
// which is resolved differently before and after slashes are merged. errc::bad_path for climbing
// above the root, %00, '\', '#', bad escapes and bytes outside 0x21–0x7e; in the query only '#' and
// such bytes are refused.
[[nodiscard]] result<void> normalize_target(std::string_view target, request_head& into);

// The two forms of `path`, which begins with '/' and has no query: what a configuration made out of
// a path that was received. Errors as above, with both as cleared.
[[nodiscard]] result<void> normalize_path(std::string_view path, request_head& into);

// Whether a segment is '.' or '..', plain or as %2e.
[[nodiscard]] bool has_dot_segment(std::string_view path) noexcept;

// Where the forwarded path goes on behind the first `normal` bytes of `path`, which end with a
// whole segment.
[[nodiscard]] std::size_t forwarded_offset(const request_head& of, std::size_t normal) noexcept;

// Repeated slashes of the path that leaves become one.
void merge_slashes(request_head& of);

// Which escapes an origin takes for separators.
enum class separators : std::uint8_t { slash, backslash, both };
// `path`, which is in normal form, as such an origin reads it, in normal form. The first `kept`
// bytes, at most all of them, stay as they are.
void read_escapes(std::string_view path, separators which, std::string& out, std::size_t kept = 0);

}  // namespace penstock::http
