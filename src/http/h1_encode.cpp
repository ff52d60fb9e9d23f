// Heads → bytes. The second, independent check of the grammar: whatever a peer or an edit brought
// in, nothing leaves that a strict reader could read in two ways.
#include "http/grammar.hpp"
#include "http/scan.hpp"
#include "penstock/http/h1_head.hpp"

#include <array>
#include <charconv>

namespace penstock::http {
namespace {

void append_number(std::uint64_t value, std::string& out) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

// Fields that are written by the encoder, or that mean something between two neighbours only.
constexpr std::array ours = {field_id::connection, field_id::content_length,
                             field_id::transfer_encoding, field_id::upgrade, field_id::te};

// A field as it may be written: a token, and no control byte or white space at an end of the value.
bool is_writable(const fields::field& item, std::string_view line) noexcept {
    const std::string_view value = item.value;
    const bool trimmed = value.empty() || (!is_space(value.front()) && !is_space(value.back()));
    return trimmed && !item.name.empty() && scan::prefix(scan::token, line) == item.name.size() &&
           scan::all_field(line.substr(0, line.size() - 2));
}

// Lines that touch leave with one copy; each is looked at all the same.
bool append_fields(const fields& from, std::string& out) {
    for (const field_id id : ours) {
        if (from.find(id))
            return false;
    }
    std::string_view run;
    for (const fields::field item : from) {
        const std::string_view line = item.line();
        if (!is_writable(item, line))
            return false;
        if (line.data() == run.data() + run.size()) {
            run = {run.data(), run.size() + line.size()};
            continue;
        }
        out.append(run);
        run = line;
    }
    out.append(run);
    return true;
}

void append_framing(const framing& body, bool length_known, std::string& out) {
    if (body.kind == framing_kind::chunked) {
        out += "Transfer-Encoding: chunked\r\n";
    } else if (body.kind == framing_kind::length || length_known) {
        out += "Content-Length: ";
        append_number(body.length, out);
        out += "\r\n";
    }
}

bool append_request_line(const request_head& head, std::string& out) {
    const std::string& path = head.forwarded_path();
    const bool origin_form = path.starts_with('/');
    const bool asterisk = head.verb == method::options && path == "*" && head.query.empty();
    const bool query = head.query.empty() || head.query.starts_with('?');
    if (!is_token(head.method_text) || (!origin_form && !asterisk) || !query ||
        !scan::all(scan::path, path) || !scan::all(scan::query, head.query))
        return false;
    out.append(head.method_text).append(" ").append(path).append(head.query);
    out += " HTTP/1.1\r\n";
    return true;
}

bool append_host(const request_head& head, std::string& out) {
    const bool second = head.fields.count(field_id::host) > 0;
    if (second || head.authority.empty() || !scan::all(scan::host, head.authority))
        return false;
    out.append("Host: ").append(head.authority).append("\r\n");
    return true;
}

// Nothing, or a protocol with or without a version (RFC 9110 §7.8).
bool is_upgrade(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    if (slash != std::string_view::npos && !is_token(text.substr(slash + 1)))
        return false;
    return text.empty() || is_token(text.substr(0, slash));
}

void append_upgrade(std::string_view protocol, std::string& out) {
    out.append("Connection: Upgrade\r\nUpgrade: ").append(protocol).append("\r\n");
}

void append_request_connection(const request_encoding& how, std::string& out) {
    if (!how.upgrade.empty())
        return append_upgrade(how.upgrade, out);
    if (how.trailers)
        out += how.keep_alive ? "Connection: TE\r\nTE: trailers\r\n"
                              : "Connection: close, TE\r\nTE: trailers\r\n";
    else if (!how.keep_alive)
        out += "Connection: close\r\n";
}

void append_response_connection(const response_encoding& how, std::string& out) {
    if (!how.upgrade.empty())
        append_upgrade(how.upgrade, out);
    else if (!how.keep_alive)
        out += "Connection: close\r\n";
    else if (how.to == version::http_1_0)
        out += "Connection: keep-alive\r\n";
}

bool append_status_line(const response_head& head, std::string& out) {
    if (head.status < 100 || head.status > 999)
        return false;
    out += "HTTP/1.1 ";
    append_number(static_cast<std::uint64_t>(head.status), out);
    out += ' ';
    const std::string_view phrase =
        head.reason_phrase.empty() ? reason_phrase(head.status) : head.reason_phrase;
    if (!is_field_text(phrase))
        return false;
    out.append(phrase).append("\r\n");
    return true;
}

// What was appended before a fault showed is taken back.
result<void> finish(bool written, std::size_t before, std::string& out) {
    if (written) {
        out += "\r\n";
        return {};
    }
    out.resize(before);
    return error(errc::bad_field);
}

}  // namespace

result<void> encode_request(const request_head& head, const request_encoding& how,
                            std::string& out) {
    const std::size_t before = out.size();
    const bool written = is_upgrade(how.upgrade) && append_request_line(head, out) &&
                         append_host(head, out) && append_fields(head.fields, out);
    if (written) {
        append_framing(how.body, false, out);
        append_request_connection(how, out);
    }
    return finish(written, before, out);
}

result<void> encode_response(const response_head& head, const response_encoding& how,
                             std::string& out) {
    const std::size_t before = out.size();
    // A 1.0 client takes chunks for content (RFC 9112 §6.1).
    const bool readable = how.to != version::http_1_0 || how.body.kind != framing_kind::chunked;
    const bool written = readable && is_upgrade(how.upgrade) && append_status_line(head, out) &&
                         append_fields(head.fields, out);
    if (written) {
        append_framing(how.body, how.length_known, out);
        append_response_connection(how, out);
    }
    return finish(written, before, out);
}

result<void> encode_interim(const response_head& head, std::string& out) {
    const std::size_t before = out.size();
    const bool interim = head.status >= 100 && head.status < 200 && head.status != 101;
    return finish(interim && append_status_line(head, out) && append_fields(head.fields, out),
                  before, out);
}

}  // namespace penstock::http
