// Forwarding: the head that the origin is to see, the attempts, and what comes of them.
#include "penstock/http/error.hpp"
#include "penstock/http/forwarding.hpp"
#include "penstock/http/refused_head.hpp"
#include "penstock/net/error.hpp"
#include "proxy/digest_body.hpp"
#include "proxy/gathered_body.hpp"
#include "proxy/grpc.hpp"
#include "proxy/location_rewrite.hpp"
#include "proxy/proxy_handler.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::proxy {
namespace {

// `scratch` keeps its capacity, so that this costs no allocation.
void append_via(http::fields& of, http::version received, std::string_view name,
                std::string& scratch) {
    scratch.clear();
    for (const http::fields::field one : of) {
        if (one.id == http::field_id::via)
            scratch.append(one.value).append(", ");
    }
    scratch += received == http::version::http_1_0   ? "1.0 "
               : received == http::version::http_1_1 ? "1.1 "
                                                     : "2 ";
    scratch += name;
    of.set(http::field_id::via, "Via", scratch);
}

// RFC 8586: each member of the list is a party that has had the request.
void append_loop(http::fields& of, std::string_view name, std::string& scratch) {
    if (!of.may_have(http::field_id::cdn_loop)) {
        of.add(http::field_id::cdn_loop, "CDN-Loop", name);
        return;
    }
    scratch.clear();
    for (const http::fields::field one : of) {
        if (one.id == http::field_id::cdn_loop)
            scratch.append(one.value).append(", ");
    }
    scratch += name;
    of.set("CDN-Loop", scratch);
}

void append_address(std::string& to, const net::socket_address& address) {
    // Of a Unix socket's peer there is nothing to tell.
    if (address.is_unix())
        return;
    if (!to.empty())
        to += ", ";
    address.append_host(to);
}

// Who waits for a connection now has one, or has given up, once `queue_timeout` has passed. The
// others are over as soon as another request may be tried.
milliseconds limit_of(exchange::reason why, const config::upstream& of) noexcept {
    using exchange::reason;
    if (why == reason::queue_full || why == reason::connection_limit_reached)
        return of.pool.queue_timeout;
    return why == reason::stream_refused || why == reason::stalled_client ? 1s : 0s;
}

// The port that the client connected to; 0 = nobody knows.
std::uint16_t port_told(const exchange::request& of) {
    if (of.told && (of.told->port != 0 || !of.told->scheme.empty())) {
        const std::uint16_t port = exchange::authority_of_client(of).port;
        if (port != 0)
            return port;
        return of.head.scheme == "https" ? 443 : 80;
    }
    return of.local != nullptr ? of.local->port() : std::uint16_t{0};
}

std::string_view fault_of_rewriting(error why) noexcept {
    if (why == http::errc::bad_host)
        return "malformed host";
    // Of what is put together here no segment of dots is resolved.
    if (why == http::errc::ambiguous_segment)
        return "'.' or '..' in the path";
    return why == http::errc::ambiguous_dots ? "'..' behind an empty path segment"
                                             : "malformed path";
}

exchange::reason reason_of_rewriting(error why) noexcept {
    const bool ambiguous =
        why == http::errc::ambiguous_dots || why == http::errc::ambiguous_segment;
    return ambiguous ? exchange::reason::ambiguous_path : exchange::reason::http_request_error;
}

// A pooled connection that died before it answered says nothing about the origin.
exchange::reason reason_of(const upstream::attempt_failure& failed) noexcept {
    const bool stale = failed.reused && !failed.response_begun &&
                       failed.reason == exchange::reason::connection_terminated;
    return stale ? exchange::reason::stale_connection : failed.reason;
}

}  // namespace

