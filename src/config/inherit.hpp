// What listeners, routes and upstreams take over from `defaults` and from the policies that they
// `use`. It works on the tree, before keys are read: an object's map is laid over those that it
// inherits from.
//
// Precedence, from the weakest: defaults, policies in the order of `use`, the object itself. Maps
// are merged key by key, header fields by their names; a list or a single value replaces what it
// lies over, and so do the action of a route and the path of a match, which exclude others of their
// kind.
#pragma once

#include "config/reader.hpp"
#include "config/yaml_tree.hpp"

#include <string_view>

namespace penstock::config {

// A route does one of these.
[[nodiscard]] bool is_action(std::string_view key) noexcept;

// The tree with everything taken over; unknown policies are reported.
[[nodiscard]] const yaml_node& with_inherited(reader& in, node_store& made, const yaml_node& root);

}  // namespace penstock::config
