#include "config/scalar.hpp"

#include <gtest/gtest.h>

namespace penstock::config {
namespace {

struct number_case {
    const char* text;
    std::optional<std::int64_t> value;
};

TEST(Duration, TakesUnitsAndFractions) {
    const number_case cases[] = {
        {"1ms", 1},
        {"250ms", 250},
        {"5s", 5000},
        {"1.5s", 1500},
        {"0.001s", 1},
        {"1m", 60'000},
        {"0.5m", 30'000},
        {"1h", 3'600'000},
        {"1.25h", 4'500'000},
        {"0s", 0},
        {"007s", 7000},
        {"999999999ms", 999'999'999},
        {"0.000001h", {}},
        {"0.5ms", {}},
        {"0.0001s", {}},
        {"1000000000ms", {}},
        {"", {}},
        {"s", {}},
        {"10", {}},
        {"1.5", {}},
        {"-1s", {}},
        {"+1s", {}},
        {" 1s", {}},
        {"1 s", {}},
        {"1s ", {}},
        {".5s", {}},
        {"1.s", {}},
        {"1,5s", {}},
        {"1S", {}},
        {"1us", {}},
        {"1d", {}},
        {"1h30m", {}},
        {"1e3s", {}},
        {"0x10s", {}},
        {"1.2.3s", {}},
        {"1.0000000s", {}},
        {"99999999999999999999s", {}},
    };
    for (const number_case& one : cases) {
        const parsed<std::int64_t> outcome = parse_duration(one.text);
        EXPECT_EQ(outcome.value, one.value) << one.text;
        EXPECT_EQ(outcome.message.empty(), one.value.has_value()) << one.text;
    }
}

TEST(Size, TakesBareBytesAndBinaryUnits) {
    const number_case cases[] = {
        {"0", 0},
        {"1024", 1024},
        {"7B", 7},
        {"16KiB", 16384},
        {"1.5KiB", 1536},
        {"1MiB", 1 << 20},
        {"0.5MiB", 1 << 19},
        {"2GiB", 2LL << 30},
        {"999999999GiB", 999'999'999LL << 30},
        {"999999999999999999", 999'999'999'999'999'999},
        {"1000000000GiB", {}},
        {"1000000000000000000", {}},
        {"1.5", {}},
        {"0.3KiB", {}},
        {"64KB", {}},
        {"64K", {}},
        {"64k", {}},
        {"64kib", {}},
        {"", {}},
        {"KiB", {}},
        {"-1", {}},
        {"1 KiB", {}},
        {"1TiB", {}},
        {"0.1234567GiB", {}},
    };
    for (const number_case& one : cases) {
        const parsed<std::int64_t> outcome = parse_size(one.text);
        EXPECT_EQ(outcome.value, one.value) << one.text;
        EXPECT_EQ(outcome.message.empty(), one.value.has_value()) << one.text;
    }
}

TEST(Size, HintsAtTheBinaryUnit) {
    EXPECT_EQ(parse_size("64KB").hint, "did you mean '64KiB'?");
    EXPECT_EQ(parse_size("1.5m").hint, "did you mean '1.5MiB'?");
    EXPECT_EQ(parse_size("1GB").hint, "did you mean '1GiB'?");
    EXPECT_EQ(parse_size("1TB").hint, "the units are B, KiB, MiB, GiB");
}

TEST(Ratio, IsAPercentage) {
    const struct {
        const char* text;
        std::optional<double> value;
    } cases[] = {
        {"0%", 0.0},         {"20%", 0.2}, {"12.5%", 0.125}, {"100%", 1.0}, {"100.0%", 1.0},
        {"100.000001%", {}}, {"101%", {}}, {"-1%", {}},      {"20", {}},    {"0.2", {}},
        {"%", {}},           {"", {}},     {"20%%", {}},     {"20 %", {}},  {"1e1%", {}},
    };
    for (const auto& one : cases) {
        const parsed<double> outcome = parse_ratio(one.text);
        ASSERT_EQ(outcome.value.has_value(), one.value.has_value()) << one.text;
        if (one.value.has_value()) {
            EXPECT_DOUBLE_EQ(*outcome.value, *one.value) << one.text;
        }
    }
}

TEST(Integer, IsDecimalDigits) {
    const number_case cases[] = {
        {"0", 0},
        {"007", 7},
        {"-5", -5},
        {"999999999999999999", 999'999'999'999'999'999},
        {"1000000000000000000", {}},
        {"", {}},
        {"-", {}},
        {"+1", {}},
        {"1.0", {}},
        {"0x1", {}},
        {"1_000", {}},
        {" 1", {}},
    };
    for (const number_case& one : cases) {
        EXPECT_EQ(parse_integer(one.text).value, one.value) << one.text;
    }
}

TEST(Format, GivesWhatParsesToTheSame) {
    for (const std::int64_t value : {0LL, 1LL, 999LL, 1000LL, 1500LL, 60'000LL, 90'000LL,
                                     3'600'000LL, 5'400'000LL, 2'592'000'000LL}) {
        EXPECT_EQ(parse_duration(format_duration(value)).value, value) << format_duration(value);
    }
    for (const std::int64_t value :
         {0LL, 1LL, 1023LL, 1024LL, 1025LL, 1LL << 20, 1LL << 30, 1LL << 40, (1LL << 40) - 1}) {
        EXPECT_EQ(parse_size(format_size(value)).value, value) << format_size(value);
    }
    for (const char* const text : {"0%", "100%", "12.5%", "0.000001%", "33.333333%", "99.9%"}) {
        EXPECT_EQ(format_ratio(parse_ratio(text).value.value_or(-1)), text);
    }
}

TEST(Boolean, IsWrittenAsInYaml) {
    for (const char* const text : {"true", "True", "TRUE"}) {
        EXPECT_EQ(parse_boolean(text).value, true) << text;
    }
    for (const char* const text : {"false", "False", "FALSE"}) {
        EXPECT_EQ(parse_boolean(text).value, false) << text;
    }
    for (const char* const text : {"", "tRUE", "yes", "on", "1", "no", "off", "0", "~"}) {
        EXPECT_FALSE(parse_boolean(text).value.has_value()) << text;
    }
    EXPECT_EQ(parse_boolean("yes").hint, "did you mean 'true'?");
    EXPECT_EQ(parse_boolean("OFF").hint, "did you mean 'false'?");
}

}  // namespace
}  // namespace penstock::config
