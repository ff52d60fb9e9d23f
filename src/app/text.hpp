// Texts in what the program itself writes.
#pragma once

#include "penstock/config/model.hpp"

#include <string>
#include <string_view>

namespace penstock::app {

// In double quotes, as JSON and YAML read it; control bytes and bytes that are not ASCII escaped.
[[nodiscard]] std::string json_string(std::string_view text);
// For HTML text and attributes.
[[nodiscard]] std::string html_text(std::string_view text);
// "host:port".
[[nodiscard]] std::string text_of(const config::address& at);

}  // namespace penstock::app
