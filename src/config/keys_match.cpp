// The keys of a route's match.
#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/tables.hpp"
#include "config/text.hpp"

#include <algorithm>

namespace penstock::config {

namespace {

struct read_item {
    const section& from;
    std::string_view key;  // of the list
    const yaml_node& node;
};

// Repeating a host or a method changes nothing, so it is not worth a message.
void add_once(const read_item& item, std::vector<std::string>& to, std::string value) {
    if (std::find(to.begin(), to.end(), value) == to.end()) {
        item.from.keep_reference(item_place(item.key, to.size()), item.node);
        to.push_back(std::move(value));
    }
}

void load_hosts(const section& from, route_match& to) {
    for (const yaml_node* const item : from.items("hosts")) {
        std::optional<std::string> host = parse_node(from.in(), *item, parse_host_pattern);
        if (host.has_value()) {
            add_once({from, "hosts", *item}, to.hosts, std::move(*host));
        }
    }
}

void load_path(const section& match, route_match& to) {
    const yaml_node& node = *match.find("path");
    if (node.kind == node_kind::scalar) {
        match.in().error(node, "'path' has to be a map, not a single value",
                         "write {prefix: " + in_quotes(node.text) +
                             "} or {exact: " + in_quotes(node.text) + "}");
        return;
    }
    const section from(match.in(), node, match.path_of("path"), match.place_of("path"));
    const yaml_node* const exact = from.find("exact");
    const yaml_node* const prefix = from.find("prefix");
    if ((exact == nullptr) == (prefix == nullptr)) {
        match.in().error(node, "'path' needs exactly one of 'exact' and 'prefix'");
        return;
    }
    const bool whole = exact != nullptr;
    to.path_kind = whole ? path_match::exact : path_match::prefix;
    to.path = parse_node(match.in(), whole ? *exact : *prefix, parse_route_path).value_or("/");
    from.keep_reference(whole ? "exact" : "prefix", whole ? *exact : *prefix);
}

// One kind of path match; `load_path` reads them all, since they exclude each other.
row<route_match> path_kind_row(std::string_view key, path_match kind, std::string_view meaning) {
    const std::string_view example = kind == path_match::exact ? "/ping" : "/v1/";
    return {.info = {.path = key, .type = key_type::text, .meaning = meaning, .example = example},
            .shown = [kind](const route_match& of) { return of.path_kind == kind; },
            .write = [](dump_writer& to, const route_match& of) { to.quoted(of.path); }};
}

row<route_match> path_row() {
    row<route_match> out = inner(
        "path",
        rows<route_match>{path_kind_row("exact", path_match::exact, "The whole path."),
                          path_kind_row("prefix", path_match::prefix, "How the path begins.")},
        "The path in normal form; one of `exact` and `prefix`.");
    out.read = load_path;
    return out;
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
    if (*text == "*") {
        match.in().error(node, "'*' is not a method", "without 'methods' a route takes them all");
        return;
    }
    if (!is_token(*text) || text->size() > 32) {
        match.in().error(node, in_quotes(*text) + " is not a method");
    } else if (upper != *text) {
        match.in().error(node, in_quotes(*text) + " is not in upper case",
                         "did you mean " + in_quotes(upper) + "?");
    } else if (upper == "CONNECT" || upper == "TRACE") {
        match.in().warn(node, in_quotes(upper) + " is refused before routes are looked at");
    }
    add_once({match, "methods", node}, to.methods, std::move(upper));
}

void load_methods(const section& from, route_match& to) {
    for (const yaml_node* const item : from.items("methods")) {
        load_method(from, *item, to);
    }
}

void load_header(const section& match, const field_nodes& field, route_match& to) {
    const std::string name = lower(field.name->text);
    if (!is_token(name) || name == "*") {
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
    keep_field(match, item_place("headers", to.headers.size()), field);
    to.headers.push_back(std::move(one));
}

row<route_match> headers_row() {
    return {
        .info = {.path = "headers",
                 .type = key_type::fields,
                 .range = {0, 32},
                 .meaning = "Header fields with their exact value; `\"*\"` means any value.",
                 .example = "{x-canary: \"1\", x-tenant: \"*\"}"},
        .read =
            [](const section& from, route_match& to) {
                for (const field_nodes& field : fields_of(from, "headers")) {
                    load_header(from, field, to);
                }
            },
        .shown = [](const route_match& of) { return !of.headers.empty(); },
        .write =
            [](dump_writer& to, const route_match& of) {
                to.begin_list();
                for (const header_match& one : of.headers) {
                    write_field(to, one.name, one.value);
                }
                to.end_list();
            },
    };
}

// A list of texts that `read` takes from the section.
row<route_match> texts(std::string_view key, std::vector<std::string> route_match::*member,
                       void (*read)(const section&, route_match&), std::string_view meaning) {
    const item_kind<std::string> kind{
        key_type::text, {}, [](const std::string& item) { return item; }};
    row<route_match> out = values(key, member, kind, meaning);
    out.read = read;
    return out;
}

// Whether there is a listener of this name is seen once all of them were read.
row<route_match> listeners_row() {
    return texts(
               "listeners", &route_match::listeners,
               [](const section& from, route_match& to) {
                   for (const yaml_node* const item : from.items("listeners")) {
                       if (const std::string* const text = text_of(from.in(), *item)) {
                           from.in().refers_to_listener(*item);
                           add_once({from, "listeners", *item}, to.listeners, *text);
                       }
                   }
               },
               "Listeners, by name.")
        .example("[web]")
        .within({0, 64});
}

row<route_match> match_scheme_row() {
    row<route_match> out =
        text("scheme", &route_match::scheme,
             "The scheme that the client used: the connection's, or what a peer in `trust` says in "
             "the form of `client_address`.");
    out.info.type = key_type::choice;
    out.info.choices = "http|https";
    out.write = [](dump_writer& to, const route_match& of) { to.word(of.scheme); };
    return std::move(out).example("http");
}

}  // namespace

table<route_match> match_table() {
    return {.rows = {
                texts("hosts", &route_match::hosts, load_hosts,
                      "Hosts without port, exact or `*.example.com`.")
                    .example("[\"api.example.com\", \"*.api.example.com\"]")
                    .within({0, 1000}),
                path_row(),
                texts("methods", &route_match::methods, load_methods, "Methods, in upper case.")
                    .example("[GET, POST]")
                    .within({0, 64}),
                headers_row(),
                listeners_row(),
                match_scheme_row(),
            }};
}

}  // namespace penstock::config
