// The effective configuration as YAML: every key of this release with the value in force, paths
// absolute. Loading it again gives the same model. It doesn't keep comments or the order of keys.
#pragma once

#include "penstock/config/model.hpp"

#include <string>

namespace penstock::config {

[[nodiscard]] std::string dump(const model& from);

}  // namespace penstock::config
