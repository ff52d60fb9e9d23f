// Looking keys up in the schema.
#pragma once

#include "penstock/config/schema.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

// The row of a path, or null.
[[nodiscard]] const key_info* find_key(std::string_view path);
// The row of a key right below a path, or null; a key with dots in it is none.
[[nodiscard]] const key_info* find_child(std::string_view path, std::string_view key);
// The rows right below a path ("" = the top level), in the table's order.
[[nodiscard]] std::vector<const key_info*> children_of(std::string_view path);
// Their names.
[[nodiscard]] std::vector<std::string_view> names_below(std::string_view path);
// The last part of a row's path.
[[nodiscard]] std::string_view key_name(const key_info& info) noexcept;
// Whether some row's last part is this word.
[[nodiscard]] bool is_key_name(std::string_view word);
// "path.key"; an empty one of them is left out.
[[nodiscard]] std::string join_path(std::string_view path, std::string_view key);
// Places in the model, and so in a dump: "hosts[2]", "listeners.<web>".
[[nodiscard]] std::string item_place(std::string_view list, std::size_t number);
[[nodiscard]] std::string name_place(std::string_view map, std::string_view name);

}  // namespace penstock::config
