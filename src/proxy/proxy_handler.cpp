#include "proxy/proxy_handler.hpp"

#include "penstock/exchange/text_body.hpp"
#include "penstock/http/path.hpp"
#include "penstock/upstream/failure.hpp"
#include "proxy/grpc.hpp"
#include "proxy/max_forwards.hpp"
#include "proxy/upgrade.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <utility>

namespace penstock::proxy {

using exchange::reason;

namespace {

constexpr std::array<std::string_view, 5> cache_fields = {"Akamai-Cache-Control",
                                                          "CDN-Cache-Control", "Edge-Control",
                                                          "Surrogate-Control", "X-Accel-Expires"};

// "Cloudflare-CDN-Cache-Control", and those of others.
bool is_targeted(std::string_view name) noexcept {
    constexpr std::string_view end = "-cdn-cache-control";
    return name.size() > end.size() &&
           http::equal_nocase(name.substr(name.size() - end.size()), end);
}

// What a route says of storing its responses is not meant for a failure: a cache in front of us
// would go on serving it.
void forbid_storing(http::fields& of) {
    of.set("Cache-Control", "no-store");
    // They outrank Cache-Control (RFC 9213 §2.2), by whatever name a cache has for its own.
    of.remove_if([](const http::fields::field& one) {
        return is_targeted(one.name) ||
               std::any_of(cache_fields.begin(), cache_fields.end(), [&one](std::string_view name) {
                   return http::equal_nocase(one.name, name);
               });
    });
}

}  // namespace

std::shared_ptr<exchange::handler> make_handler(handler_parts parts) {
    return std::make_shared<proxy_handler>(std::move(parts));
}

proxy_handler::proxy_handler(handler_parts parts)
    : parts_(std::move(parts)),
      generation_(*parts_.generation),
      random_(std::random_device()() | std::uint64_t{1}) {
    const auto& routes = generation_.model.routes;
    limits_bodies_ = std::any_of(routes.begin(), routes.end(), [](const config::route& one) {
        return one.body_limit.has_value();
    });
    for (std::size_t i = 0; i < routes.size(); ++i)
        takes_websockets_ = takes_websockets_ || takes_websockets(i);
}

net::task<exchange::response> proxy_handler::handle(exchange::request& from) {
    identify(from);
    if (parts_.home.memory() == net::memory_level::critical)
        co_return reply(from, reason::shed_memory);
    const http::method verb = from.head.verb;
    if (verb == http::method::trace || verb == http::method::connect)
        co_return reply(from, reason::http_request_denied);
    if (is_loop(from.head.fields))
        co_return reply(from, reason::proxy_loop_detected);
    if (const hops left = count_hop(from.head); left != hops::onward) {
        co_return left == hops::last
            ? answer_options()
            : refuse_by(from, "Max-Forwards is not one number", reason::http_request_error);
    }
    const std::optional<std::size_t> found = find_route(from);
    if (!found)
        co_return reply(from, reason::no_route);
    from.record->route = generation_.route_ids[*found];
    const bool ambiguous = from.head.escaped_slash && is_ambiguous(from, *found);
    const compiled_route& route = *generation_.compiled[*found];
    // Only now, because routes are matched by what came.
    settle_story(from, route);
    if (ambiguous)
        co_return refuse_by(from, "encoded '/' or '\\' in the path that would choose another route",
                            reason::ambiguous_path);
    // Over HTTP/1 it is a request for something else as well; here it is for nothing else.
    if (from.wants_websocket && from.head.version == http::version::http_2 &&
        !takes_websockets(*found))
        co_return reply(from, reason::http_request_denied);
    if (!route.forwards())
        co_return answer(from, route);
    choose_upgrade(from, route.settings);
    if (const std::string_view rule = forbidden_body(from); !rule.empty()) {
        exchange::response made = refuse_by(from, rule, reason::http_request_error);
        made.close = true;
        co_return made;
    }
    // By what the client says, whatever the route makes of that.
    std::unique_ptr<total_deadline> until = start_deadline(from, route.settings);
    const destination to = choose(route);
    if (const reason refused = prepare(from, to); refused != reason::none)
        co_return reply(from, refused);
    co_return co_await forward(from, to, std::move(until));
}

void proxy_handler::identify(exchange::request& from) {
    std::string& id = from.record->request_id;
    if (!id.empty())
        return;
    const auto given =
        from.peer_trusted() ? from.head.fields.find(http::field_id::x_request_id) : std::nullopt;
    if (given && is_harmless_id(*given)) {
        id = *given;
    } else {
        ids_.make(id);
    }
}

// This process has seen the request before (RFC 8586, RFC 9110 §7.6.3).
bool proxy_handler::is_loop(const http::fields& of) const noexcept {
    if (!of.may_have(http::field_id::cdn_loop) && !of.may_have(http::field_id::via))
        return false;
    for (const http::fields::field one : of) {
        if ((one.id == http::field_id::cdn_loop || one.id == http::field_id::via) &&
            one.value.find(generation_.via) != std::string_view::npos)
            return true;
    }
    return false;
}

std::optional<std::size_t> proxy_handler::find_route(const exchange::request& of) const {
    return generation_.router.find(of.head, of.record->listener);
}

// An origin that takes %2F or %5C for separators would be asked for what another route is for.
// Escapes that the route's own path has are data, because the operator says so: such an origin is
// asked for what the route of that path, read its way, is for, but for nothing more specific.
bool proxy_handler::is_ambiguous(const exchange::request& of, std::size_t route) {
    using http::separators;
    const compiled_route& by = *generation_.compiled[route];
    const std::string& own = by.settings.match.path;
    const auto read = [&](std::string_view path, separators which, std::size_t kept) {
        http::read_escapes(path, which, scratch_, kept);
        return generation_.router.find(of.head, scratch_, of.record->listener);
    };
    for (const separators which : {separators::slash, separators::backslash, separators::both}) {
        if (read(of.head.path, which, own.size()) != route)
            return true;
        if (!by.escaped_path)
            continue;
        const std::optional<std::size_t> whole = read(of.head.path, which, 0);
        if (whole != route && whole != read(own, which, 0))
            return true;
    }
    return false;
}

// What the fields say of the client is what an origin is told, and not what the client claims, for
// texts that read it too.
void proxy_handler::settle_story(exchange::request& from, const compiled_route& by) {
    if (by.reads_story)
        tell_origin(from);
}

exchange::response proxy_handler::reply(exchange::request& from, reason why) {
    from.record->why = why;
    own_reply about{why, from.record->request_id, prefers_html(from.head.fields)};
    about.retry_after = from.retry_after;
    // Of a head that was not understood, nobody has asked yet whose it is.
    const std::string& detail = from.record->detail;
    if (!detail.empty() && generation_.clients.trusts(*from.peer))
        about.details = detail;
    exchange::response made = is_grpc_call(from.head) ? make_grpc_reply(about) : make_reply(about);
    made.head.fields.add("Date", date_.at(wall_clock::now()));
    if (const compiled_route* const by = generation_.route_of(from.record->route)) {
        by->response_edits.apply(made.head, {from, {}, made.head.status, why}, scratch_);
        if (!by->response_edits.empty())
            forbid_storing(made.head.fields);
    }
    return made;
}

exchange::response proxy_handler::refuse_by(exchange::request& from, std::string_view rule,
                                            reason why) {
    from.record->detail = rule;
    return reply(from, why);
}

exchange::response proxy_handler::refuse(exchange::request& from, reason why) {
    identify(from);
    // Of these the route is known, and its limit may be the one that was broken.
    if (why == reason::body_too_large && from.record->route == no_name) {
        if (const auto found = find_route(from)) {
            from.record->route = generation_.route_ids[*found];
            settle_story(from, *generation_.compiled[*found]);
        }
    }
    return reply(from, why);
}

// A route's own answer.
exchange::response proxy_handler::answer(exchange::request& from, const compiled_route& by) {
    exchange::response made;
    const config::respond* const reply = by.settings.reply ? &*by.settings.reply : nullptr;
    if (by.redirects) {
        made.head.status = by.redirects->status();
        by.redirects->write({from, {}}, scratch_);
        made.head.fields.add("Location", scratch_);
    } else if (reply != nullptr) {
        made.head.status = reply->status;
        if (!reply->body.empty())
            made.head.fields.add("Content-Type", reply->content_type);
    }
    complete(made.head, {from, {}, made.head.status, reason::none}, by);
    if (reply != nullptr && !by.redirects) {
        // The edits may have changed what the body is taken for.
        std::string text;
        by.reply_body.expand({from, {}, reply->status}, text, markup_of(made.head.fields));
        made.body = exchange::make_text_body(std::move(text));
    }
    return made;
}

// What a request that may go no further asks for: what can be said of this hop.
exchange::response proxy_handler::answer_options() {
    exchange::response made = make_options_reply();
    made.head.fields.add("Date", date_.at(wall_clock::now()));
    return made;
}

// RFC 9110 §6.6.1: who has a clock dates what came without a date.
void proxy_handler::complete(http::response_head& head, const text_facts& of,
                             const compiled_route& by) {
    if (!head.fields.find(http::field_id::date))
        head.fields.add(http::field_id::date, "Date", date_.at(wall_clock::now()));
    by.response_edits.apply(head, of, scratch_);
}

bool proxy_handler::takes_websockets(std::size_t route) const noexcept {
    return follows_websockets(generation_.model.routes[route]) &&
           generation_.upstreams[route] != generation::npos;
}

std::uint64_t proxy_handler::body_limit(const exchange::request& of) const {
    if (!limits_bodies_)
        return 0;
    const std::optional<std::size_t> found = find_route(of);
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
