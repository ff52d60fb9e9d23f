// Reads the files of a configuration: its own and those that `include` names, as one tree. It
// stands between YAML and everything that knows keys; of keys it knows `include`, `routes` and
// which maps hold names.
//
// Maps are merged, lists of routes appended in the order in which the files are included. A key or
// a name that two files give stays in the tree twice, so that reading it reports both places.
#pragma once

#include "config/reader.hpp"
#include "config/yaml_tree.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

// The text of a file, or what keeps us from it ("Is a directory").
struct file_text {
    std::optional<std::string> text;
    std::string fault;
};

// Reads at most `most` bytes; a file that is longer is a fault.
[[nodiscard]] file_text read_text(const std::string& path, std::size_t most);

class document {
 public:
    explicit document(reader& in) : in_(in) {}

    // The whole tree, or null with the reason reported. `file` is the number of the file that
    // `text` came from.
    const yaml_node* read(std::string_view text, std::uint16_t file);

    // For nodes that are made later.
    [[nodiscard]] node_store& made() noexcept { return made_; }

 private:
    const yaml_node* parse(std::string_view text, std::uint16_t file);
    const yaml_node* with_includes(const yaml_node& root);
    const yaml_node* add_pattern(const yaml_node* whole, const yaml_node& pattern);
    const yaml_node* add_file(const yaml_node* whole, const yaml_node& said_by,
                              const std::string& path);
    bool may_include(const yaml_node& said_by, const std::string& path);
    const yaml_node* merge(const yaml_node& first, const yaml_node& second, int levels);

    reader& in_;
    std::deque<std::string> texts_;
    std::deque<yaml_tree> trees_;
    node_store made_;
    std::vector<std::string> open_;   // real paths of the files that are being read
    std::vector<std::string> taken_;  // and of all that were
    std::size_t bytes_ = 0;
};

}  // namespace penstock::config
