// Reads HTTP/1.1 messages byte for byte and refuses whatever has not exactly one reading. It is the
// judge of what Penstock writes, so it shares no code with it. Two dialects: `wire` is what a
// careful proxy writes (one space after the colon, no chunk extensions), `rfc` what a recipient has
// to understand. Of responses, `rfc` has what else has one reading: heads of which every line ends
// in bare LF, one empty line before the status line, blanks behind a chunk's size.
//
// Flow: feed bytes → next() until it says `more`; after `head`, no_body() if the message has none
// whatever its fields say → finish() at the end of the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::campaign {

struct message {
    std::string start_line;
    std::string first, second, third;  // method, target, version; or version, status, phrase
    std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
    std::vector<std::pair<std::string, std::string>> trailers;
    std::string body;
    bool chunked = false;

    [[nodiscard]] int status() const noexcept;
    [[nodiscard]] std::string_view version() const noexcept;
    // What its version and Connection fields say of the connection (RFC 9112 §9.3).
    [[nodiscard]] bool closes() const noexcept;
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
    // Of the first such field; empty if there is none.
    [[nodiscard]] std::string_view value(std::string_view name) const noexcept;
};

enum class role : std::uint8_t { request, response };
enum class dialect : std::uint8_t { wire, rfc };
enum class event : std::uint8_t { more, head, message, broken };

class strict_reader {
 public:
    strict_reader(role of, dialect spoken) noexcept : role_(of), dialect_(spoken) {}

    void feed(std::string_view bytes) { held_.append(bytes); }
    [[nodiscard]] event next();
    // At the end of the stream: `message` for one that its end completes, `more` if nothing was
    // begun, else `broken`.
    [[nodiscard]] event finish();
    void no_body() noexcept { no_body_ = true; }
    // One empty line before a message is skipped.
    void tolerate_empty_line() noexcept { tolerant_ = true; }

    // The message of the last event; valid until the next call of next().
    [[nodiscard]] message& now() noexcept { return now_; }
    // Between two messages, and not a byte of the next is there.
    [[nodiscard]] bool idle() const noexcept { return state_ == state::start && held_.empty(); }
    // Its head is complete, its body is not.
    [[nodiscard]] bool in_body() const noexcept {
        return state_ != state::start && state_ != state::field && state_ != state::broken;
    }
    [[nodiscard]] bool until_close() const noexcept { return state_ == state::until_close; }
    [[nodiscard]] std::string_view unread() const noexcept { return held_; }
    [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
    enum class state : std::uint8_t {
        start,
        field,
        framing,
        data,
        size,
        chunk,
        chunk_end,
        trailer,
        until_close,
        broken
    };

    event fail(std::string_view why);
    event end_message();
    event step_line();
    [[nodiscard]] bool may_end_bare() const noexcept;
    event on_line(std::string_view line);
    event on_start(std::string_view line);
    event on_size(std::string_view line);
    event on_field(std::string_view line, bool trailer);
    event choose_framing();
    event take_data();
    bool take_request_line(std::string_view line);
    bool take_status_line(std::string_view line);

    role role_;
    dialect dialect_;
    state state_ = state::start;
    bool no_body_ = false;
    bool tolerant_ = false;
    bool skipped_line_ = false;
    bool line_seen_ = false;  // of this head, which may be the empty one before it
    bool bare_ = false;       // it ended in LF alone, so all of the head have to
    std::uint64_t left_ = 0;
    std::size_t head_bytes_ = 0;
    std::string held_;
    message now_;
    std::string fault_;
};

}  // namespace penstock::campaign