proxy_handler::destination proxy_handler::choose(const compiled_route& by) noexcept {
    std::uint32_t draw = 0;
    if (by.targets.size() > 1) {
        random_ ^= random_ << 13U;
        random_ ^= random_ >> 7U;
        random_ ^= random_ << 17U;
        draw = static_cast<std::uint32_t>((random_ >> 32U) % by.weights());
    }
    const route_target& target = by.target(draw);
    return {by, target, *parts_.clusters[target.upstream]};
}

void proxy_handler::tell_origin(exchange::request& from) {
    using form = exchange::client_rules::form;
    http::request_head& head = from.head;
    const exchange::client_rules& rules = generation_.clients;
    http::forwarded_facts facts;
    facts.scheme = head.scheme;
    facts.host = head.authority;
    facts.port = port_told(from);
    facts.client_certificate = from.client_certificate;
    scratch_.clear();
    if (from.told) {
        const auto& hops = from.told->hops;
        std::for_each(hops.rbegin(), hops.rend(),
                      [this](const auto& one) { append_address(scratch_, one); });
        if (!from.told->host.empty())
            facts.host = from.told->host;
    }
    append_address(scratch_, *from.peer);
    facts.way = scratch_;
    facts.keeps_family = from.peer_trusted() && rules.source() == form::x_forwarded_for;
    facts.writes_forwarded = from.peer_trusted() || rules.source() == form::forwarded;
    if (rules.source() == form::single_address)
        facts.client_field = rules.field();
    if (!rules.has_usual_scheme())
        facts.scheme_field = rules.scheme_field();
    http::set_forwarding(head.fields, facts, text_);
}

exchange::reason proxy_handler::prepare(exchange::request& from, const destination& to) {
    http::request_head& head = from.head;
    keep_fields(from, to.route.fields_read);
    http::strip_hop_by_hop(head.fields);
    tell_origin(from);
    append_loop(head.fields, generation_.via, scratch_);
    if (to.target.via)
        append_via(head.fields, head.version, generation_.via, scratch_);
    head.fields.set(http::field_id::x_request_id, "X-Request-Id", from.record->request_id);
    const text_facts known{from, generation_.model.upstreams[to.target.upstream].name};
    if (to.route.rewrites) {
        if (const result<void> made = to.route.rewrites->apply(head, known, scratch_); !made) {
            from.record->detail.assign("rewrite: ").append(fault_of_rewriting(made.error()));
            return reason_of_rewriting(made.error());
        }
    }
    if (!to.route.request_edits.apply(head, known, scratch_)) {
        from.record->detail = "request_headers: malformed host";
        return exchange::reason::http_request_error;
    }
    return exchange::reason::none;
}

std::unique_ptr<total_deadline> proxy_handler::start_deadline(exchange::request& from,
                                                              const config::route& by) const {
    constexpr nanoseconds none = nanoseconds::max();
    nanoseconds limit = none;
    if (by.total_timeout)
        limit = *by.total_timeout;
    if (is_grpc_call(from.head)) {
        const std::string_view asked = from.head.fields.find("grpc-timeout").value_or("");
        limit = std::min(limit, parse_grpc_timeout(asked).value_or(none));
    }
    if (limit == none)
        return nullptr;
    const exchange::ledger& spent = from.record->ledger;
    const time_point first_byte = spent.began() + spent.spent(exchange::phase::tls);
    return std::make_unique<total_deadline>(parts_.home, *from.aborted, first_byte + limit);
}

std::string_view proxy_handler::client_authority(const exchange::request& of) {
    if (!of.told)
        return of.record->host;
    const exchange::client_authority asked = exchange::authority_of_client(of);
    text_ = asked.host;
    const bool usual = asked.port == (of.head.scheme == "https" ? 443 : 80);
    if (!text_.empty() && asked.port != 0 && !usual)
        text_.append(":").append(std::to_string(asked.port));
    return text_;
}

