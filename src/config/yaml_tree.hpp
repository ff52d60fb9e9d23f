// A YAML document as a tree with the place of every node, built from yaml-cpp's events rather than
// its nodes: so duplicate keys stay visible, and depth, node count and aliases are bounded while
// reading. It stands between the text and the reader; it knows nothing of configuration keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

enum class node_kind : std::uint8_t { null, scalar, list, map };

struct yaml_node {
    struct entry {
        const yaml_node* key = nullptr;
        const yaml_node* value = nullptr;
    };

    node_kind kind = node_kind::null;
    int line = 0;  // from 1
    int column = 0;
    std::uint16_t file = 0;               // which of the configuration's files, from 0
    std::string text;                     // scalar
    std::string written;                  // scalar: with `${env:…}` and the like, if it had any
    std::vector<const yaml_node*> items;  // list
    std::vector<entry> entries;           // map, in the order of the file
    // Nodes of the subtree, an alias counted as a copy of what it stands for.
    std::size_t weight = 1;
    bool complete = true;  // false while its children are being read
};

struct yaml_problem {
    int line = 0;
    int column = 0;
    std::string message;
    std::string hint;
};

struct yaml_tree {
    std::deque<yaml_node> nodes;      // owns them; a deque keeps their addresses
    const yaml_node* root = nullptr;  // null if the text holds no document
    std::optional<yaml_problem> problem;
};

// Never throws; any byte sequence is taken. `file` goes into every node.
[[nodiscard]] yaml_tree parse_yaml(std::string_view text, std::uint16_t file = 0);

// Nodes that were made of others: maps merged, scalars replaced.
using node_store = std::deque<yaml_node>;

// A copy of a map or list without its children, or of a scalar, in the store.
[[nodiscard]] yaml_node& hollow_copy(node_store& made, const yaml_node& of);
// The value of a key, or null.
[[nodiscard]] const yaml_node* member_of(const yaml_node& map, std::string_view key) noexcept;

}  // namespace penstock::config
