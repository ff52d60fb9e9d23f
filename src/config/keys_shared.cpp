// The keys of what files and objects share. Included files were merged, and what objects take over
// was put into them, before keys are read (include.hpp, inherit.hpp). Here defaults and policies
// are looked at by themselves, so that an error is found though no object takes it over.
#include "config/tables.hpp"
#include "config/text.hpp"

namespace penstock::config {

namespace {

// Reads the keys that are there into an object that is thrown away.
template <class Part>
void look_at(reader& in, const yaml_node& node, const std::string& path, const table<Part>& by) {
    const section from(in, node, path, "");
    Part part;
    in.set_partial(true);
    load_rows(from, by.rows, part);
    in.set_partial(false);
}

void refuse(reader& in, const yaml_node& map, std::string_view key, std::string_view why) {
    for (const yaml_node::entry& entry : map.entries) {
        if (entry.key->text == key) {
            in.error(*entry.key, in_quotes(key) + " cannot be here", std::string(why));
        }
    }
}

void look_at_route(reader& in, const yaml_node& node) {
    look_at(in, node, "routes[]", route_table());
    refuse(in, node, "name", "two routes of one name are an error");
}

void read_defaults(const section& root, model& /*to*/) {
    const section from = *root.child("defaults");
    reader& in = from.in();
    if (const yaml_node* const node = from.find("listener"); node != nullptr) {
        look_at(in, *node, "listeners.<name>", listener_table());
    }
    if (const yaml_node* const node = from.find("route"); node != nullptr) {
        look_at_route(in, *node);
    }
    if (const yaml_node* const node = from.find("upstream"); node != nullptr) {
        look_at(in, *node, "upstreams.<name>", upstream_table());
    }
}

void read_policies(const section& root, model& /*to*/) {
    reader& in = root.in();
    for (const auto& [name, value] :
         named_entries(in, *root.find("policies"), root.info("policies"))) {
        look_at_route(in, *value);
        refuse(in, *value, "use", "a policy takes over no others; a route can use several");
    }
}

key_info default_key(std::string_view key, std::string_view same_as, std::string_view example) {
    return {.path = key,
            .type = key_type::section,
            .meaning = "Keys of every one, where it does not say otherwise itself.",
            .same_as = same_as,
            .example = example};
}

}  // namespace

row<model> include_row() {
    row<model> out;
    out.info = {.path = "include",
                .type = key_type::text,
                .range = {0, 256},
                .other = key_type::list,
                .item = key_type::text,
                .meaning =
                    "Files to read as well, as paths or patterns (`conf.d/*.yaml`) relative to "
                    "this file, in the order of their names. Maps are merged, routes appended; a "
                    "name given twice is an error.",
                .example = "[\"conf.d/*.yaml\"]"};
    return out;
}

row<model> defaults_row() {
    row<model> out;
    out.info = {.path = "defaults",
                .type = key_type::section,
                .meaning = "What every listener, route and upstream starts from."};
    out.read = read_defaults;
    out.describe_below = [](catalogue& to, const std::string& path) {
        for (const key_info& one :
             {default_key("listener", "listeners.<name>", "{timeouts: {head: 10s}}"),
              default_key("route", "routes[]", "{timeouts: {total: 1h}}"),
              default_key("upstream", "upstreams.<name>", "{timeouts: {connect: 5s}}")}) {
            to.add(one, join_path(path, one.path), "");
        }
    };
    return out;
}

row<model> policies_row() {
    row<model> out;
    out.info = {
        .path = "policies",
        .type = key_type::named,
        .range = {0, 1000},
        .meaning = "Named sets of keys of `routes[]`, which routes take over by `use`.",
        .same_as = "routes[]",
        .example = "{secure: {response_headers: {set: {x-content-type-options: nosniff}}}}"};
    out.read = read_policies;
    return out;
}

}  // namespace penstock::config
