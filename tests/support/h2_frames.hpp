// HTTP/2 by hand (RFC 9113 §4, RFC 7541 §6.2): frames are built and read byte for byte, so that a
// test can send what no library would. Header blocks are written without compression; those that
// come back are decoded by nghttp2.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct nghttp2_hd_inflater;

namespace penstock::test::h2 {

enum type : std::uint8_t {
    data,
    headers,
    priority,
    rst_stream,
    settings,
    push_promise,
    ping,
    goaway,
    window_update,
    continuation
};
enum flag : std::uint8_t {
    none = 0,
    end_stream = 1,
    ack = 1,
    end_headers = 4,
    padded = 8,
    has_priority = 32
};

inline constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

using field_list = std::vector<std::pair<std::string, std::string>>;

std::string frame(type of, unsigned flags, std::uint32_t stream, std::string_view payload = {});
std::string number(std::uint32_t value);  // four bytes
// A header block of literals that leave the dynamic table alone.
std::string block(const field_list& fields);
// The pseudo-fields of a GET, and more.
field_list get(std::string_view path = "/", const field_list& more = {});
field_list post(std::string_view path = "/", const field_list& more = {});
// HEADERS with all of a head.
std::string head(std::uint32_t stream, const field_list& fields, bool end = true);
std::string body(std::uint32_t stream, std::string_view bytes, bool end = true);
// RST_STREAM(CANCEL), a WINDOW_UPDATE, and SETTINGS of one value.
std::string rst(std::uint32_t stream);
std::string window(std::uint32_t stream, std::uint32_t by);
std::string setting(char id, std::uint32_t value);
// PRIORITY, and the HEADERS of a GET with a priority, perhaps padded (RFC 7540 §6.2, §6.3): the
// stream depends on that one, alone if its highest bit is set.
std::string priority_on(std::uint32_t stream, std::uint32_t depends_on);
std::string head_on(std::uint32_t stream, std::uint32_t depends_on,
                    std::optional<std::uint8_t> padding = std::nullopt);
// Preface and empty SETTINGS.
std::string hello();

struct read_frame {
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
    std::uint32_t stream = 0;
    std::string payload;
    [[nodiscard]] bool has(flag wanted) const noexcept { return (flags & wanted) != 0; }
    // The number in the payload's bytes from `at` on: an error code, an increment.
    [[nodiscard]] std::uint32_t number(std::size_t at = 0) const;
};
// Takes a whole frame from the front of `bytes`; false if there is none.
bool next_frame(std::string& bytes, read_frame& into);

// Decodes header blocks in the order in which they came.
class inflater {
 public:
    inflater();
    field_list decode(std::string_view block);

 private:
    struct free_inflater {
        void operator()(nghttp2_hd_inflater* of) const noexcept;
    };
    std::unique_ptr<nghttp2_hd_inflater, free_inflater> raw_;
};

// The value of a field, or "".
std::string value(const field_list& of, std::string_view name);

}  // namespace penstock::test::h2
