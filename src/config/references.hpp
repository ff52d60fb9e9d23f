// `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` in the values of a configuration. They
// are replaced after the YAML was parsed, in scalars only, so that what they stand for can never be
// read as YAML. Messages and dumps show the reference.
//
// In most places `$$` is a dollar, a '$' before anything but '{' is one as well, and any other
// `${…}` is an error. Where a value leaves with a message (key_info::variables), `$$` and the
// variables of a request stay as they are: they are replaced for each message.
#pragma once

#include "config/reader.hpp"
#include "config/yaml_tree.hpp"
#include "penstock/config/model.hpp"

namespace penstock::config {

// The tree with references replaced; faults are reported and leave the scalar as it was. A scalar
// that was replaced keeps its reference in `written`, and the reader what dumps show of it.
[[nodiscard]] const yaml_node& with_references(reader& in, node_store& made, const yaml_node& root);

// The same for one scalar that is needed before.
[[nodiscard]] const yaml_node& with_references_of(reader& in, node_store& made,
                                                  const yaml_node& scalar);

// A text in which a dollar that begins something is doubled, for dumps.
[[nodiscard]] std::string with_dollars_doubled(std::string_view text);

}  // namespace penstock::config
