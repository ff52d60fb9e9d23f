#include "app/output.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace penstock::app {
namespace {

bool write_to(std::FILE* to, std::string_view text) noexcept {
    const bool whole = std::fwrite(text.data(), 1, text.size(), to) == text.size();
    return std::fflush(to) == 0 && whole;
}

// Set, and not to an empty text (no-color.org).
bool is_set(const char* variable) noexcept {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

}  // namespace

config::rendering rendering_for(int fd) noexcept {
    const char* const terminal = std::getenv("TERM");
    const bool capable = terminal != nullptr && std::string_view(terminal) != "dumb";
    return ::isatty(fd) == 1 && capable && !is_set("NO_COLOR") ? config::rendering::coloured
                                                               : config::rendering::plain;
}

bool print(std::string_view text) noexcept { return write_to(stdout, text); }

void print_error(std::string_view text) noexcept { static_cast<void>(write_to(stderr, text)); }

void complain(std::string_view line) noexcept {
    std::fprintf(stderr, "penstock: %.*s\n", static_cast<int>(line.size()), line.data());
}

}  // namespace penstock::app
