#include "http/scan.hpp"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define PENSTOCK_HAS_AVX2_KERNELS 1
#else
#define PENSTOCK_HAS_AVX2_KERNELS 0
#endif

namespace penstock::http::scan {
namespace {

// ---- Any machine

std::size_t table_prefix(const char* text, std::size_t from, std::size_t size,
                         grammar::char_class of) noexcept {
    while (from < size && (grammar::classes[static_cast<unsigned char>(text[from])] & of) != 0)
        ++from;
    return from;
}

std::size_t ascii_portable(const ascii_set& of, const char* text, std::size_t size) noexcept {
    return table_prefix(text, 0, size, of.of);
}

constexpr std::uint64_t each(std::uint8_t byte) noexcept { return ~std::uint64_t{0} / 255 * byte; }

// The top bit of each byte that is below 0x20 or is 0x7f. A borrow may mark bytes behind a marked
// one falsely, never one in front of it.
constexpr std::uint64_t control_bytes(std::uint64_t word) noexcept {
    const std::uint64_t low = (word - each(0x20)) & ~word;
    const std::uint64_t flipped = word ^ each(0x7f);
    const std::uint64_t del = (flipped - each(0x01)) & ~flipped;
    return (low | del) & each(0x80);
}

// Eight bytes at a time; HTAB, which is rare, is left to the table.
std::size_t field_portable(const char* text, std::size_t size) noexcept {
    static_assert(std::endian::native == std::endian::little);
    std::size_t at = 0;
    while (size - at >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text + at, sizeof word);
        const std::uint64_t controls = control_bytes(word);
        if (controls == 0) {
            at += sizeof word;
            continue;
        }
        at += static_cast<std::size_t>(std::countr_zero(controls)) / 8;
        if (text[at] != '\t')
            return at;
        ++at;
    }
    return table_prefix(text, at, size, grammar::field_char);
}

constexpr kernels portable_kernels{ascii_portable, field_portable};

// ---- AVX2

#if PENSTOCK_HAS_AVX2_KERNELS

#define PENSTOCK_AVX2 [[gnu::target("avx2")]]

// Which of 16 bytes are no members, one bit each.
PENSTOCK_AVX2 inline unsigned outside(__m128i bytes, __m128i by_low) noexcept {
    // Entry h has bit h; bytes above 0x7f find no bit.
    const __m128i bits = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i half = _mm_set1_epi8(0x0f);
    const __m128i low = _mm_and_si128(bytes, half);
    const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), half);
    const __m128i found =
        _mm_and_si128(_mm_shuffle_epi8(by_low, low), _mm_shuffle_epi8(bits, high));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(found, _mm_setzero_si128())));
}

// The last step looks at the last 16 bytes again, so that no byte behind the text is read.
PENSTOCK_AVX2 std::size_t ascii_avx2(const ascii_set& of, const char* text,
                                     std::size_t size) noexcept {
    if (size < 16)
        return table_prefix(text, 0, size, of.of);
    const __m128i by_low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(of.by_low.data()));
    for (std::size_t at = 0;;) {
        const auto* from = reinterpret_cast<const __m128i*>(text + at);
        const unsigned bad = outside(_mm_loadu_si128(from), by_low);
        if (bad != 0)
            return at + static_cast<std::size_t>(std::countr_zero(bad));
        if (at == size - 16)
            return size;
        at = at + 32 <= size ? at + 16 : size - 16;
    }
}

PENSTOCK_AVX2 inline unsigned controls_in(__m128i bytes) noexcept {
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del)));
}

PENSTOCK_AVX2 inline unsigned controls_in(__m256i bytes) noexcept {
    const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
    const __m256i tab = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\t'));
    const __m256i del = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x7f));
    return static_cast<unsigned>(
        _mm256_movemask_epi8(_mm256_or_si256(_mm256_andnot_si256(tab, low), del)));
}

PENSTOCK_AVX2 std::size_t field_avx2(const char* text, std::size_t size) noexcept {
    if (size < 16)
        return field_portable(text, size);
    std::size_t at = 0;
    for (; size - at >= 32; at += 32) {
        const auto* from = reinterpret_cast<const __m256i*>(text + at);
        const unsigned bad = controls_in(_mm256_loadu_si256(from));
        if (bad != 0)
            return at + static_cast<std::size_t>(std::countr_zero(bad));
    }
    while (at < size) {
        at = size - at >= 16 ? at : size - 16;
        const auto* from = reinterpret_cast<const __m128i*>(text + at);
        const unsigned bad = controls_in(_mm_loadu_si128(from));
        if (bad != 0)
            return at + static_cast<std::size_t>(std::countr_zero(bad));
        at += 16;
    }
    return size;
}

constexpr kernels avx2_kernels{ascii_avx2, field_avx2};

bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0; }

#endif

// Null where the processor has none.
const kernels* find_avx2() noexcept {
#if PENSTOCK_HAS_AVX2_KERNELS
    if (has_avx2())
        return &avx2_kernels;
#endif
    return nullptr;
}

// The portable ones until this file's objects are made, which every answer allows.
constinit const kernels* chosen = &portable_kernels;
[[maybe_unused]] const bool was_chosen = [] {
    if (const kernels* const faster = find_avx2())
        chosen = faster;
    return true;
}();

}  // namespace

std::size_t prefix(const ascii_set& of, std::string_view text) noexcept {
    return chosen->ascii(of, text.data(), text.size());
}

std::size_t field_prefix(std::string_view text) noexcept {
    return chosen->field(text.data(), text.size());
}

const kernels& portable() noexcept { return portable_kernels; }

const kernels* avx2() noexcept { return find_avx2(); }

}  // namespace penstock::http::scan
