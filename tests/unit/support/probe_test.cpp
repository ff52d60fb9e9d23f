#include "support/probe.hpp"

#include <gtest/gtest.h>

namespace penstock::test {

TEST(Probe, AddsUpSamplesOfOneFamilyByTheirLabels) {
    const samples in{{"a_total{x=\"1\",y=\"2\"}", 3},
                     {"a_total{x=\"1\",y=\"3\"}", 4},
                     {"a_total_more{x=\"1\"}", 100},
                     {"a_total", 1}};
    EXPECT_EQ(sum(in, "a_total"), 8);
    EXPECT_EQ(sum(in, "a_total", {"x=\"1\""}), 7);
    EXPECT_EQ(sum(in, "a_total", {"x=\"1\"", "y=\"3\""}), 4);
}

TEST(Probe, FindsValuesInAJsonLine) {
    const std::string line = R"({"status":502,"phases_us":{"connect":51},"reason":"dns_error"})";
    EXPECT_EQ(number_in(line, "connect"), 51);
    EXPECT_EQ(number_in(line, "absent"), -1);
    EXPECT_EQ(text_in(line, "reason"), "dns_error");
}

}  // namespace penstock::test
