// A directory of its own for a test, with files written into it; gone when the test ends. Also
// where the repository lies, for tests that read its examples and documentation.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace penstock::config {

class scratch_directory {
 public:
    scratch_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "penstock_XXXXXX").string();
        path_ = ::mkdtemp(name.data()) == nullptr ? "" : name;
    }
    ~scratch_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;

    [[nodiscard]] std::string at(std::string_view name) const {
        return path_ + "/" + std::string(name);
    }
    // Writes a file, and gives its path.
    std::string write(std::string_view name, std::string_view text) const {
        std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
        std::ofstream(at(name), std::ios::binary) << text;
        return at(name);
    }

 private:
    std::string path_;
};

// Every file that the examples of the repository name.
inline void write_named_files(const scratch_directory& to) {
    for (const char* const name :
         {"site.pem", "site.key", "partners.pem", "ca.pem", "ticket.secret", "clients.pem",
          "tls/site.pem", "tls/site.key", "tls/site.ocsp", "tls/ca.pem", "tls/internal-ca.pem",
          "tls/clients.pem", "tls/clients.crl", "tls/ticket.secret", "tls/penstock.pem",
          "tls/penstock.key"}) {
        to.write(name, "x");
    }
}

inline std::string read_whole(const std::filesystem::path& path) {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
}

inline std::filesystem::path repository() { return PENSTOCK_SOURCE_DIR; }

}  // namespace penstock::config
