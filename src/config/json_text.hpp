// Strings in the quotes of JSON, which YAML reads alike.
#pragma once

#include <string>
#include <string_view>

namespace penstock::config {

// The text in double quotes, with '"', '\' and control bytes escaped; the rest, UTF-8, as it is.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace penstock::config
