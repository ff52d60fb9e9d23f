// What a key's value may be, in words.
#pragma once

#include "penstock/config/schema.hpp"

#include <string>

namespace penstock::config {

// "size, 1KiB to 120KiB", "one of `wait`, `refuse`".
[[nodiscard]] std::string type_text(const key_info& row);

}  // namespace penstock::config
