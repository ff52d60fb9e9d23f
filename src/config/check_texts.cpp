#include "config/check_texts.hpp"

#include "config/names.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace penstock::config {
namespace {

bool is_url(text_place at) noexcept {
    return at == text_place::url || at == text_place::url_path || at == text_place::url_query ||
           at == text_place::rewritten_path;
}

bool is_host(text_place at) noexcept {
    return at == text_place::url_host || at == text_place::rewritten_host;
}

bool is_path(text_place at) noexcept {
    return at == text_place::url_path || at == text_place::rewritten_path;
}

const char* query_hint(text_place at) noexcept {
    return at == text_place::rewritten_path ? "the query of the request stays as it is"
                                            : "'query' says what stands behind a path";
}

// What no URL holds as it is.
void check_url_literal(reader& in, const yaml_node& node, const std::string& text, text_place at) {
    const std::string_view never = is_path(at)                   ? "\"<>\\^`{|}?#"
                                   : at == text_place::url_query ? "\"<>\\^`{|}#"
                                                                 : "\"<>\\^`{|}";
    const std::size_t bad = text.find_first_of(never);
    if (bad != std::string::npos) {
        const bool brace = text[bad] == '{' || text[bad] == '}';
        in.error(node, in_quotes(node.text) + " contains " + in_quotes(text.substr(bad, 1)),
                 brace              ? "a variable is written '${host}'"
                 : text[bad] == '?' ? query_hint(at)
                                    : "it has to be percent-encoded");
    } else if (!is_visible_ascii(text)) {
        in.error(node, in_quotes(node.text) + " contains a byte that has to be percent-encoded");
    }
}

void check_host_literal(reader& in, const yaml_node& node, const std::string& text) {
    const bool good = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
    });
    if (!good)
        in.error(node, in_quotes(node.text) + " is not a host");
}

// A host without variables is one, whole.
void check_host(reader& in, const yaml_node& node, text_place at) {
    const parsed<std::string> host = parse_host_pattern(node.text);
    if (host.value.has_value() && !host.value->starts_with('*'))
        return;
    const bool port = parse_endpoint(node.text).value.has_value();
    if (port && at == text_place::rewritten_host)
        return;
    in.error(node, in_quotes(node.text) + " is not a host",
             port ? "the port of a redirect is said by 'port'" : "");
}

void check_part(const section& from, std::string_view key, text_place at) {
    if (const yaml_node* const node = from.find(key);
        node != nullptr && node->kind == node_kind::scalar) {
        check_text(from.in(), *node, at);
        if (at == text_place::url || at == text_place::url_host)
            check_authority(from.in(), *node, at);
    }
}

// The keys of `among` that the section has.
std::vector<const yaml_node*> keys_of(const section& from,
                                      std::initializer_list<std::string_view> among) {
    std::vector<const yaml_node*> found;
    for (const yaml_node::entry& entry : from.entries()) {
        if (std::find(among.begin(), among.end(), entry.key->text) != among.end())
            found.push_back(entry.key);
    }
    return found;
}

void check_strip_prefix(const section& from, const route& of) {
    const std::string& prefix = *of.rewrite.strip_prefix;
    const std::string& path = of.match.path;
    const std::string_view bare =
        std::string_view(prefix).substr(0, prefix.size() - (prefix.ends_with('/') ? 1 : 0));
    if (of.match.path_kind != path_match::any && !path.starts_with(bare) &&
        !std::string_view(prefix).starts_with(path)) {
        from.in().error(*from.find("strip_prefix"),
                        "paths of this route never begin with " + in_quotes(prefix),
                        "it matches " + in_quotes(path));
    }
}

bool sends_to_https(const route& of) noexcept {
    const redirect by = of.redirection.value_or(redirect{});
    return of.match.scheme == "http" &&
           (by.scheme.value_or("") == "https" || by.to.starts_with("https://"));
}

bool is_upstream_used(const std::vector<header_value>& in) {
    return std::any_of(in.begin(), in.end(), [](const header_value& one) {
        return uses(one.value, text_place::response_header, variable::upstream);
    });
}

}  // namespace

void check_text(reader& in, const yaml_node& node, text_place at) {
    const parsed_text parsed = parse_variables(node.text, at);
    if (!parsed.ok()) {
        in.error(node, parsed.message, parsed.hint);
        return;
    }
    const bool variables = std::any_of(parsed.pieces.begin(), parsed.pieces.end(),
                                       [](const text_piece& one) { return one.what.has_value(); });
    if (is_host(at) && !variables) {
        check_host(in, node, at);
        return;
    }
    for (const text_piece& one : parsed.pieces) {
        if (is_url(at))
            check_url_literal(in, node, one.literal, at);
        else if (is_host(at))
            check_host_literal(in, node, one.literal);
    }
    const bool begins = !parsed.pieces.empty() && (parsed.pieces[0].literal.starts_with('/') ||
                                                   parsed.pieces[0].what == variable::path);
    if (is_path(at) && !begins)
        in.error(node, in_quotes(node.text) + " does not begin with '/'");
}

