// Access-log entries as JSON lines; docs/access_log.md describes the keys.
#include "penstock/base/json.hpp"
#include "penstock/proxy/access_log.hpp"
#include "penstock/proxy/metrics.hpp"
#include "proxy/access_entry.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <ctime>
#include <system_error>

namespace penstock::proxy {
namespace {

// RFC 3339 in UTC with milliseconds.
std::string timestamp(std::int64_t ms) {
    const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 40> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::string made(text.data(), size);
    const std::string fraction = std::to_string(1000 + ms % 1000);
    made.append(".").append(fraction.substr(1)).append("Z");
    return made;
}

std::string_view version_text(std::uint8_t protocol) noexcept {
    switch (static_cast<proxy::protocol>(protocol)) {
        case protocol::http_1_0:
            return "1.0";
        case protocol::http_1_1:
            return "1.1";
        case protocol::http_2:
        case protocol::other:  // a label's only
            break;
    }
    return "2";
}

struct access_text {
    std::string_view client, method, host, path, request_id, user_agent, detail;
};

struct address_text {
    std::string_view host;   // IPv6 without brackets
    std::uint16_t port = 0;  // 0 = none is there
};

address_text split_address(std::string_view text) noexcept {
    address_text made{text};
    const std::size_t colon = text.rfind(':');
    const bool has_port = colon != std::string_view::npos && text.find(']', colon) == text.npos;
    if (has_port) {
        const char* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data() + colon + 1, end, made.port);
        if (parsed.ec == std::errc() && parsed.ptr == end)
            made.host = text.substr(0, colon);
        else
            made.port = 0;
    }
    if (made.host.size() > 2 && made.host.front() == '[' && made.host.back() == ']')
        made.host = made.host.substr(1, made.host.size() - 2);
    return made;
}

void append_request(const access_entry& of, const access_text& texts, json_writer& into) {
    const std::size_t mark = texts.path.find('?');
    into.member("http.request.method", texts.method);
    const address_text server = split_address(texts.host);
    into.member("server.address", server.host);
    if (server.port > 0)
        into.member("server.port", server.port);
    into.member("url.path", texts.path.substr(0, mark));
    if (mark != std::string_view::npos)
        into.member("url.query", texts.path.substr(mark + 1));
    into.member("url.scheme", of.tls ? "https" : "http");
    into.member("network.protocol.version", version_text(of.protocol));
    const address_text client = split_address(texts.client);
    into.member("client.address", client.host);
    if (client.port > 0)
        into.member("client.port", client.port);
    if (!texts.user_agent.empty())
        into.member("user_agent.original", texts.user_agent);
    into.member("http.request.body.size", of.request_bytes);
}

void append_origin(const access_entry& of, json_writer& into) {
    into.member("penstock.listener", name_of(of.listener));
    into.member("penstock.route", name_of(of.route));
    into.member("penstock.upstream", name_of(of.upstream));
    into.member("penstock.endpoint", name_of(of.endpoint));
    into.member("penstock.upstream_status", of.upstream_status);
    into.member("penstock.attempts", of.attempts);
    into.member("penstock.reused", of.reused);
}

void append_phases(const access_entry& of, json_writer& into) {
    into.key("phases_us");
    into.begin_object();
    for (std::size_t i = 0; i < exchange::phase_count; ++i) {
        if (of.phases_us[i] > 0)
            into.member(name(static_cast<exchange::phase>(i)), of.phases_us[i]);
    }
    into.end_object();
}

bool take_entry(std::string_view bytes, access_entry& entry, access_text& texts) {
    if (bytes.size() < sizeof entry)
        return false;
    std::memcpy(&entry, bytes.data(), sizeof entry);
    bytes.remove_prefix(sizeof entry);
    if (entry.mark != access_entry::mark_value)
        return false;
    const std::array<std::string_view*, access_texts> into{
        &texts.client,     &texts.method,     &texts.host,  &texts.path,
        &texts.request_id, &texts.user_agent, &texts.detail};
    for (std::size_t i = 0; i < access_texts; ++i) {
        if (bytes.size() < entry.text_sizes[i])
            return false;
        *into[i] = bytes.substr(0, entry.text_sizes[i]);
        bytes.remove_prefix(entry.text_sizes[i]);
    }
    return bytes.empty();
}

}  // namespace

bool format_access_entry(std::string_view entry, std::string& line) {
    access_entry of;
    access_text texts;
    if (!take_entry(entry, of, texts))
        return false;
    json_writer all(line);
    all.begin_object();
    all.member("schema_version", access_schema);
    all.member("timestamp", timestamp(of.began_ms));
    all.member("http.response.status_code", of.status);
    all.member("penstock.reason", exchange::token(of.why));
    if (!texts.detail.empty())
        all.member("penstock.detail", texts.detail);
    append_request(of, texts, all);
    all.member("http.response.body.size", of.response_bytes);
    all.member("penstock.complete", of.complete);
    append_origin(of, all);
    all.member("penstock.request_id", texts.request_id);
    all.member("penstock.worker", of.worker);
    all.member("penstock.generation", of.generation);
    all.member("duration_us", of.duration_us);
    append_phases(of, all);
    all.member("slow", of.slow);
    all.member("sample_rate", of.sample_rate);
    all.end_object();
    line += '\n';
    return true;
}

}  // namespace penstock::proxy
