// Writes block YAML line by line for dumps. Scalars come ready to print; it knows indentation only.
#pragma once

#include <string>
#include <string_view>

namespace penstock::config {

class yaml_writer {
 public:
    // "key: value".
    void put(std::string_view key, std::string_view value);
    // "key:", with what follows indented until `end`.
    void begin(std::string_view key);
    // "- " in front of the next line, with what follows indented until `end`.
    void begin_item();
    void end();
    // "- value".
    void put_item(std::string_view value);

    [[nodiscard]] std::string take() noexcept { return std::move(text_); }

 private:
    void start_line();

    std::string text_;
    std::size_t level_ = 0;
    bool dash_ = false;  // the next line carries the dash of an item
};

}  // namespace penstock::config
