// Reads single nodes as the schema describes them: type, range, length, repeated keys. What
// is wrong is reported to the reader, and nothing comes back. Rules between keys are checked
// elsewhere.
#pragma once

#include "config/reader.hpp"
#include "config/scalar.hpp"
#include "config/yaml_tree.hpp"
#include "penstock/config/schema.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

// A count, milliseconds or bytes, as a configuration writes them.
[[nodiscard]] std::string text_of_number(std::int64_t value, key_type type);
// Text of a scalar; an error and nothing if the node is something else.
[[nodiscard]] const std::string* text_of(reader& in, const yaml_node& node);
// An error if a list or map has fewer or more entries than the table allows.
void check_count(reader& in, const yaml_node& node, std::size_t count, const key_info& info);
// The items of a list whose length the table allows. A value that isn't a list is an error.
[[nodiscard]] std::vector<const yaml_node*> items_of(reader& in, const yaml_node& node,
                                                     const key_info& info);
// The entries of a map with scalar keys, without repeated ones, which are errors. A value that
// isn't a map is an error.
[[nodiscard]] std::vector<yaml_node::entry> entries_of(reader& in, const yaml_node& node,
                                                       std::string_view what);
// The same for a map of names that the operator chooses.
[[nodiscard]] std::vector<yaml_node::entry> named_entries(reader& in, const yaml_node& node,
                                                          const key_info& info);

// Reads one scalar as the table describes it: milliseconds, bytes or a count.
[[nodiscard]] std::optional<std::int64_t> number_of(reader& in, const yaml_node& node,
                                                    const key_info& info);
[[nodiscard]] std::optional<double> ratio_of(reader& in, const yaml_node& node);
[[nodiscard]] std::optional<bool> boolean_of(reader& in, const yaml_node& node);
[[nodiscard]] const std::string* choice_of(reader& in, const yaml_node& node, const key_info& info);
// The absolute path of a file; an error if we may not read it.
[[nodiscard]] std::optional<std::string> readable_file(reader& in, const yaml_node& node);

// The value that `parse` makes of a scalar's text; its refusal becomes an error at the node.
template <class T>
[[nodiscard]] std::optional<T> parse_node(reader& in, const yaml_node& node,
                                          parsed<T> (*parse)(std::string_view)) {
    const std::string* const text = text_of(in, node);
    if (text == nullptr) {
        return std::nullopt;
    }
    parsed<T> outcome = parse(*text);
    if (!outcome.value.has_value()) {
        in.error(node, std::move(outcome.message), std::move(outcome.hint));
    }
    return std::move(outcome.value);
}

// An unknown key below `path`, with the nearest known one.
void report_unknown(reader& in, const yaml_node& key, std::string_view path);
// Checks type and range of a value with no effect in this release, and of all below it.
void check_ignored(reader& in, const yaml_node& node, const key_info& info);

}  // namespace penstock::config
