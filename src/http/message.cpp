#include "penstock/http/message.hpp"

#include "penstock/http/target.hpp"

#include <algorithm>
#include <iterator>

namespace penstock::http {
namespace {

struct phrase {
    int status;
    std::string_view text;
};

// The registry of RFC 9110 §16.2, and 499 as nginx calls it; sorted by status.
constexpr phrase phrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

}  // namespace

method method_of(std::string_view text) noexcept {
    switch (text.size()) {
        case 3:
            return text == "GET" ? method::get : text == "PUT" ? method::put : method::other;
        case 4:
            return text == "HEAD" ? method::head : text == "POST" ? method::post : method::other;
        case 5:
            return text == "PATCH"   ? method::patch
                   : text == "TRACE" ? method::trace
                                     : method::other;
        case 6:
            return text == "DELETE" ? method::delete_ : method::other;
        case 7:
            return text == "OPTIONS"   ? method::options
                   : text == "CONNECT" ? method::connect
                                       : method::other;
        default:
            return method::other;
    }
}

bool anticipates_content(method m) noexcept {
    return m == method::post || m == method::put || m == method::patch;
}

bool is_grpc(const fields& of) noexcept {
    constexpr std::string_view content_type = "application/grpc";
    const auto type = of.find(field_id::content_type);
    if (!type || !equal_nocase(type->substr(0, content_type.size()), content_type))
        return false;
    const std::string_view rest = type->substr(content_type.size());
    return rest.empty() || rest.front() == '+' || rest.front() == ';';
}

bool idempotent(method m) noexcept {
    switch (m) {
        case method::get:
        case method::head:
        case method::put:
        case method::delete_:
        case method::options:
        case method::trace:
            return true;
        case method::post:
        case method::patch:
        case method::connect:
        case method::other:
            break;
    }
    return false;
}

void request_head::clear() noexcept {
    verb = method::get;
    method_text.clear();
    scheme = {};
    authority.clear();
    path.clear();
    sent_path.clear();
    query.clear();
    version = version::http_1_1;
    fields.clear();
    escaped_slash = false;
}

std::string_view request_head::host() const noexcept { return host_of(authority); }

void response_head::clear() noexcept {
    status = 0;
    reason_phrase.clear();
    version = version::http_1_1;
    fields.clear();
}

std::string_view reason_phrase(int status) noexcept {
    const auto* const found =
        std::lower_bound(std::begin(phrases), std::end(phrases), status,
                         [](const phrase& item, int wanted) { return item.status < wanted; });
    const bool known = found != std::end(phrases) && found->status == status;
    return known ? found->text : std::string_view();
}

}  // namespace penstock::http
