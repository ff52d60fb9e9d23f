#include "support/temp_dir.hpp"

#include "support/wait.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace penstock::test {

temp_dir::temp_dir() {
    path_ = (std::filesystem::temp_directory_path() / "penstock-test-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) {
        throw_errno("mkdtemp " + path_);
    }
}

temp_dir::~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string temp_dir::path(std::string_view name) const { return path_ + "/" + std::string(name); }

std::string temp_dir::write(std::string_view name, std::string_view text) const {
    const std::string file = path(name);
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) {
        throw_errno("write " + file);
    }
    return file;
}

std::string temp_dir::read(std::string_view name) const {
    std::ifstream in(path(name), std::ios::binary);
    if (!in) {
        throw_errno("read " + path(name));
    }
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace penstock::test