void proxy_handler::finish_head(exchange::response& response, const exchange::request& of,
                                const destination& to, std::size_t endpoint) {
    const upstream::shared_upstream& by = to.cluster.shared();
    if (to.target.rewrites_location && names_location(response.head)) {
        rewrite_locations(response.head,
                          {by.settings.tls ? "https" : "http", by.endpoints[endpoint]->name,
                           of.head.scheme, client_authority(of)},
                          scratch_);
    }
    complete(response.head, {of, by.settings.name, response.head.status, exchange::reason::none},
             to.route);
}

net::task<exchange::response> proxy_handler::forward(exchange::request& from, destination to,
                                                     std::unique_ptr<total_deadline> until) {
    const config::route& by = to.route.settings;
    upstream::cluster& cluster = to.cluster;
    retry_facts facts;
    facts.verb = from.head.verb;
    facts.endpoints = cluster.shared().endpoints.size();
    upstream::attempt_options how;
    for (facts.attempts = 1;; ++facts.attempts) {
        // It may turn out empty later on, so this is asked again where a retry is decided.
        facts.body_empty = from.body->finished();
        how.repeatable = may_be_repeated(facts);
        upstream::attempt made = co_await cluster.send(from, how);
        count(made, cluster.shared());
        if (made.response) {
            exchange::response& response = *made.response;
            if (!response.upgraded)
                finish_head(response, from, to, made.endpoint);
            if (response.body && is_grpc_call(from.head) && is_grpc(response.head.fields))
                response.body = make_grpc_body(std::move(response.body), *from.record);
            if (until && response.body && !response.upgraded)
                response.body = make_timed_body(std::move(response.body), std::move(until));
            if (by.flush && response.body && !response.upgraded &&
                !wants_every_piece(response.head))
                response.body =
                    make_gathered_body(std::move(response.body), *by.flush, parts_.home);
            if (by.digest && wants_digest(from, response))
                co_return co_await digested(from, std::move(response));
            co_return std::move(response);
        }
        // Of a body that was not used, being finished says that it is empty.
        facts.body_empty = from.body->finished();
        const retry next = from.aborted->fired() ? retry::no : decide_retry(made.failure, facts);
        if (next == retry::no) {
            from.body->stop();
            const exchange::reason why = proxy::reason_of(made.failure);
            from.retry_after = limit_of(why, cluster.shared().settings);
            if (why == exchange::reason::http_request_error ||
                why == exchange::reason::http_protocol_error)
                from.record->detail = http::explain(made.failure.why, {});
            co_return reply(from, why);
        }
        from.record->ledger.give_up_attempt();
        if (made.endpoint < 64)
            how.tried |= std::uint64_t{1} << made.endpoint;
        facts.tried += next == retry::another ? 1U : 0U;
        how.fresh_connection = next == retry::fresh;
        how.endpoint = next == retry::fresh ? static_cast<int>(made.endpoint) : -1;
    }
}

net::task<exchange::response> proxy_handler::digested(exchange::request& from,
                                                      exchange::response of) {
    const auto length = of.body->length();
    if (!length || *length > digest_head_max) {
        digest_in_trailer(of, from.accepts_trailers);
        // Nobody has to know what this trailer says, so it may be sent unasked (RFC 9110 §6.5.1).
        from.accepts_trailers = true;
        co_return std::move(of);
    }
    const result<void> read = co_await digest_in_head(of);
    if (read)
        co_return std::move(of);
    of.body->stop();
    co_await of.body->close();
    co_return reply(from, reason_of(read.error()));
}

void proxy_handler::count(const upstream::attempt& made,
                          const upstream::shared_upstream& of) noexcept {
    if (made.failure.reason == exchange::reason::no_endpoint)
        return;
    attempt_labels labels;
    labels.upstream = of.id;
    labels.endpoint = of.endpoints[made.endpoint]->id;
    labels.ok = made.response.has_value();
    labels.why = labels.ok ? exchange::reason::none : proxy::reason_of(made.failure);
    parts_.metrics->count_attempt(labels);
}

}  // namespace penstock::proxy
