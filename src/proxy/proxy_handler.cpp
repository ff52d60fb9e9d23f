#include "proxy/proxy_handler.hpp"

#include "penstock/exchange/text_body.hpp"
#include "penstock/upstream/failure.hpp"
#include "proxy/grpc.hpp"
#include "proxy/head_edits.hpp"
#include "proxy/max_forwards.hpp"
#include "proxy/trust.hpp"
#include "proxy/upgrade.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace penstock::proxy {

using exchange::reason;

std::shared_ptr<exchange::handler> make_handler(handler_parts parts) {
    return std::make_shared<proxy_handler>(std::move(parts));
}

proxy_handler::proxy_handler(handler_parts parts)
    : parts_(std::move(parts)), generation_(*parts_.generation) {
    const auto& routes = generation_.model.routes;
    limits_bodies_ = std::any_of(routes.begin(), routes.end(), [](const config::route& one) {
        return one.body_limit.has_value();
    });
    for (std::size_t i = 0; i < routes.size(); ++i)
        takes_websockets_ = takes_websockets_ || takes_websockets(i);
}

net::task<exchange::response> proxy_handler::handle(exchange::request& from) {
    const bool trusted = is_trusted(*from.peer, generation_.model.trust);
    identify(from, trusted);
    if (parts_.home.memory() == net::memory_level::critical)
        co_return reply(from, reason::shed_memory);
    const http::method verb = from.head.verb;
    if (verb == http::method::trace || verb == http::method::connect)
        co_return reply(from, reason::http_request_denied);
    // A proxy that we trust may have taken TLS off before us.
    if (from.other_scheme && !trusted)
        co_return refuse_by(from, ":scheme is not that of the connection");
    if (is_loop(from.head.fields))
        co_return reply(from, reason::proxy_loop_detected);
    if (const hops left = count_hop(from.head); left != hops::onward) {
        co_return left == hops::last ? answer_options()
                                     : refuse_by(from, "Max-Forwards is not one number");
    }
    const std::optional<std::size_t> found = generation_.router.find(from.head);
    if (!found)
        co_return reply(from, reason::no_route);
    from.record->route = generation_.route_ids[*found];
    const config::route& route = generation_.model.routes[*found];
    // Over HTTP/1 it is a request for something else as well; here it is for nothing else.
    if (from.wants_websocket && from.head.version == http::version::http_2 &&
        !takes_websockets(*found))
        co_return reply(from, reason::http_request_denied);
    if (generation_.upstreams[*found] == generation::npos)
        co_return answer(route);
    choose_upgrade(from, route);
    if (const std::string_view rule = forbidden_body(from); !rule.empty()) {
        exchange::response made = refuse_by(from, rule);
        made.close = true;
        co_return made;
    }
    // By what the client says, whatever the route makes of that.
    std::unique_ptr<total_deadline> until = start_deadline(from, route);
    prepare(from, route, trusted);
    co_return co_await forward(from, route, *parts_.clusters[generation_.upstreams[*found]],
                               std::move(until));
}

void proxy_handler::identify(exchange::request& from, bool trusted) {
    std::string& id = from.record->request_id;
    if (!id.empty())
        return;
    const auto given = trusted ? from.head.fields.find(http::field_id::x_request_id) : std::nullopt;
    if (given && is_harmless_id(*given)) {
        id = *given;
    } else {
        ids_.make(id);
    }
}

// This process has seen the request before (RFC 9110 §7.6.3).
bool proxy_handler::is_loop(const http::fields& of) const noexcept {
    for (const http::fields::field one : of) {
        if (one.id == http::field_id::via &&
            one.value.find(generation_.via) != std::string_view::npos)
            return true;
    }
    return false;
}

exchange::response proxy_handler::reply(exchange::request& from, reason why) {
    from.record->why = why;
    own_reply about{why, from.record->request_id, prefers_html(from.head.fields)};
    const std::string& detail = from.record->detail;
    if (!detail.empty() && is_trusted(*from.peer, generation_.model.trust))
        about.details = detail;
    exchange::response made = is_grpc_call(from.head) ? make_grpc_reply(about) : make_reply(about);
    made.head.fields.add("Date", date_.at(wall_clock::now()));
    return made;
}

exchange::response proxy_handler::refuse_by(exchange::request& from, std::string_view rule) {
    from.record->detail = rule;
    return reply(from, reason::http_request_error);
}

exchange::response proxy_handler::refuse(exchange::request& from, reason why) {
    identify(from, false);
    // Of these the route is known, and its limit may be the one that was broken.
    if (why == reason::body_too_large && from.record->route == no_name) {
        if (const auto found = generation_.router.find(from.head))
            from.record->route = generation_.route_ids[*found];
    }
    return reply(from, why);
}

// A route's own answer.
exchange::response proxy_handler::answer(const config::route& by) {
    exchange::response made;
    if (by.reply) {
        made.head.status = by.reply->status;
        if (!by.reply->body.empty())
            made.head.fields.add("Content-Type", by.reply->content_type);
        made.body = exchange::make_text_body(by.reply->body);
    } else if (by.redirection) {
        made.head.status = by.redirection->status;
        made.head.fields.add("Location", by.redirection->to);
    }
    complete(made.head, by);
    return made;
}

// What a request that may go no further asks for: what can be said of this hop.
exchange::response proxy_handler::answer_options() {
    exchange::response made = make_options_reply();
    made.head.fields.add("Date", date_.at(wall_clock::now()));
    return made;
}

// RFC 9110 §6.6.1: who has a clock dates what came without a date.
void proxy_handler::complete(http::response_head& head, const config::route& by) {
    if (!head.fields.find(http::field_id::date))
        head.fields.add("Date", date_.at(wall_clock::now()));
    edit_response(head, by.response_headers);
}

bool proxy_handler::takes_websockets(std::size_t route) const noexcept {
    return follows_websockets(generation_.model.routes[route]) &&
           generation_.upstreams[route] != generation::npos;
}

std::uint64_t proxy_handler::body_limit(const http::request_head& head) const {
    if (!limits_bodies_)
        return 0;
    const std::optional<std::size_t> found = generation_.router.find(head);
    const auto own = found ? generation_.model.routes[*found].body_limit : std::nullopt;
    if (!own)
        return 0;
    // A route that says 0 lifts the listener's cap.
    return *own == 0 ? std::numeric_limits<std::uint64_t>::max() : *own;
}

void proxy_handler::finished(const exchange::record& of) noexcept {
    parts_.metrics->count(of);
    if (parts_.access && generation_.model.log.access)
        parts_.access->write(of, *generation_.model.log.access);
}

reason proxy_handler::reason_of(error why) const noexcept { return upstream::reason_of(why); }

}  // namespace penstock::proxy
