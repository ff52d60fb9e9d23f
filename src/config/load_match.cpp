#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/text.hpp"
#include "config/values.hpp"

#include <algorithm>

namespace penstock::config {

namespace {

// Repeating a host or a method changes nothing, so it isn't worth a message.
void add_once(std::vector<std::string>& to, std::string value) {
    if (std::find(to.begin(), to.end(), value) == to.end()) {
        to.push_back(std::move(value));
    }
}

void load_path(const section& match, route_match& to) {
    const yaml_node* const node = match.find("path");
    if (node == nullptr) {
        return;
    }
    if (node->kind == node_kind::scalar) {
        match.in().error(*node, "'path' has to be a map, not a single value",
                         "write {prefix: " + in_quotes(node->text) +
                             "} or {exact: " + in_quotes(node->text) + "}");
        return;
    }
    const section from(match.in(), *node, match.path_of("path"));
    const yaml_node* const exact = from.find("exact");
    const yaml_node* const prefix = from.find("prefix");
    if ((exact == nullptr) == (prefix == nullptr)) {
        match.in().error(*node, "'path' needs exactly one of 'exact' and 'prefix'");
        return;
    }
    const bool whole = exact != nullptr;
    to.path_kind = whole ? path_match::exact : path_match::prefix;
    to.path = parse_node(match.in(), whole ? *exact : *prefix, parse_route_path).value_or("/");
}

void load_method(const section& match, const yaml_node& node, route_match& to) {
    const std::string* const text = text_of(match.in(), node);
    if (text == nullptr) {
        return;
    }
    std::string upper = *text;
    for (char& c : upper) {
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    if (!is_token(*text) || text->size() > 32) {
        match.in().error(node, in_quotes(*text) + " is not a method");
    } else if (upper != *text) {
        match.in().error(node, in_quotes(*text) + " is not in upper case",
                         "did you mean " + in_quotes(upper) + "?");
    } else if (upper == "CONNECT" || upper == "TRACE") {
        match.in().warn(node, in_quotes(upper) + " is refused before routes are looked at");
    }
    add_once(to.methods, std::move(upper));
}

void load_header(const section& match, const field_nodes& field, route_match& to) {
    const std::string name = lower(field.name->text);
    if (!is_token(name)) {
        match.in().error(*field.name, in_quotes(field.name->text) + " is not a header name");
        return;
    }
    if (name == "host") {
        match.in().error(*field.name, "'Host' is matched by 'hosts'");
        return;
    }
    const auto same = [&](const header_match& other) { return other.name == name; };
    if (std::any_of(to.headers.begin(), to.headers.end(), same)) {
        match.in().error(*field.name, in_quotes(name) + " is matched twice");
        return;
    }
    header_match one{name, std::nullopt};
    const bool any_value =
        field.value == nullptr || field.value->kind == node_kind::null || field.value->text == "*";
    if (!any_value) {
        one.value = field_value_of(match.in(), *field.value);
    }
    to.headers.push_back(std::move(one));
}

void load_listener_name(const section& match, const yaml_node& node,
                        const std::vector<listener>& listeners, route_match& to) {
    const std::string* const text = text_of(match.in(), node);
    if (text == nullptr) {
        return;
    }
    std::vector<std::string_view> names;
    for (const listener& one : listeners) {
        names.push_back(one.name);
    }
    if (std::find(names.begin(), names.end(), *text) == names.end()) {
        match.in().error(node, "unknown listener " + in_quotes(*text), nearest_hint(*text, names));
    }
    add_once(to.listeners, *text);
}

}  // namespace

route_match load_match(const section& from, const std::vector<listener>& listeners) {
    route_match out;
    for (const yaml_node* const item : from.items("hosts")) {
        std::optional<std::string> host = parse_node(from.in(), *item, parse_host_pattern);
        if (host.has_value()) {
            add_once(out.hosts, std::move(*host));
        }
    }
    load_path(from, out);
    for (const yaml_node* const item : from.items("methods")) {
        load_method(from, *item, out);
    }
    for (const field_nodes& field : fields_of(from, "headers")) {
        load_header(from, field, out);
    }
    for (const yaml_node* const item : from.items("listeners")) {
        load_listener_name(from, *item, listeners, out);
    }
    from.read("scheme", out.scheme);
    return out;
}

}  // namespace penstock::config
