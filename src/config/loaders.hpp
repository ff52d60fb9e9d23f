// The section loaders and the checks that look at several sections at once; called by load.cpp
// only. Every loader returns what it could read and reports the rest, so that later ones find
// problems too.
#pragma once

#include "config/section.hpp"
#include "penstock/config/model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

// An address that something binds, with the place that says so.
struct bound_address {
    address at;
    std::string owner;  // "listener 'web'", "admin"
    location where;
};

[[nodiscard]] std::vector<listener> load_listeners(const section& root,
                                                   std::vector<bound_address>& bound);
[[nodiscard]] std::optional<listener_tls> load_listener_tls(const section& listener_section);
[[nodiscard]] std::vector<upstream> load_upstreams(const section& root);
// Routes name upstreams and listeners.
[[nodiscard]] std::vector<route> load_routes(const section& root, const model& of);
[[nodiscard]] route_match load_match(const section& from, const std::vector<listener>& listeners);
// `request` and not response: the two differ in what may be done to Host.
[[nodiscard]] header_edits load_header_edits(const section& from, bool request);
[[nodiscard]] admin load_admin(const section& root, std::vector<bound_address>& bound);
[[nodiscard]] log load_log(const section& root);
[[nodiscard]] std::vector<network> load_trust(const section& root);
void load_keepalive(const section& socket, keepalive& to);

// A header field of a `fields` value; the value's node is null where none is given.
struct field_nodes {
    const yaml_node* name = nullptr;
    const yaml_node* value = nullptr;
};
[[nodiscard]] std::vector<field_nodes> fields_of(const section& from, std::string_view key);
// A field value without control bytes and surrounding blanks; an error and nothing otherwise.
[[nodiscard]] std::optional<std::string> field_value_of(reader& in, const yaml_node& node);

// Gives routes without a name one, and reports names given twice.
void name_routes(reader& in, std::vector<route>& routes);
// Two routes that a request could match equally well.
void check_ambiguous(reader& in, const std::vector<const route*>& routes);
void check_unused(reader& in, const std::vector<route>& routes,
                  const std::vector<upstream>& upstreams);
// The same address bound twice.
void check_bound(reader& in, std::vector<bound_address> bound);

}  // namespace penstock::config
