// The schema: every configuration key with its type, default, range and meaning, as the binding
// tables of src/config/ say them. The loader takes known keys and ranges from it, the reference in
// docs/configuration.md and the JSON Schema are printed from it, and the defaults are those of the
// model's members, so that they cannot drift apart. It does not hold rules between keys.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace penstock::config {

enum class key_type : std::uint8_t {
    section,  // a map with the keys below it
    named,    // a map from names the operator chooses to sections
    list,     // of `item`
    text,
    path,  // of a file, relative to the configuration's directory
    boolean,
    integer,
    duration,  // 250ms, 1.5s, 1m, 1h
    size,      // 1024, 16KiB, 1MiB, 1GiB
    ratio,     // 0% … 100%
    choice,    // one of `choices`
    address,   // ip:port when bound, host:port when connected to
    network,   // an address or a CIDR block
    fields     // header fields: a map of name to value, or a list of {name, value}
};

enum class key_state : std::uint8_t {
    active,
    ignored,  // known, checked, without effect in this release: a warning
    refused   // known, but ignoring it would be dangerous: an error
};

// Bounds, both inclusive: of an integer, of milliseconds, of bytes, or of a list's or map's length.
struct key_range {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

struct key_info {
    // Keys joined by dots; "<name>" stands for a chosen name and "[]" for a list's item:
    // "listeners.<name>.limits.header", "routes[].match.hosts".
    std::string_view path;
    key_type type = key_type::text;
    std::string_view default_text = {};  // as written in YAML; empty = none
    key_range range = {};
    std::string choices = {};            // separated by '|'; for numbers, words accepted as well
    std::optional<key_type> other = {};  // another accepted form; of a list, of its items
    key_type item = key_type::text;      // of a list, or of the list that is the other form
    bool required = false;
    key_state state = key_state::active;
    std::string_view meaning = {};    // one sentence
    std::string_view brief_key = {};  // of a section: the key below that its short form stands for
    std::string_view same_as = {};    // of a section: it has the keys of the one at this path
    bool variables = false;           // `${host}` and the like are replaced when a message leaves
    std::string_view example = {};    // a value as YAML, where the default is no good one to show
};

// In the order of the reference: parents before children, siblings together.
[[nodiscard]] std::span<const key_info> schema();

// Markdown tables, one per top-level section.
[[nodiscard]] std::string reference_markdown();

// A configuration with every key, its default or an example, and what it means: config/full.yaml.
[[nodiscard]] std::string full_file();

// JSON Schema, draft 2020-12.
[[nodiscard]] std::string json_schema();

}  // namespace penstock::config
