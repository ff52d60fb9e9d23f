// Every kernel gives the answer of the tables, whatever the length and the place.
#include "http/scan.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace penstock::http {
namespace {

std::size_t by_table(grammar::char_class of, std::string_view text) {
    std::size_t size = 0;
    while (size < text.size() &&
           (grammar::classes[static_cast<unsigned char>(text[size])] & of) != 0)
        ++size;
    return size;
}

struct kernel_case {
    const char* name;
    const scan::kernels* kernels;
};

class ScanKernels : public testing::TestWithParam<kernel_case> {
 protected:
    void SetUp() override {
        if (GetParam().kernels == nullptr)
            GTEST_SKIP() << "this processor has no AVX2";
    }
    // The text at the end of a block of its own, so that ASan sees a read behind it.
    void expect_table(std::string_view text) {
        const std::vector<char> exact(text.begin(), text.end());
        const scan::kernels& by = *GetParam().kernels;
        for (const scan::ascii_set* set :
             {&scan::token, &scan::target, &scan::query, &scan::path, &scan::host}) {
            EXPECT_EQ(by.ascii(*set, exact.data(), exact.size()), by_table(set->of, text)) << text;
        }
        EXPECT_EQ(by.field(exact.data(), exact.size()), by_table(grammar::field_char, text))
            << text;
    }
};

TEST_P(ScanKernels, FindEveryByteAtEveryPlace) {
    for (int byte = 0; byte < 256; ++byte) {
        for (std::size_t size = 1; size <= 70; size += 3) {
            for (std::size_t at = 0; at < size; ++at) {
                std::string text(size, 'a');
                text[at] = static_cast<char>(byte);
                expect_table(text);
            }
        }
    }
}

TEST_P(ScanKernels, TakeEveryLength) {
    for (std::size_t size = 0; size < 200; ++size)
        expect_table(std::string(size, 'x'));
}

TEST_P(ScanKernels, AgreeOnRandomText) {
    std::mt19937 random(7);
    for (int round = 0; round < 20000; ++round) {
        std::string text(random() % 100, '\0');
        // Mostly members, so that the ends are reached.
        for (char& c : text)
            c = static_cast<char>(random() % 16 == 0 ? random() % 256 : 0x21 + random() % 0x5e);
        expect_table(text);
    }
}

INSTANTIATE_TEST_SUITE_P(, ScanKernels,
                         testing::Values(kernel_case{"Portable", &scan::portable()},
                                         kernel_case{"Avx2", scan::avx2()}),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

TEST(Scan, UsesOneOfTheKernels) {
    EXPECT_EQ(scan::prefix(scan::token, "Content-Length: 5, and more"), 14U);
    EXPECT_EQ(scan::field_prefix("a\tvalue with\x80 obs-text\r\n"), 22U);
    EXPECT_TRUE(scan::all_field(""));
}

}  // namespace
}  // namespace penstock::http
