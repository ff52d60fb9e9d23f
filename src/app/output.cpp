#include "app/output.hpp"

#include <cstdio>

namespace penstock::app {
namespace {

bool write_to(std::FILE* to, std::string_view text) noexcept {
    const bool whole = std::fwrite(text.data(), 1, text.size(), to) == text.size();
    return std::fflush(to) == 0 && whole;
}

}  // namespace

bool print(std::string_view text) noexcept { return write_to(stdout, text); }

void print_error(std::string_view text) noexcept { static_cast<void>(write_to(stderr, text)); }

void complain(std::string_view line) noexcept {
    std::fprintf(stderr, "penstock: %.*s\n", static_cast<int>(line.size()), line.data());
}

}  // namespace penstock::app
