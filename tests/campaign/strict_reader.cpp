#include "campaign/strict_reader.hpp"

#include "campaign/strict_grammar.hpp"

#include <algorithm>

namespace penstock::campaign {
namespace {

constexpr std::size_t head_max = 64 * 1024;
constexpr std::size_t line_max = 8 * 1024;
constexpr std::size_t fields_max = 128;
constexpr std::size_t extension_max = 256;
constexpr std::size_t trailers_max = 32;

// Any minor version: one above 1 is read as 1.1 (RFC 9110 §2.5).
bool is_http1(std::string_view text) noexcept {
    return text.size() == 8 && text.starts_with("HTTP/1.") && text[7] >= '0' && text[7] <= '9';
}

}  // namespace

int message::status() const noexcept {
    const auto value = read_decimal(second);
    return value ? static_cast<int>(*value) : 0;
}

std::string_view message::version() const noexcept {
    return first.starts_with("HTTP/") ? first : third;
}

bool message::closes() const noexcept {
    bool says_close = false;
    bool says_stay = false;
    for (const auto& [name, value] : fields) {
        if (name != "connection")
            continue;
        for (std::string_view rest = value; !rest.empty();) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            const std::string word = lower(trim(rest.substr(0, comma)));
            says_close = says_close || word == "close";
            says_stay = says_stay || word == "keep-alive";
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return says_close || (version() == "HTTP/1.0" && !says_stay);
}

std::size_t message::count(std::string_view name) const noexcept {
    return static_cast<std::size_t>(std::count_if(
        fields.begin(), fields.end(), [name](const auto& each) { return each.first == name; }));
}

std::string_view message::value(std::string_view name) const noexcept {
    for (const auto& each : fields) {
        if (each.first == name)
            return each.second;
    }
    return {};
}

event strict_reader::fail(std::string_view why) {
    state_ = state::broken;
    fault_ = why;
    return event::broken;
}

event strict_reader::end_message() {
    state_ = state::start;
    line_seen_ = false;
    no_body_ = false;
    head_bytes_ = 0;
    return event::message;
}

event strict_reader::next() {
    for (;;) {
        event got = event::more;
        switch (state_) {
            case state::broken:
                return event::broken;
            case state::framing:
                got = choose_framing();
                break;
            case state::data:
            case state::chunk:
            case state::until_close:
                got = take_data();
                break;
            case state::start:
            case state::field:
            case state::size:
            case state::chunk_end:
            case state::trailer:
                if (held_.find('\n') == std::string::npos)
                    return event::more;
                got = step_line();
                break;
        }
        if (got != event::more)
            return got;
        if (held_.empty() && state_ != state::framing)
            return event::more;
    }
}

event strict_reader::finish() {
    if (state_ == state::until_close)
        return end_message();
    if (idle())
        return event::more;
    return fail(fault_.empty() ? "the stream ends within a message" : std::string(fault_));
}

// The first line of a response's head says how all of them end.
bool strict_reader::may_end_bare() const noexcept {
    const bool of_head = state_ == state::start || state_ == state::field;
    return of_head && role_ == role::response && dialect_ == dialect::rfc;
}

event strict_reader::step_line() {
    const std::size_t end = held_.find('\n');
    const bool bare = end == 0 || held_[end - 1] != '\r';
    if (may_end_bare()) {
        if (line_seen_ && bare != bare_)
            return fail("a head's lines end in two ways");
        line_seen_ = true;
        bare_ = bare;
    } else if (bare) {
        return fail("a line ends without CR");
    }
    const std::string line = held_.substr(0, bare ? end : end - 1);
    held_.erase(0, end + 1);
    if (line.find('\r') != std::string::npos)
        return fail("a CR within a line");
    head_bytes_ += end + 1;
    if ((state_ == state::start || state_ == state::field) &&
        (head_bytes_ > head_max || (state_ == state::start && line.size() > line_max)))
        return fail("the head is too long");
    return on_line(line);
}

event strict_reader::on_line(std::string_view line) {
    switch (state_) {
        case state::start:
            return on_start(line);
        case state::size:
            return on_size(line);
        case state::chunk_end:
            if (!line.empty())
                return fail("a chunk's data is longer than its size");
            state_ = state::size;
            return event::more;
        case state::trailer:
            return line.empty() ? end_message() : on_field(line, true);
        default:
            break;
    }
    if (!line.empty())
        return on_field(line, false);
    state_ = state::framing;
    return event::head;
}

event strict_reader::on_start(std::string_view line) {
    const bool tolerant = tolerant_ || may_end_bare();
    if (line.empty() && tolerant && !skipped_line_) {
        skipped_line_ = true;
        return event::more;
    }
    skipped_line_ = false;
    now_ = message();
    now_.start_line = line;
    const bool good = role_ == role::request ? take_request_line(line) : take_status_line(line);
    if (!good)
        return fail("the first line is malformed");
    state_ = state::field;
    return event::more;
}

bool strict_reader::take_request_line(std::string_view line) {
    const std::size_t one = line.find(' ');
    const std::size_t two = line.find(' ', std::min(one, line.size() - 1) + 1);
    if (one == std::string_view::npos || two == std::string_view::npos)
        return false;
    now_.first = line.substr(0, one);
    now_.second = line.substr(one + 1, two - one - 1);
    now_.third = line.substr(two + 1);
    const bool visible = std::all_of(now_.second.begin(), now_.second.end(),
                                     [](char c) { return c > 0x20 && c < 0x7f; });
    const bool version =
        now_.third == "HTTP/1.1" || (dialect_ == dialect::rfc && is_http1(now_.third));
    return campaign::is_token(now_.first) && !now_.second.empty() && visible && version;
}

bool strict_reader::take_status_line(std::string_view line) {
    now_.first = line.substr(0, 8);
    const bool version =
        now_.first == "HTTP/1.1" || (dialect_ == dialect::rfc && is_http1(now_.first));
    if (!version || line.size() < 12 || line[8] != ' ')
        return false;
    now_.second = line.substr(9, 3);
    now_.third = line.substr(12);
    const bool space = now_.third.starts_with(' ');
    if (!space && (dialect_ == dialect::wire || !now_.third.empty()))
        return false;
    return read_decimal(now_.second) && now_.second[0] != '0' && is_text(now_.third);
}

event strict_reader::on_field(std::string_view line, bool trailer) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !campaign::is_token(line.substr(0, colon)))
        return fail("a field's name is malformed");
    std::string_view value = line.substr(colon + 1);
    if (!is_text(value))
        return fail("a control byte in a field's value");
    if (dialect_ == dialect::wire) {
        if (!value.starts_with(' ') || trim(value).size() != value.size() - 1)
            return fail("white space around a field's value");
    }
    value = trim(value);
    auto& into = trailer ? now_.trailers : now_.fields;
    into.emplace_back(lower(line.substr(0, colon)), std::string(value));
    if (into.size() > (trailer ? trailers_max : fields_max))
        return fail("too many fields");
    return event::more;
}

