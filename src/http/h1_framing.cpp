// How long a body is, and whether its connection lives on. Peers that read these fields in
// different ways are what request smuggling is made of, so there is one reading of each or an
// error.
#include "http/grammar.hpp"
#include "penstock/http/h1_head.hpp"

#include <limits>

namespace penstock::http {
namespace {

constexpr std::size_t length_digits_max = 19;
constexpr std::uint64_t length_max = std::numeric_limits<std::int64_t>::max();

// 1*DIGIT within bounds; no sign, no list, no white space.
std::optional<std::uint64_t> parse_length(std::string_view text) noexcept {
    if (text.empty() || text.size() > length_digits_max)
        return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            return std::nullopt;
        // 19 digits stay below 2^64.
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (value > length_max)
        return std::nullopt;
    return value;
}

// Reads one line's list of transfer codings (RFC 9112 §7) from its front.
class coding_reader {
 public:
    explicit coding_reader(std::string_view text) noexcept : rest_(text) {}

    // True for a well-formed list. `chunked` is its last member, if this is the last line, and no
    // other.
    bool read(bool last_line) noexcept {
        for (;;) {
            skip_space();
            const bool chunked = equal_nocase(take_token(), "chunked");
            const std::size_t before = rest_.size();
            if (!well_formed_ || !skip_parameters())
                return false;
            if (chunked)
                return last_line && rest_.empty() && before == 0;
            if (rest_.empty())
                return !last_line;
            if (!take(','))
                return false;
        }
    }

 private:
    // *( OWS ";" OWS token BWS "=" BWS ( token / quoted-string ) ) OWS
    bool skip_parameters() noexcept {
        for (;;) {
            skip_space();
            if (!take(';'))
                return true;
            skip_space();
            take_token();
            skip_space();
            if (!well_formed_ || !take('='))
                return false;
            skip_space();
            if (!rest_.starts_with('"')) {
                take_token();
            } else if (!skip_quoted()) {
                return false;
            }
            if (!well_formed_)
                return false;
        }
    }

    void skip_space() noexcept {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
            rest_.remove_prefix(1);
    }

    bool take(char c) noexcept {
        if (!rest_.starts_with(c))
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    std::string_view take_token() noexcept {
        std::size_t size = 0;
        while (size < rest_.size() && is_token_char(rest_[size]))
            ++size;
        const std::string_view token = rest_.substr(0, size);
        rest_.remove_prefix(size);
        well_formed_ = well_formed_ && size > 0;
        return token;
    }

    // The bytes of a field value are checked already; here only its end matters.
    bool skip_quoted() noexcept {
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '\\') {
                ++i;
            } else if (rest_[i] == '"') {
                rest_.remove_prefix(i + 1);
                return true;
            }
        }
        return false;
    }

    std::string_view rest_;
    bool well_formed_ = true;
};

// Codings on several lines are one list (RFC 9110 §5.3).
bool lists_chunked_last(const fields& of) noexcept {
    std::size_t lines = of.count(field_id::transfer_encoding);
    for (const fields::field one : of) {
        if (one.id == field_id::transfer_encoding && !coding_reader(one.value).read(--lines == 0))
            return false;
    }
    return true;
}

// The framing that the two fields announce; `none` if neither is there.
result<framing> announced_framing(version from, const fields& of) {
    const std::size_t codings = of.count(field_id::transfer_encoding);
    const std::size_t lengths = of.count(field_id::content_length);
    if (codings > 0 && lengths > 0)
        return error(errc::length_conflict);
    if (codings > 0) {
        // RFC 9112 §6.1: a 1.0 peer that sends it may have been fooled about its meaning.
        if (from != version::http_1_1)
            return error(errc::bad_transfer_encoding);
        if (codings == 1 && equal_nocase(*of.find(field_id::transfer_encoding), "chunked"))
            return framing{framing_kind::chunked, 0};
        const bool unknown = lists_chunked_last(of);
        return error(unknown ? errc::transfer_coding_unknown : errc::bad_transfer_encoding);
    }
    if (lengths == 0)
        return framing{};
    const auto length = parse_length(*of.find(field_id::content_length));
    if (lengths > 1 || !length)
        return error(errc::bad_content_length);
    return framing{framing_kind::length, *length};
}

// RFC 9112 §6.3, 1: what follows the head of such a response is the next message.
bool never_has_body(int status, method to) noexcept {
    return to == method::head || status < 200 || status == 204 || status == 304;
}

}  // namespace

result<framing> request_framing(const request_head& head) {
    const result<framing> announced = announced_framing(head.version, head.fields);
    if (!announced)
        return announced;
    const bool body = announced->kind == framing_kind::chunked || announced->length > 0;
    if (body && (head.verb == method::trace || head.verb == method::connect))
        return error(errc::body_not_allowed);
    return announced;
}

result<framing> response_framing(const response_head& head, method to) {
    result<framing> announced = announced_framing(head.version, head.fields);
    // Fields that can be read in two ways put the whole message in doubt, whether or not this
    // response has a body: another reader of the connection may think that it has.
    if (never_has_body(head.status, to))
        return announced || head.status < 200 ? result<framing>(framing{}) : announced;
    if (announced && announced->kind == framing_kind::none)
        announced->kind = framing_kind::until_close;
    return announced;
}

std::optional<std::uint64_t> announced_length(const response_head& head) {
    const result<framing> announced = announced_framing(head.version, head.fields);
    if (!announced || announced->kind != framing_kind::length)
        return std::nullopt;
    return announced->length;
}

bool keeps_alive(version v, const fields& of) noexcept {
    if (v == version::http_2)
        return true;
    if (of.has_token(field_id::connection, "close"))
        return false;
    return v == version::http_1_1 || of.has_token(field_id::connection, "keep-alive");
}

}  // namespace penstock::http
