// HTTP/1 heads: bytes → parsed head, and parsed head → bytes (RFC 9112 §2–§5). Strict: one reading
// or an error. Line by line, so that a faulty line is refused at once and one-byte writes give the
// same verdict as one write.
//
// Flow: call `feed` with all bytes received so far, from the first byte of the head on. It returns
// the head's length once it is complete, nothing if more is needed, or an error. `reset` before the
// next.
#pragma once

#include "penstock/http/error.hpp"
#include "penstock/http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::http {

struct head_limits {
    std::size_t head = 64 * 1024;
    std::size_t line = 8 * 1024;    // request or status line
    std::size_t field = 16 * 1024;  // one field line
    std::size_t count = 100;
};

// How the lines of a head may end. `either`: all of them as the first one does.
enum class line_ends : std::uint8_t { crlf, lf, either };

// Finds the lines of a head one after the other, and refuses those that break a limit or do not end
// as they should. Which error a too long head gives doesn't depend on how it was cut into reads.
class head_line_reader {
 public:
    explicit head_line_reader(line_ends taken = line_ends::crlf) noexcept
        : taken_(taken), ends_(taken) {}
    void reset() noexcept { *this = head_line_reader(taken_); }
    // The next whole line without its end, or nothing if more is needed.
    [[nodiscard]] result<std::optional<std::string_view>> next(std::string_view received,
                                                               const head_limits& limits);
    // Leaves bytes in front of the first line out of the head.
    void skip(std::size_t count) noexcept { first_ = line_ = scanned_ = count; }
    // What was skipped was a line that ended so.
    void expect(line_ends as) noexcept { ends_ = as; }
    [[nodiscard]] std::size_t position() const noexcept { return line_; }
    [[nodiscard]] bool at_first_line() const noexcept { return line_ == first_; }

 private:
    [[nodiscard]] error over_limit(std::size_t line_bytes, std::size_t end,
                                   const head_limits& limits) const noexcept;

    std::size_t first_ = 0;    // where the head begins
    std::size_t line_ = 0;     // where the present line begins
    std::size_t scanned_ = 0;  // bytes searched for its end
    line_ends taken_;
    line_ends ends_;
};

class h1_request_parser {
 public:
    explicit h1_request_parser(const head_limits& limits) noexcept : limits_(limits) {}
    void reset() noexcept;
    // The empty line that may come before this head (RFC 9112 §2.2) was taken already: another is
    // refused.
    void expect_no_empty_line() noexcept { may_skip_ = false; }
    // Fills `into`, which is clear at first, line by line: method, version and what the target says
    // (scheme and authority of the absolute form, path, query), then fields. At the end Host leaves
    // the fields, and is the authority if the target named none (RFC 9112 §3.2). `into` keeps what
    // was understood when an error comes back; the method also of a line that is not whole.
    [[nodiscard]] result<std::optional<std::size_t>> feed(std::string_view received,
                                                          request_head& into);
    // True once a byte of a head was seen (a leading CRLF does not count).
    [[nodiscard]] bool started() const noexcept;

 private:
    [[nodiscard]] error begin(std::string_view received);
    [[nodiscard]] std::size_t method_room() const noexcept;

    head_limits limits_;
    head_line_reader lines_;
    bool begun_ = false;  // the first byte of the request line was seen
    bool have_line_ = false;
    bool may_skip_ = true;  // an empty line
};

// Origins are read as generously as one reading allows: one empty line may stand before the status
// line, and all lines of a head may end in bare LF. A head that mixes both ends is refused.
class h1_response_parser {
 public:
    explicit h1_response_parser(const head_limits& limits) noexcept : limits_(limits) {}
    void reset() noexcept;
    [[nodiscard]] result<std::optional<std::size_t>> feed(std::string_view received,
                                                          response_head& into);

 private:
    [[nodiscard]] error begin(std::string_view received);

    head_limits limits_;
    head_line_reader lines_{line_ends::either};
    bool begun_ = false;  // where the status line begins is known
    bool have_line_ = false;
};

// How a message's body is delimited on the wire (RFC 9112 §6.3).
enum class framing_kind : std::uint8_t { none, length, chunked, until_close };
struct framing {
    framing_kind kind = framing_kind::none;
    std::uint64_t length = 0;  // of framing_kind::length
};

// RFC 9112 §6.3 for a request, with the strict readings of Content-Length and Transfer-Encoding.
[[nodiscard]] result<framing> request_framing(const request_head& head);
// For a response to `to`; 1xx, 204, 304 and HEAD have none.
[[nodiscard]] result<framing> response_framing(const response_head& head, method to);
// Content-Length of a head, if there is exactly one valid; for HEAD and 304.
[[nodiscard]] std::optional<std::uint64_t> announced_length(const response_head& head);

// True if the connection may carry another message after this one, as far as the head says
// (Connection: close / keep-alive, version; RFC 9112 §9.3).
[[nodiscard]] bool keeps_alive(version v, const fields& of) noexcept;

// Serialises from parsed values only, each checked against the grammar once more; an invalid
// value is an error (bad_field) and nothing is appended. Host, framing fields and Connection are
// written by these functions and must not be among the fields.
struct request_encoding {
    framing body;
    bool keep_alive = true;
    std::string_view upgrade;  // Connection: upgrade, and the protocol that is asked for
    bool trailers = false;     // TE: trailers and Connection: te
};
[[nodiscard]] result<void> encode_request(const request_head& head, const request_encoding& how,
                                          std::string& out);
struct response_encoding {
    framing body;               // until_close = neither length nor chunked is written
    bool length_known = false;  // HEAD and 304: write `body.length` though no body follows
    bool keep_alive = true;
    version to = version::http_1_1;  // 1.0 clients get `Connection: keep-alive` when kept
    std::string_view upgrade;        // of a 101, the protocol that was agreed on
};
[[nodiscard]] result<void> encode_response(const response_head& head, const response_encoding& how,
                                           std::string& out);
// An interim response other than 101: status line and fields.
[[nodiscard]] result<void> encode_interim(const response_head& head, std::string& out);

}  // namespace penstock::http
