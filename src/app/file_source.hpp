// Where the files that a configuration names are read from: the disk, or texts that the program
// itself brought along (the demo's certificate has no file).
#pragma once

#include "penstock/base/error.hpp"

#include <map>
#include <string>

namespace penstock::app {

// From where `fd` stands to its end; EFBIG above `size_max` bytes.
[[nodiscard]] result<std::string> read_whole(int fd, std::size_t size_max);

class file_source {
 public:
    static constexpr std::size_t size_max = std::size_t{8} << 20;  // trust bundles have 200 KiB

    void embed(std::string path, std::string text) { embedded_[std::move(path)] = std::move(text); }
    // The whole file; EFBIG above size_max.
    [[nodiscard]] result<std::string> read(const std::string& path) const;
    // Whether the file's mode lets every user read it; false of what is no file.
    [[nodiscard]] bool readable_by_all(const std::string& path) const;

 private:
    std::map<std::string, std::string> embedded_;
};

}  // namespace penstock::app
