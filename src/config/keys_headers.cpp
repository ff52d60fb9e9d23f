// Header fields in a configuration: the two ways to write them, and the edits of routes.
#include "config/check_texts.hpp"
#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/tables.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <array>

namespace penstock::config {

namespace {

constexpr std::size_t value_size_max = 4096;

// Hop-by-hop and framing fields: what they say is true of one connection or of the bytes that
// follow, so an edit could only make it false (RFC 9110 §7.6.1, RFC 9112 §6).
constexpr std::array<std::string_view, 10> own_fields = {
    "connection",        "content-length",   "expect", "http2-settings",
    "keep-alive",        "proxy-connection", "te",     "trailer",
    "transfer-encoding", "upgrade"};

std::optional<field_nodes> field_of_item(reader& in, const yaml_node& item) {
    field_nodes field;
    for (const yaml_node::entry& entry : entries_of(in, item, "a header field")) {
        if (entry.key->text == "name") {
            field.name = entry.value;
        } else if (entry.key->text == "value") {
            field.value = entry.value;
        } else {
            in.error(*entry.key, "unknown key " + in_quotes(entry.key->text),
                     "known here: name, value");
        }
    }
    if (field.name == nullptr && (item.kind == node_kind::map || item.kind == node_kind::null)) {
        in.error(item, "a header field needs 'name'");
    }
    if (field.name == nullptr || text_of(in, *field.name) == nullptr) {
        return std::nullopt;
    }
    return field;
}

// Whether a field of this name may be edited.
bool check_editable(reader& in, const yaml_node& name, bool host_allowed) {
    const std::string folded = lower(name.text);
    const bool star = name.text.find('*') != std::string::npos;
    if (!is_token(name.text) || name.text == "*") {
        in.error(name, in_quotes(name.text) + " is not a header name",
                 star ? "each field is named, there are no patterns" : "");
        return false;
    }
    if (star) {
        in.warn(name, in_quotes(name.text) + " names one field",
                "each field is named, there are no patterns");
    }
    if (std::find(own_fields.begin(), own_fields.end(), folded) != own_fields.end()) {
        in.error(name, in_quotes(name.text) + " cannot be edited",
                 "framing and hop-by-hop fields are the proxy's own");
        return false;
    }
    if (folded == "host" && !host_allowed) {
        in.error(name, in_quotes(name.text) + " cannot be edited here",
                 "'set' of 'request_headers' rewrites the host that the origin sees");
        return false;
    }
    return true;
}

bool is_authority(const std::string& text) {
    const parsed<std::string> host = parse_host_pattern(text);
    return (host.value.has_value() && text.find('*') == std::string::npos) ||
           parse_endpoint(text).value.has_value();
}

std::optional<header_value> edit_of(reader& in, const field_nodes& field, text_place at,
                                    bool host_allowed) {
    if (!check_editable(in, *field.name, host_allowed)) {
        return std::nullopt;
    }
    if (field.value == nullptr) {
        in.error(*field.name, "a header field needs 'value'");
        return std::nullopt;
    }
    std::optional<std::string> value = field_value_of(in, *field.value);
    if (!value.has_value()) {
        return std::nullopt;
    }
    check_text(in, *field.value, at);
    if (at == text_place::response_header)
        check_location(in, *field.name, *field.value);
    if (lower(field.name->text) == "host" && value->find("${") == std::string::npos &&
        !is_authority(*value)) {
        in.error(*field.value, in_quotes(*value) + " is not a host");
        return std::nullopt;
    }
    return header_value{field.name->text, std::move(*value)};
}

bool is_set(const header_edits& edits, std::string_view name) {
    return std::any_of(edits.set.begin(), edits.set.end(),
                       [&](const header_value& other) { return lower(other.name) == lower(name); });
}

text_place place_of(bool request) noexcept {
    return request ? text_place::request_header : text_place::response_header;
}

void load_set(const section& from, bool request, header_edits& to) {
    for (const field_nodes& field : fields_of(from, "set")) {
        std::optional<header_value> edit = edit_of(from.in(), field, place_of(request), request);
        if (!edit.has_value()) {
            continue;
        }
        if (is_set(to, edit->name)) {
            from.in().error(*field.name, in_quotes(edit->name) + " is set twice",
                            "'add' sends several fields of one name");
            continue;
        }
        keep_field(from, item_place("set", to.set.size()), field);
        to.set.push_back(std::move(*edit));
    }
}

void load_add(const section& from, bool request, header_edits& to) {
    for (const field_nodes& field : fields_of(from, "add")) {
        if (auto edit = edit_of(from.in(), field, place_of(request), false); edit.has_value()) {
            keep_field(from, item_place("add", to.add.size()), field);
            to.add.push_back(std::move(*edit));
        }
    }
}

std::optional<std::string> removed_of(reader& in, const yaml_node& node) {
    const bool good = text_of(in, node) != nullptr && check_editable(in, node, false);
    return good ? std::optional(node.text) : std::nullopt;
}

using edited = std::vector<header_value> header_edits::*;

row<header_edits> fields_row(std::string_view key, edited member, std::string_view meaning) {
    const std::string_view example =
        key == "set" ? "{x-edge: penstock}"
                     : "[{name: x-more, value: \"1\"}, {name: x-more, value: \"2\"}]";
    return {
        .info = {.path = key,
                 .type = key_type::fields,
                 .range = {0, 64},
                 .meaning = meaning,
                 .variables = true,
                 .example = example},
        .shown = [member](const header_edits& of) { return !(of.*member).empty(); },
        .write =
            [member](dump_writer& to, const header_edits& of) {
                to.begin_list();
                for (const header_value& one : of.*member) {
                    write_field(to, one.name, one.value);
                }
                to.end_list();
            },
    };
}

}  // namespace

std::vector<field_nodes> fields_of(const section& from, std::string_view key) {
    std::vector<field_nodes> fields;
    const yaml_node* const node = from.find(key);
    if (node == nullptr) {
        return fields;
    }
    if (node->kind == node_kind::list) {
        for (const yaml_node* const item : items_of(from.in(), *node, from.info(key))) {
            if (const auto field = field_of_item(from.in(), *item); field.has_value()) {
                fields.push_back(*field);
            }
        }
        return fields;
    }
    for (const yaml_node::entry& entry : entries_of(from.in(), *node, in_quotes(key))) {
        fields.push_back({entry.key, entry.value});
    }
    const auto most = static_cast<std::size_t>(from.info(key).range.high);
    if (fields.size() > most) {
        from.in().error(*node, in_quotes(key) + " has " + std::to_string(fields.size()) +
                                   " items, at most " + std::to_string(most) + " are allowed");
        fields.resize(most);
    }
    return fields;
}

std::optional<std::string> field_value_of(reader& in, const yaml_node& node) {
    const std::string* const text = text_of(in, node);
    if (text == nullptr) {
        return std::nullopt;
    }
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    if (has_control(*text)) {
        in.error(node, "a header value with a control byte");
    } else if (text->size() > value_size_max) {
        in.error(node, "a header value of more than 4096 bytes");
    } else if (!text->empty() && (blank(text->front()) || blank(text->back()))) {
        in.error(node, "a header value that begins or ends with a blank");
    } else {
        return *text;
    }
    return std::nullopt;
}

void keep_field(const section& from, const std::string& place, const field_nodes& field) {
    from.keep_reference(place + ".name", *field.name);
    if (field.value != nullptr) {
        from.keep_reference(place + ".value", *field.value);
    }
}

void write_field(dump_writer& out, const std::string& name,
                 const std::optional<std::string>& value) {
    out.begin_map();
    out.key("name");
    out.quoted(name);
    if (value.has_value()) {
        out.key("value");
        out.quoted(*value);
    }
    out.end_map();
}

table<header_edits> header_edits_table(bool request) {
    const item_kind<std::string> name{key_type::text, removed_of,
                                      [](const std::string& item) { return item; }};
    row<header_edits> set =
        fields_row("set", &header_edits::set,
                   request ? "Fields to replace; `Host` rewrites the host the origin sees."
                           : "Fields to replace.");
    set.read = [request](const section& from, header_edits& to) { load_set(from, request, to); };
    row<header_edits> add =
        fields_row("add", &header_edits::add, "Fields to add to those of the same name.");
    add.read = [request](const section& from, header_edits& to) { load_add(from, request, to); };
    return {.rows = {values("remove", &header_edits::remove, name, "Fields to drop.")
                         .within({0, 64})
                         .example("[x-debug]"),
                     std::move(set), std::move(add)}};
}

}  // namespace penstock::config
