#include "config/yaml_writer.hpp"

#include "penstock/base/check.hpp"

namespace penstock::config {

void yaml_writer::start_line() {
    const std::size_t depth = dash_ ? level_ - 1 : level_;
    text_.append(depth * 2, ' ');
    text_ += dash_ ? "- " : "";
    dash_ = false;
}

void yaml_writer::put(std::string_view key, std::string_view value) {
    start_line();
    text_ += std::string(key) + ": " + std::string(value) + "\n";
}

void yaml_writer::begin(std::string_view key) {
    start_line();
    text_ += std::string(key) + ":\n";
    ++level_;
}

void yaml_writer::begin_item() {
    ++level_;
    dash_ = true;
}

void yaml_writer::end() {
    PENSTOCK_CHECK(level_ > 0 && !dash_);
    --level_;
}

void yaml_writer::put_item(std::string_view value) {
    start_line();
    text_ += "- " + std::string(value) + "\n";
}

}  // namespace penstock::config
