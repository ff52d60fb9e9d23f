// The replies that Penstock makes itself.
#include "penstock/exchange/text_body.hpp"
#include "penstock/proxy/failure.hpp"

#include <algorithm>
#include <string>

namespace penstock::proxy {
namespace {

// Of a limit whose end nobody knows: memory that is short, a process that goes.
constexpr milliseconds retry_after_unknown = 5s;
// RFC 9110 §15.5.6 asks for them; which ones the origin knows is not ours to say.
constexpr std::string_view allowed_methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

// Whole seconds (RFC 9110 §10.2.3), and never too soon.
std::string retry_after_text(milliseconds until) {
    if (until <= 0ms)
        until = retry_after_unknown;
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(until).count());
}

// What the client can do about it, where the status does not say so.
std::string_view advice_for(exchange::reason why) noexcept {
    return why == exchange::reason::plain_http ? "This port speaks TLS. Ask for it by https://."
                                               : std::string_view();
}

// Only our own words and an id of checked characters are put in, so nothing needs escaping.
std::string problem_body(const own_reply& about, int status) {
    std::string text = R"({"type":"about:blank","title":")";
    text.append(http::reason_phrase(status))
        .append("\",\"status\":")
        .append(std::to_string(status));
    if (const std::string_view advice = advice_for(about.why); !advice.empty())
        text.append(",\"detail\":\"").append(advice).append("\"");
    text.append(",\"reason\":\"").append(exchange::token(about.why));
    text.append("\",\"request_id\":\"").append(about.request_id).append("\"}\n");
    return text;
}

std::string html_body(const own_reply& about, int status) {
    const std::string title =
        std::to_string(status).append(" ").append(http::reason_phrase(status));
    std::string text = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>";
    text.append(title).append("</title></head>\n<body><h1>").append(title).append("</h1>\n<p>");
    if (const std::string_view advice = advice_for(about.why); !advice.empty())
        text.append(advice).append("</p>\n<p>");
    text.append("Reason: <code>").append(exchange::token(about.why));
    text.append("</code></p>\n<p>Request: <code>");
    text.append(about.request_id).append("</code></p>\n</body></html>\n");
    return text;
}

}  // namespace

// RFC 9209 §2.1.5; a string of RFC 8941 §3.3.3, in which two characters are escaped.
std::string proxy_status_of(const own_reply& about) {
    std::string text = "penstock; error=";
    text += exchange::token(about.why);
    const bool visible = std::all_of(about.details.begin(), about.details.end(),
                                     [](char c) { return c >= 0x20 && c <= 0x7e; });
    if (about.details.empty() || !visible)
        return text;
    text += "; details=\"";
    for (const char c : about.details) {
        if (c == '"' || c == '\\')
            text += '\\';
        text += c;
    }
    return text += '"';
}

bool prefers_html(const http::fields& of) noexcept {
    const auto accept = of.find("accept");
    return accept && accept->find("text/html") != std::string_view::npos;
}

exchange::response make_options_reply() {
    exchange::response made;
    made.head.status = 200;
    made.head.fields.add("Allow", allowed_methods);
    return made;
}

exchange::response make_reply(const own_reply& about) {
    const int status = status_of(about.why);
    exchange::response made;
    made.head.status = status;
    made.for_nobody = status == 499;
    made.head.fields.add("Content-Type",
                         about.html ? "text/html; charset=utf-8" : "application/problem+json");
    made.head.fields.add("Cache-Control", "no-store");
    made.head.fields.add("Proxy-Status", proxy_status_of(about));
    if (!about.request_id.empty())
        made.head.fields.add("X-Request-Id", about.request_id);
    if (status == 405)
        made.head.fields.add("Allow", allowed_methods);
    if (status == 429 || status == 503)
        made.head.fields.add("Retry-After", retry_after_text(about.retry_after));
    made.body = exchange::make_text_body(about.html ? html_body(about, status)
                                                    : problem_body(about, status));
    return made;
}

}  // namespace penstock::proxy
