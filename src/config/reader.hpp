// What one load is about: the file, and the problems found so far. The section loaders and checks
// report to it; it orders the problems and adds the source lines at the end. It doesn't read
// values.
#pragma once

#include "config/yaml_tree.hpp"
#include "penstock/config/load.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::config {

class reader {
 public:
    explicit reader(std::string file) : file_(std::move(file)) {}

    [[nodiscard]] location at(const yaml_node& node) const;
    void error(const yaml_node& node, std::string message, std::string hint = {});
    void error(const location& where, std::string message, std::string hint = {});
    void warn(const yaml_node& node, std::string message, std::string hint = {});
    void warn(const location& where, std::string message, std::string hint = {});

    // An absolute path; relative ones begin at the file's directory.
    [[nodiscard]] std::string resolve(const std::string& path) const;

    // The problems in the order of the file, with their source lines; the reader is spent.
    [[nodiscard]] std::vector<diagnostic> take_problems(std::string_view text);
    // Errors so far, shown or not.
    [[nodiscard]] std::size_t errors() const noexcept { return errors_; }

 private:
    void add(severity how, location where, std::string message, std::string hint);

    std::string file_;
    std::vector<diagnostic> problems_;
    std::size_t dropped_ = 0;
    std::size_t errors_ = 0;
};

}  // namespace penstock::config
