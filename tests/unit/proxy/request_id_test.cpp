#include "proxy/request_id.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <set>

namespace penstock::proxy {
namespace {

TEST(RequestId, IsThirtyTwoHexDigitsThatDoNotRepeat) {
    request_id_maker one;
    request_id_maker other;
    std::set<std::string> seen;
    std::string id = "what was there before";
    for (int i = 0; i < 10'000; ++i) {
        for (request_id_maker* const maker : {&one, &other}) {
            maker->make(id);
            ASSERT_EQ(id.size(), 32U);
            ASSERT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
            ASSERT_TRUE(seen.insert(id).second) << id;
        }
    }
}

TEST(RequestId, IsHarmlessItself) {
    request_id_maker maker;
    std::string id;
    maker.make(id);
    EXPECT_TRUE(is_harmless_id(id));
}

TEST(HarmlessId, HasOneToAHundredAndTwentyEightCharacters) {
    EXPECT_FALSE(is_harmless_id(""));
    EXPECT_TRUE(is_harmless_id("a"));
    EXPECT_TRUE(is_harmless_id(std::string(128, 'a')));
    EXPECT_FALSE(is_harmless_id(std::string(129, 'a')));
}

TEST(HarmlessId, TakesNothingThatMeansSomethingElsewhere) {
    const std::string_view allowed = "-_.:=/+";
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool expected = (byte < 128 && std::isalnum(byte) != 0) ||
                              (byte != 0 && allowed.find(c) != std::string_view::npos);
        EXPECT_EQ(is_harmless_id(std::string("a") + c), expected) << byte;
    }
}

}  // namespace
}  // namespace penstock::proxy
