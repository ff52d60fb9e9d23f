#include "config/check_texts.hpp"
#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/text.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <charconv>

namespace penstock::config {

namespace {

bool is_action(std::string_view key) noexcept {
    return key == "upstream" || key == "split" || key == "respond" || key == "redirect";
}

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

void check_upstream_name(reader& in, const yaml_node& node,
                         const std::vector<upstream>& upstreams) {
    std::vector<std::string_view> names;
    for (const upstream& one : upstreams) {
        if (one.name == node.text) {
            return;
        }
        names.push_back(one.name);
    }
    // Comparing with thousands of names is for the first few errors only.
    std::string hint = in.errors() < 20 ? nearest_hint(node.text, names) : "";
    in.error(node, "unknown upstream " + in_quotes(node.text), std::move(hint));
}

void load_target(const section& from, const std::vector<upstream>& upstreams, route& to) {
    from.read("upstream", to.upstream);
    if (const yaml_node* const node = from.find("upstream");
        node != nullptr && node->kind == node_kind::scalar) {
        check_upstream_name(from.in(), *node, upstreams);
    }
    for (const yaml_node* const item : from.items("split")) {
        const section share(from.in(), *item, "routes[].split[]");
        split_share one;
        one.where = from.in().at(*item);
        share.require("upstream");
        share.read("upstream", one.upstream);
        share.read("weight", one.weight);
        if (const yaml_node* const node = share.find("upstream");
            node != nullptr && node->kind == node_kind::scalar) {
            check_upstream_name(from.in(), *node, upstreams);
        }
        to.split.push_back(std::move(one));
    }
    check_split(from, to);
}

bool may_have_body(int status) noexcept { return status != 204 && status != 304; }

std::optional<respond> load_respond(const section& route_section) {
    const std::optional<section> from = route_section.child("respond");
    if (!from.has_value()) {
        return std::nullopt;
    }
    respond out;
    from->read("status", out.status);
    from->read("body", out.body);
    if (const yaml_node* const body = from->find("body"); body != nullptr) {
        check_text(from->in(), *body, text_place::body);
    }
    if (!out.body.empty() && !may_have_body(out.status)) {
        from->in().error(*from->find("body"),
                         "a response with status " + std::to_string(out.status) + " has no body");
    }
    if (const yaml_node* const type = from->find("content_type"); type != nullptr) {
        out.content_type = field_value_of(from->in(), *type).value_or(out.content_type);
    }
    return out;
}

void read_given(const section& from, std::string_view key, std::optional<std::string>& to) {
    if (from.find(key) != nullptr)
        from.read(key, to.emplace());
}

std::optional<redirect> load_redirect(const section& route_section) {
    const std::optional<section> from = route_section.child("redirect");
    if (!from.has_value()) {
        return std::nullopt;
    }
    redirect out;
    if (const yaml_node* const to = from->find("to"); to != nullptr) {
        out.to = parse_node(from->in(), *to, parse_redirect_target).value_or("");
    }
    read_given(*from, "scheme", out.scheme);
    read_given(*from, "host", out.host);
    read_given(*from, "path", out.path);
    read_given(*from, "query", out.query);
    if (from->find("port") != nullptr) {
        std::uint32_t port = 0;
        from->read("port", port);
        out.port = static_cast<std::uint16_t>(port);
    }
    check_redirect(*from, out);
    std::string status = std::to_string(out.status);
    from->read("status", status);
    std::from_chars(status.data(), status.data() + status.size(), out.status);
    return out;
}

void load_rewrite(const section& route_section, route& to) {
    const std::optional<section> from = route_section.child("rewrite");
    if (!from.has_value())
        return;
    for (const std::string_view key : {"strip_prefix", "prefix"}) {
        const yaml_node* const node = from->find(key);
        if (node != nullptr)
            (key == "prefix" ? to.rewrite.prefix : to.rewrite.strip_prefix) =
                parse_node(from->in(), *node, parse_route_path);
    }
    read_given(*from, "path", to.rewrite.path);
    read_given(*from, "host", to.rewrite.host);
    check_rewrite(*from, to);
}

void load_origin_rules(const section& from, route& to) {
    if (from.find("via") != nullptr) {
        to.via.emplace();
        from.read("via", *to.via);
    }
    if (from.find("location") != nullptr) {
        std::string location = "rewrite";
        from.read("location", location);
        to.rewrite_location = location == "rewrite";
    }
}

void load_timeouts(const section& route_section, route& to) {
    const std::optional<section> from = route_section.child("timeouts");
    if (from.has_value() && from->find("total") != nullptr) {
        milliseconds total{};
        from->read("total", total);
        to.total_timeout = total;
    }
}

void load_limits(const section& route_section, route& to) {
    const std::optional<section> from = route_section.child("limits");
    if (from.has_value() && from->find("body") != nullptr) {
        std::uint64_t body = 0;
        from->read("body", body);
        to.body_limit = body;
    }
}

void load_flush(const section& route_section, route& to) {
    const yaml_node* const node = route_section.find("flush");
    if (node == nullptr)
        return;
    if (node->kind == node_kind::scalar) {
        if (boolean_of(route_section.in(), *node).value_or(false))
            to.flush.emplace();
        return;
    }
    const std::optional<section> from = route_section.child("flush");
    if (!from.has_value())
        return;
    flush out;
    from->read("bytes", out.bytes);
    from->read("interval", out.interval);
    to.flush = out;
}

void load_digest(const section& route_section, route& to) {
    std::string algorithm = "none";
    route_section.read("digest", algorithm);
    to.digest = algorithm == "sha-256";
}

void load_edits(const section& from, route& to) {
    if (const auto edits = from.child("request_headers"); edits.has_value()) {
        to.request_headers = load_header_edits(*edits, true);
    }
    if (const auto edits = from.child("response_headers"); edits.has_value()) {
        to.response_headers = load_header_edits(*edits, false);
    }
}

void load_name(const section& from, route& to) {
    const yaml_node* const node = from.find("name");
    if (node == nullptr) {
        return;
    }
    from.read("name", to.name);
    if (node->kind == node_kind::scalar && !is_name(to.name)) {
        from.in().error(*node, in_quotes(to.name) + " is not a valid name",
                        "1 to 64 letters, digits, '_', '.' and '-'");
    }
}

// What a request has to look like; false if it could not be read in full.
bool load_conditions(const section& from, const std::vector<listener>& listeners, route& to) {
    const std::size_t errors = from.in().errors();
    if (const std::optional<section> match = from.child("match"); match.has_value()) {
        to.match = load_match(*match, listeners);
    }
    load_rewrite(from, to);
    return from.in().errors() == errors;
}

route load_route(const section& from, const std::vector<upstream>& upstreams) {
    route out;
    out.where = from.in().at(from.node());
    load_name(from, out);
    check_actions(from);
    load_target(from, upstreams, out);
    out.reply = load_respond(from);
    out.redirection = load_redirect(from);
    load_timeouts(from, out);
    load_limits(from, out);
    load_edits(from, out);
    load_flush(from, out);
    load_digest(from, out);
    from.read("websocket", out.websocket);
    load_origin_rules(from, out);
    check_forwarding_texts(from, out);
    return out;
}

}  // namespace

std::vector<route> load_routes(const section& root, const model& of) {
    root.require("routes");
    std::vector<route> out;
    std::vector<std::size_t> comparable;
    for (const yaml_node* const item : root.items("routes")) {
        const section from(root.in(), *item, "routes[]");
        out.push_back(load_route(from, of.upstreams));
        // A match that was read in part would seem to match more than was meant.
        if (load_conditions(from, of.listeners, out.back())) {
            comparable.push_back(out.size() - 1);
        }
    }
    name_routes(root.in(), out);
    std::vector<const route*> compared;
    for (const std::size_t index : comparable) {
        compared.push_back(&out[index]);
    }
    check_ambiguous(root.in(), compared);
    return out;
}

}  // namespace penstock::config
