// The keys of routes, but for their match.
#include "config/check_texts.hpp"
#include "config/inherit.hpp"
#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/tables.hpp"
#include "config/text.hpp"

namespace penstock::config {

namespace {

void check_actions(const section& from) {
    int count = 0;
    for (const yaml_node::entry& entry : from.entries()) {
        if (is_action(entry.key->text) && ++count > 1) {
            from.in().error(*entry.key, "a second action in one route",
                            "exactly one of 'upstream', 'split', 'respond' and 'redirect'");
        }
    }
    if (count == 0 && from.is_map()) {
        from.in().error(from.node(), "a route without an action",
                        "it needs one of 'upstream', 'split', 'respond' and 'redirect'");
    }
}

bool may_have_body(int status) noexcept { return status != 204 && status != 304; }

void check_respond(const section& from, respond& to) {
    if (const yaml_node* const body = from.find("body"); body != nullptr) {
        check_text(from.in(), *body, text_place::body);
    }
    if (!to.body.empty() && !may_have_body(to.status)) {
        from.in().error(*from.find("body"),
                        "a response with status " + std::to_string(to.status) + " has no body");
    }
}

row<respond> content_type_row() {
    row<respond> out = text("content_type", &respond::content_type, "Its Content-Type.");
    out.read = [](const section& from, respond& to) {
        const yaml_node& node = *from.find("content_type");
        to.content_type = field_value_of(from.in(), node).value_or(to.content_type);
        if (!is_media_type(to.content_type))
            from.in().error(node, in_quotes(to.content_type) + " is not a media type",
                            "as in text/plain or \"text/html; charset=utf-8\"");
    };
    return out;
}

table<respond> respond_table() {
    return {
        .rows =
            {
                count("status", &respond::status, {200, 599}, "Status of the response."),
                text("body", &respond::body, "Body of the response.")
                    .example("pong")
                    .with_variables(),
                content_type_row(),
            },
        .check = check_respond,
    };
}

table<flush> flush_table() {
    return {
        .rows =
            {
                size("bytes", &flush::bytes, {1, 1024 * kibibyte},
                     "Send when so many bytes are together."),
                duration("interval", &flush::interval, {1, minute},
                         "Or this long after the first of them came, in steps of 20ms."),
            },
        .brief =
            short_form<flush>{.read = [](reader& in, const yaml_node& node,
                                         flush&) { return boolean_of(in, node).value_or(false); }},
    };
}

// 0 takes back what the route inherits.
row<route> total_timeout_row() {
    row<route> out = duration("total", &route::total_timeout, {0, 24 * hour},
                              "Whole exchange, from its first byte; none by default, and with 0.");
    out.read = [read = out.read](const section& from, route& to) {
        read(from, to);
        if (to.total_timeout == milliseconds::zero()) {
            to.total_timeout.reset();
        }
    };
    return std::move(out).example("15s");
}

row<route> name_row() {
    row<route> out =
        text("name", &route::name,
             "Name in metrics and logs; by default the upstream's name, or `route<N>`.")
            .example("api");
    out.read = [](const section& from, route& to) {
        from.read("name", to.name);
        const yaml_node& node = *from.find("name");
        if (node.kind == node_kind::scalar && !is_name(to.name)) {
            from.in().error(node, in_quotes(to.name) + " is not a valid name",
                            "1 to 64 letters, digits, '_', '.' and '-'");
        }
    };
    return out;
}

// Whether there is an upstream of this name is seen once all of them were read.
row<route> upstream_row() {
    row<route> out =
        text("upstream", &route::upstream,
             "Forward to this upstream. Exactly one of `upstream`, `split`, `respond` and "
             "`redirect`.")
            .example("app");
    out.read = [](const section& from, route& to) {
        from.read("upstream", to.upstream);
        from.in().refers_to_upstream(*from.find("upstream"));
    };
    return out;
}

row<route> via_row() {
    return {
        .info = {.path = "via",
                 .type = key_type::boolean,
                 .meaning = "Instead of the upstream's `via`.",
                 .example = "false"},
        .read = [](const section& from, route& to) { from.read("via", to.via.emplace()); },
        .shown = [](const route& of) { return of.via.has_value(); },
        .write = [](dump_writer& to, const route& of) { to.plain(*of.via ? "true" : "false"); }};
}

row<route> location_row() {
    return {.info = {.path = "location",
                     .type = key_type::choice,
                     .choices = "rewrite|keep",
                     .meaning = "Instead of the upstream's `location`.",
                     .example = "rewrite"},
            .read =
                [](const section& from, route& to) {
                    std::string word = "rewrite";
                    from.read("location", word);
                    to.rewrite_location = word == "rewrite";
                },
            .shown = [](const route& of) { return of.rewrite_location.has_value(); },
            .write = [](dump_writer& to,
                        const route& of) { to.word(*of.rewrite_location ? "rewrite" : "keep"); }};
}

// Policies were taken over before keys are read (inherit.hpp).
row<route> use_row() {
    return {.info = {.path = "use",
                     .type = key_type::list,
                     .range = {0, 16},
                     .item = key_type::text,
                     .meaning = "Policies to take keys over from: later ones come before earlier "
                                "ones, the route's own keys before all, `defaults` last.",
                     .example = "[secure]"}};
}

row<route> match_row() {
    row<route> out = group("match", &route::match, match_table(),
                           "What a request has to look like; absent keys match everything.");
    out.read = [read = out.read](const section& from, route& to) {
        const std::size_t errors = from.in().errors();
        read(from, to);
        to.match.whole = from.in().errors() == errors;
    };
    return out;
}

// An empty list follows nothing; without one, `websocket` says it.
row<route> upgrade_row() {
    row<route> out{.info = {.path = "upgrade",
                            .type = key_type::list,
                            .range = {0, 16},
                            .item = key_type::text,
                            .meaning = "Protocols that an `Upgrade` may switch to, instead of what "
                                       "`websocket` says. Every other is dropped, and its request "
                                       "served without it. All but `websocket` need HTTP/1 on both "
                                       "sides.",
                            .example = "[websocket, \"spdy/3.1\", tcp]"}};
    out.read = [](const section& from, route& to) {
        to.upgrade.emplace();
        for (const yaml_node* const item : from.items("upgrade")) {
            std::optional<std::string> one = parse_node(from.in(), *item, parse_upgrade);
            if (one.has_value()) {
                from.keep_reference(item_place("upgrade", to.upgrade->size()), *item);
                to.upgrade->push_back(std::move(*one));
            }
        }
    };
    out.shown = [](const route& of) { return of.upgrade.has_value(); };
    out.write = [](dump_writer& to, const route& of) {
        to.begin_flow_list();
        for (const std::string& one : *of.upgrade) {
            to.quoted(one);
        }
        to.end_list();
    };
    return out;
}

void check_route(const section& from, route& to) {
    check_actions(from);
    check_split(from, to);
    check_rewrite(from, to);
    check_forwarding_texts(from, to);
}

}  // namespace

table<route> route_table() {
    return {
        .rows =
            {
                name_row(),
                use_row(),
                match_row(),
                upstream_row(),
                items("split", &route::split, split_table(),
                      "Forward to several upstreams, a share of the requests to each.")
                    .within({1, 64}),
                group("respond", &route::reply, respond_table(), "Answer with a fixed response."),
                group("redirect", &route::redirection, redirect_table(),
                      "Send the client elsewhere."),
                group("rewrite", &route::rewrite, rewrite_table(),
                      "Path and host for the origin. At most one of `strip_prefix`, `prefix` and "
                      "`path`; the query is kept."),
                via_row(),
                location_row(),
                inner("timeouts", rows<route>{total_timeout_row()}, "Deadlines of this route."),
                inner("limits",
                      rows<route>{size("body", &route::body_limit, body_range,
                                       "Request body, instead of the listener's limit; 0 = no cap.")
                                      .example("10MiB")},
                      "Limits of this route."),
                group("request_headers", &route::request_headers, header_edits_table(true),
                      "Edits of the request head sent to the origin: `remove`, then `set`, then "
                      "`add`."),
                group("response_headers", &route::response_headers, header_edits_table(false),
                      "Edits of the response head sent to the client, in the same order."),
                group("flush", &route::flush, flush_table(),
                      "Put small pieces of response bodies together; `true` takes the defaults "
                      "below. Event streams, gRPC and upgrades always pass at once."),
                choice("digest", &route::digest,
                       choice_words<bool>{{"none", false}, {"sha-256", true}},
                       "Adds Content-Digest to responses without one: in the head up to 64 KiB of "
                       "known length, else in the trailers."),
                flag("websocket", &route::websocket,
                     "Short form of `upgrade: [websocket]`, or of an empty list."),
                upgrade_row(),
                later<route>({.path = "priority",
                              .type = key_type::choice,
                              .default_text = "normal",
                              .choices = "low|normal|high",
                              .meaning = "What is shed last."}),
            },
        .check = check_route,
    };
}

}  // namespace penstock::config