void check_redirect(const section& from, const redirect& of) {
    const auto parts = keys_of(from, {"scheme", "host", "port", "path", "query"});
    if (const yaml_node* const to = from.find("to"); to != nullptr && !parts.empty()) {
        from.in().error(
            *parts.front(),
            "'to' is the whole URL, so " + in_quotes(parts.front()->text) + " says it twice",
            "either 'to', or parts of a URL, of which the others are kept");
    }
    if (from.is_map() && of.to.empty() && parts.empty() && from.find("to") == nullptr) {
        from.in().error(from.node(), "a redirect to where the client is",
                        "it needs 'to', or one of 'scheme', 'host', 'port', 'path' and 'query'");
    }
    if (!of.to.empty())
        check_part(from, "to", text_place::url);
    check_part(from, "host", text_place::url_host);
    check_part(from, "path", text_place::url_path);
    check_part(from, "query", text_place::url_query);
}

void check_rewrite(const section& route_section, const route& of) {
    const std::optional<section> child = route_section.child("rewrite");
    if (!child.has_value())
        return;
    const section& from = *child;
    const auto paths = keys_of(from, {"strip_prefix", "prefix", "path"});
    if (paths.size() > 1) {
        from.in().error(*paths[1], "a second rewrite of the path",
                        "one of 'strip_prefix', 'prefix' and 'path'");
    }
    if (of.rewrite.prefix && of.match.path_kind == path_match::any) {
        from.in().error(*from.find("prefix"),
                        "'prefix' stands in place of the path that the route matches, and it "
                        "matches every one",
                        "'match: {path: {prefix: …}}' says which");
    }
    if (of.rewrite.strip_prefix)
        check_strip_prefix(from, of);
    check_part(from, "path", text_place::rewritten_path);
    check_part(from, "host", text_place::rewritten_host);
}

void check_split(const section& from, const route& of) {
    const yaml_node* const node = from.find("split");
    if (node == nullptr || of.split.empty())
        return;
    std::set<std::string_view> seen;
    bool any = false;
    for (const split_share& share : of.split) {
        any = any || share.weight > 0;
        if (!share.upstream.empty() && !seen.insert(share.upstream).second)
            from.in().error(share.where, in_quotes(share.upstream) + " has two shares");
    }
    if (!any)
        from.in().error(*node, "every share is 0", "requests of this route would go nowhere");
}

void check_forwarding_texts(const section& from, const route& of) {
    if (!of.upstream.empty() || !of.split.empty())
        return;
    const yaml_node* const edits = from.find("response_headers");
    if (edits != nullptr &&
        (is_upstream_used(of.response_headers.set) || is_upstream_used(of.response_headers.add))) {
        from.in().error(*edits, "'${upstream}' has no value here",
                        "this route answers without an upstream");
    }
    for (const std::string_view key : {"rewrite", "location", "via", "request_headers"}) {
        if (const yaml_node* const node = from.find(key); node != nullptr) {
            from.in().warn(*node, in_quotes(key) + " has no effect",
                           "this route answers without an upstream");
        }
    }
}

void check_redirect_loops(reader& in, const model& of) {
    for (const route& one : of.routes) {
        const redirect by = one.redirection.value_or(redirect{});
        if (by.scheme.value_or("").empty() || by.host || by.port || by.path || by.query ||
            !one.match.scheme.empty())
            continue;
        for (const listener& at : of.listeners) {
            const auto& names = one.match.listeners;
            const bool here =
                names.empty() || std::find(names.begin(), names.end(), at.name) != names.end();
            if (here && at.tls.has_value() == (*by.scheme == "https")) {
                in.warn(one.where,
                        "route " + in_quotes(one.name) + " sends clients of listener " +
                            in_quotes(at.name) + " to where they are",
                        "'match: {scheme: " + std::string(at.tls ? "http" : "https") +
                            "}' leaves them out");
                break;
            }
        }
    }
}

void check_client_address(const section& from, const model& of) {
    reader& in = from.in();
    const yaml_node* const node = from.find("client_address");
    if (node != nullptr && of.trust.empty()) {
        in.warn(*node, "'client_address' has no effect",
                "'trust' names no peer whose word on its client counts");
    }
    if (of.client_address.scheme != "none" || of.trust.empty())
        return;
    for (const route& one : of.routes) {
        if (!sends_to_https(one))
            continue;
        in.warn(one.where,
                "route " + in_quotes(one.name) +
                    " sends a client to https again and again if a trusted peer ends its TLS",
                "'client_address: {scheme: X-Forwarded-Proto}' believes the peer on it");
    }
}

}  // namespace penstock::config
