// What the tables of keys share, and the checks that look at several sections at once.
#pragma once

#include "config/dump_writer.hpp"
#include "config/section.hpp"
#include "penstock/config/model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

// A header field of a `fields` value; the value's node is null where none is given.
struct field_nodes {
    const yaml_node* name = nullptr;
    const yaml_node* value = nullptr;
};
[[nodiscard]] std::vector<field_nodes> fields_of(const section& from, std::string_view key);
// A field value without control bytes and surrounding blanks; an error and nothing otherwise.
[[nodiscard]] std::optional<std::string> field_value_of(reader& in, const yaml_node& node);
// Keeps the references of a field that is at `place` below the section: "set[1]".
void keep_field(const section& from, const std::string& place, const field_nodes& field);
// {name, value}, as an item of a `fields` value in a dump.
void write_field(dump_writer& out, const std::string& name,
                 const std::optional<std::string>& value);

// Gives routes without a name one, and reports names given twice.
void name_routes(reader& in, std::vector<route>& routes);
// Two routes that a request could match equally well.
void check_ambiguous(reader& in, const std::vector<const route*>& routes);
// References to upstreams that are not there, and upstreams that nothing refers to.
void check_references(reader& in, const std::vector<upstream>& upstreams);
// Names of listeners that are not there.
void check_listener_names(reader& in, const std::vector<listener>& listeners);
// Endpoints that lead back to this process.
void check_own_listeners(reader& in, const std::vector<listener>& listeners,
                         const std::vector<upstream>& upstreams);
// The same address bound twice.
void check_bound(reader& in);

}  // namespace penstock::config
