// Forwarding: the head that the origin is to see, the attempts, and what comes of them.
#include "penstock/http/forwarding.hpp"
#include "penstock/http/refused_head.hpp"
#include "penstock/net/error.hpp"
#include "proxy/digest_body.hpp"
#include "proxy/gathered_body.hpp"
#include "proxy/grpc.hpp"
#include "proxy/head_edits.hpp"
#include "proxy/proxy_handler.hpp"
#include "proxy/trust.hpp"

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
    of.set("Via", scratch);
}

// The client's address as the record has it in text already: without its port, IPv6 without the
// brackets, as other proxies write it.
std::string_view client_address(const exchange::record& of) noexcept {
    const std::string_view host = std::string_view(of.client).substr(0, of.client.rfind(':'));
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

// A pooled connection that died before it answered says nothing about the origin.
exchange::reason reason_of(const upstream::attempt_failure& failed) noexcept {
    const bool stale = failed.reused && !failed.response_begun &&
                       failed.reason == exchange::reason::connection_terminated;
    return stale ? exchange::reason::stale_connection : failed.reason;
}

}  // namespace

void proxy_handler::prepare(exchange::request& from, const config::route& by, bool trusted) {
    http::request_head& head = from.head;
    if (trusted)
        from.named_client = named_client(head.fields, generation_.model.trust);
    http::strip_hop_by_hop(head.fields);
    http::forwarded_facts facts;
    facts.client_address = client_address(*from.record);
    facts.scheme = head.scheme;
    facts.host = head.authority;
    facts.port = from.local != nullptr ? from.local->port() : std::uint16_t{0};
    facts.peer_trusted = trusted;
    facts.client_certificate = from.client_certificate;
    http::set_forwarding(head.fields, facts);
    append_via(head.fields, head.version, generation_.via, scratch_);
    head.fields.set("X-Request-Id", from.record->request_id);
    edit_request(head, by.request_headers);
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

net::task<exchange::response> proxy_handler::forward(exchange::request& from,
                                                     const config::route& by, upstream::cluster& to,
                                                     std::unique_ptr<total_deadline> until) {
    retry_facts facts;
    facts.verb = from.head.verb;
    facts.endpoints = to.shared().endpoints.size();
    upstream::attempt_options how;
    for (facts.attempts = 1;; ++facts.attempts) {
        // It may turn out empty later on, so this is asked again where a retry is decided.
        facts.body_empty = from.body->finished();
        how.repeatable = may_be_repeated(facts);
        upstream::attempt made = co_await to.send(from, how);
        count(made, to.shared());
        if (made.response) {
            exchange::response& response = *made.response;
            if (!response.upgraded)
                complete(response.head, by);
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
