#include "support/http_reader.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace penstock::test {

namespace {

[[noreturn]] void broken(const std::string& what) { throw test_error("not HTTP/1.1: " + what); }

bool equal_names(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

bool is_token_char(unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
}

std::uint64_t number(std::string_view text, int base) {
    std::uint64_t out = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, out, base);
    if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end) {
        broken("number \"" + std::string(text) + "\"");
    }
    return out;
}

std::pair<std::string, std::string> parse_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) {
        broken("field line \"" + std::string(line) + "\"");
    }
    const std::string_view name = line.substr(0, colon);
    if (!std::all_of(name.begin(), name.end(), is_token_char)) {
        broken("field name \"" + std::string(name) + "\"");
    }
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) {
        value.remove_prefix(1);
    }
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) {
        value.remove_suffix(1);
    }
    const auto control = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; };
    if (std::any_of(value.begin(), value.end(), control)) {
        broken("control character in \"" + std::string(name) + "\"");
    }
    return {std::string(name), std::string(value)};
}

// Splits lines that each end in CRLF; a lone CR or LF is an error.
std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const std::size_t end = text.find("\r\n");
        const std::string_view line = text.substr(0, end);
        if (end == std::string_view::npos || line.find_first_of("\r\n") != std::string_view::npos) {
            broken("line end");
        }
        out.push_back(line);
        text.remove_prefix(end + 2);
    }
    return out;
}

field_list parse_fields(const std::vector<std::string_view>& lines) {
    field_list out;
    for (std::size_t i = 1; i + 1 < lines.size(); ++i) {  // without start line and empty line
        out.push_back(parse_field(lines[i]));
    }
    return out;
}

field_list read_trailers(peer& from, milliseconds limit) {
    field_list out;
    while (true) {
        const std::string line = from.read_until("\r\n", limit);
        if (line == "\r\n") {
            return out;
        }
        out.push_back(parse_field(lines_of(line).front()));
    }
}

void read_chunks(peer& from, std::string& body, milliseconds limit) {
    while (true) {
        std::string line = from.read_until("\r\n", limit);
        line.resize(line.size() - 2);
        const std::uint64_t size = number(line.substr(0, line.find(';')), 16);
        if (size == 0) {
            return;
        }
        body += from.read_exactly(size, limit);
        if (from.read_exactly(2, limit) != "\r\n") {
            broken("chunk end");
        }
    }
}

// True if there was a body with a length of its own.
bool read_framed(peer& from, const field_list& fields, std::string& body, field_list& trailers,
                 milliseconds limit) {
    const auto coding = find_field(fields, "transfer-encoding");
    const auto length = find_field(fields, "content-length");
    if (coding && length) {
        broken("Transfer-Encoding and Content-Length");
    }
    if (coding) {
        if (!equal_names(*coding, "chunked")) {
            broken("Transfer-Encoding " + *coding);
        }
        read_chunks(from, body, limit);
        trailers = read_trailers(from, limit);
        return true;
    }
    if (length) {
        body = from.read_exactly(number(*length, 10), limit);
        return true;
    }
    return false;
}

}  // namespace

std::optional<std::string> find_field(const field_list& fields, std::string_view name) {
    std::optional<std::string> out;
    for (const auto& [field, value] : fields) {
        if (equal_names(field, name)) {
            if (out) {
                throw test_error("field " + std::string(name) + " is there twice");
            }
            out = value;
        }
    }
    return out;
}

std::optional<http_request> read_request_head(peer& from, milliseconds limit) {
    if (from.pending().empty()) {
        std::string first = from.read_some(limit);
        if (first.empty()) {
            return std::nullopt;
        }
        from.put_back(std::move(first));
    }
    http_request out;
    out.head = from.read_until("\r\n\r\n", limit);
    const std::vector<std::string_view> lines = lines_of(out.head);
    const std::string_view start = lines.front();
    const std::size_t first = start.find(' ');
    const std::size_t last = start.rfind(' ');
    if (first == last || start.substr(last + 1) != "HTTP/1.1") {
        broken("request line \"" + std::string(start) + "\"");
    }
    out.method = start.substr(0, first);
    out.target = start.substr(first + 1, last - first - 1);
    out.fields = parse_fields(lines);
    return out;
}

void read_request_body(peer& from, http_request& to, milliseconds limit) {
    read_framed(from, to.fields, to.body, to.trailers, limit);
}

std::optional<http_request> read_request(peer& from, milliseconds limit) {
    std::optional<http_request> out = read_request_head(from, limit);
    if (out) {
        read_request_body(from, *out, limit);
    }
    return out;
}

http_response read_response_head(peer& from, milliseconds limit) {
    http_response out;
    while (true) {
        out.head = from.read_until("\r\n\r\n", limit);
        const std::vector<std::string_view> lines = lines_of(out.head);
        const std::string_view start = lines.front();
        if (start.size() < 13 || start.substr(0, 9) != "HTTP/1.1 " || start[12] != ' ') {
            broken("status line \"" + std::string(start) + "\"");
        }
        out.status = static_cast<int>(number(start.substr(9, 3), 10));
        out.reason = start.substr(13);
        out.fields = parse_fields(lines);
        if (out.status >= 200 || out.status == 101) {
            return out;
        }
        out.interim.push_back(out.status);
    }
}

http_response read_response(peer& from, std::string_view method, milliseconds limit) {
    http_response out = read_response_head(from, limit);
    const bool tunnel = out.status == 101 || (method == "CONNECT" && out.status < 300);
    if (tunnel || method == "HEAD" || out.status == 204 || out.status == 304) {
        return out;
    }
    if (!read_framed(from, out.fields, out.body, out.trailers, limit)) {
        out.body = from.read_to_end(limit);
        out.until_close = true;
    }
    return out;
}

std::string ok_response(std::string_view body, std::string_view fields) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace penstock::test
