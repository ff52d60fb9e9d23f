// X-Request-Id: a trusted peer's own if it is harmless, else 128 random bits in hex. Unique, not
// secret.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::proxy {

class request_id_maker {
 public:
    // Seeded from the operating system, so that workers and processes don't repeat each other.
    request_id_maker();
    // 32 hex digits, replacing what `into` held.
    void make(std::string& into) noexcept;

 private:
    std::uint64_t next() noexcept;
    std::array<std::uint64_t, 4> state_;
};

// True for 1 to 128 characters that mean nothing in a header, a log line or a page.
[[nodiscard]] bool is_harmless_id(std::string_view id) noexcept;

}  // namespace penstock::proxy