event strict_reader::choose_framing() {
    const std::size_t codings = now_.count("transfer-encoding");
    const std::size_t lengths = now_.count("content-length");
    if (no_body_ && dialect_ == dialect::rfc)
        return end_message();
    if (codings + lengths > 1)
        return fail("more than one field says how long the body is");
    const auto length = read_decimal(now_.value("content-length"));
    if (lengths == 1 && !length)
        return fail("Content-Length is not a number");
    const std::string coding = lower(now_.value("transfer-encoding"));
    const bool old = now_.version() == "HTTP/1.0";
    if (codings == 1 && (coding != "chunked" || old))
        return fail("Transfer-Encoding is not chunked");
    if (no_body_)
        return end_message();
    now_.chunked = codings == 1;
    left_ = length.value_or(0);
    if (now_.chunked) {
        state_ = state::size;
    } else if (role_ == role::response && lengths == 0) {
        state_ = state::until_close;
    } else if (left_ == 0) {
        return end_message();
    } else {
        state_ = state::data;
    }
    return event::more;
}

event strict_reader::on_size(std::string_view line) {
    const std::size_t end = std::min(line.find_first_of("; \t"), line.size());
    const auto size = read_chunk_size(line.substr(0, end));
    if (!size)
        return fail("a chunk's size is malformed");
    std::string_view extension = line.substr(end);
    if (role_ == role::response && dialect_ == dialect::rfc && extension.size() <= extension_max)
        extension = extension.substr(0, extension.find_last_not_of(" \t") + 1);
    if (!extension.empty() && (dialect_ == dialect::wire || !is_extension(extension)))
        return fail("a chunk extension");
    left_ = *size;
    state_ = left_ > 0 ? state::chunk : state::trailer;
    return event::more;
}

event strict_reader::take_data() {
    if (state_ == state::until_close) {
        now_.body += std::exchange(held_, std::string());
        return event::more;
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, held_.size()));
    now_.body.append(held_, 0, count);
    held_.erase(0, count);
    left_ -= count;
    if (left_ > 0)
        return event::more;
    if (state_ == state::data)
        return end_message();
    state_ = state::chunk_end;
    return event::more;
}

}  // namespace penstock::campaign
