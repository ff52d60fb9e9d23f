// A directory of a test's own; it is gone with the object.
#pragma once

#include <string>
#include <string_view>

namespace penstock::test {

class temp_dir {
 public:
    temp_dir();
    temp_dir(const temp_dir&) = delete;
    temp_dir& operator=(const temp_dir&) = delete;
    ~temp_dir();

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string path(std::string_view name) const;
    // Writes a file, replacing what it held; returns its path.
    std::string write(std::string_view name, std::string_view text) const;
    [[nodiscard]] std::string read(std::string_view name) const;

 private:
    std::string path_;
};

}  // namespace penstock::test
