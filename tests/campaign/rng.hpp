// The campaign's source of choices: a small generator whose whole state follows from the seed, the
// payload's index and what it is used for. So one payload can be made again without all before it,
// on any machine and with any compiler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::campaign {

// What the choices are for; each use of one payload draws from a sequence of its own.
enum class draw : std::uint64_t { request = 1, answer = 2, pace = 3, age = 4 };

// A well-mixed function of its argument.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}

class rng {
 public:
    rng(std::uint64_t seed, std::uint64_t index, draw use, std::uint64_t part = 0) noexcept
        : state_(mix(mix(mix(seed) ^ index) + (static_cast<std::uint64_t>(use) << 32U) + part)) {}

    std::uint64_t next() noexcept { return mix(state_++); }
    // 0 … bound - 1.
    std::size_t below(std::size_t bound) noexcept { return next() % bound; }
    bool chance(unsigned percent) noexcept { return below(100) < percent; }
    template <class List>
    const auto& pick(const List& from) noexcept {
        return from[below(from.size())];
    }
    char byte() noexcept { return static_cast<char>(next() & 0xffU); }

 private:
    std::uint64_t state_;
};

}  // namespace penstock::campaign
