// A map whose keys the schema knows, read into the members of the model. It stands between the
// values and the rows (binding.hpp): they say which key goes into which member.
#pragma once

#include "config/reader.hpp"
#include "config/yaml_tree.hpp"
#include "penstock/config/schema.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

// Flow: the constructor reports what isn't a map, repeated keys, unknown ones and those without
// effect; then each `read` fills its target if the key is there and its value is right, and reports
// it if it is wrong. What isn't there leaves its target, which holds the default.
class section {
 public:
    // `path` as in the schema: "listeners.<name>.limits", or "" for the top level. `place` is where
    // the section's values are in the model, and so in a dump: "listeners.<web>.limits".
    section(reader& in, const yaml_node& node, std::string path, std::string place);

    // The value of a key, or null if the key isn't there.
    [[nodiscard]] const yaml_node* find(std::string_view key) const noexcept;
    // All of them, in the order of the file.
    [[nodiscard]] const std::vector<yaml_node::entry>& entries() const noexcept { return entries_; }
    // False for a value of another kind, which was reported; nothing at all counts as an empty map.
    [[nodiscard]] bool is_map() const noexcept;
    [[nodiscard]] const yaml_node& node() const noexcept { return node_; }
    [[nodiscard]] reader& in() const noexcept { return in_; }
    // The table's row of a key below this; one has to be there.
    [[nodiscard]] const key_info& info(std::string_view key) const;
    [[nodiscard]] std::string path_of(std::string_view key) const;
    [[nodiscard]] std::string place_of(std::string_view key) const;
    // Says that the model's value at `key` is that of `node`. Dumps then show the reference that
    // the value came from. `key` may lead into a list: "hosts[2]".
    void keep_reference(std::string_view key, const yaml_node& node) const;
    // The same for a value that later checks may have to point at.
    void keep_place(std::string_view key, const yaml_node& node) const;

    // The section below a key, if the key is there.
    [[nodiscard]] std::optional<section> child(std::string_view key) const;
    // The items of the list below a key; none if the key isn't there.
    [[nodiscard]] std::vector<const yaml_node*> items(std::string_view key) const;

    void read(std::string_view key, std::chrono::milliseconds& to) const;
    void read(std::string_view key, std::chrono::seconds& to) const;
    void read(std::string_view key, std::uint64_t& to) const;
    void read(std::string_view key, std::uint32_t& to) const;
    void read(std::string_view key, int& to) const;
    void read(std::string_view key, double& to) const;  // ratio
    void read(std::string_view key, bool& to) const;
    void read(std::string_view key, std::string& to) const;  // text, path as written, or choice

    // An error if a required key is missing, but for one that was reported as misspelt.
    void require(std::string_view key) const;

 private:
    void check_key(const yaml_node& key, const yaml_node& value) const;
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view key) const;
    // Whether an unknown key was probably meant to be this one.
    [[nodiscard]] bool is_misspelt(std::string_view key) const;

    reader& in_;
    const yaml_node& node_;
    std::string path_;
    std::string place_;
    std::vector<yaml_node::entry> entries_;
};

}  // namespace penstock::config
