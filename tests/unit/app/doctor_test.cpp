#include "app/doctor.hpp"

#include <gtest/gtest.h>

namespace penstock::app {
namespace {

config::model usual() {
    config::model made;
    made.listeners.emplace_back().bind.emplace_back();
    made.upstreams.emplace_back().endpoints.emplace_back();
    made.upstreams.back().pool.connections = 100;
    return made;
}

kernel_settings good() {
    kernel_settings made;
    made.somaxconn = 4096;
    made.port_low = 32768;
    made.port_high = 60999;
    made.tw_reuse = 2;
    made.fin_timeout = 60;
    made.descriptors = 20'000;
    return made;
}

std::vector<std::string> warnings(const kernel_settings& with) {
    std::vector<std::string> made;
    for (const finding& one : examine_settings(usual(), with, 2)) {
        EXPECT_EQ(one.good, one.advice.empty()) << one.setting;
        if (!one.good)
            made.push_back(one.setting);
    }
    return made;
}

using list = std::vector<std::string>;

TEST(Doctor, FindsNoFaultWithEnough) { EXPECT_EQ(warnings(good()), list{}); }

TEST(Doctor, WarnsOfEachSettingOneBelow) {
    kernel_settings with = good();
    with.somaxconn = 4095;
    EXPECT_EQ(warnings(with), list{"net.core.somaxconn = 4095"});
    with = good();
    with.port_low = 1000;
    with.port_high = 1198;
    EXPECT_EQ(warnings(with), list{"net.ipv4.ip_local_port_range = 1000 1198"});
    with.port_high = 1199;
    EXPECT_EQ(warnings(with), list{});
    with = good();
    with.tw_reuse = 0;
    EXPECT_EQ(warnings(with), list{"net.ipv4.tcp_tw_reuse = 0"});
    with = good();
    with.fin_timeout = 61;
    EXPECT_EQ(warnings(with), list{"net.ipv4.tcp_fin_timeout = 61"});
    with = good();
    with.descriptors = 1024;
    EXPECT_EQ(warnings(with), list{"RLIMIT_NOFILE = 1024"});
}

TEST(Doctor, LeavesOutWhatTheKernelDoesNotTell) {
    kernel_settings with;
    with.descriptors = 20'000;
    EXPECT_EQ(examine_settings(usual(), with, 1).size(), 1U);
}

TEST(Doctor, ReadsNumbersOfProcSys) {
    using numbers = std::vector<std::uint64_t>;
    EXPECT_EQ(numbers_in("32768\t60999\n"), (numbers{32768, 60999}));
    EXPECT_EQ(numbers_in("4096"), numbers{4096});
    EXPECT_EQ(numbers_in(""), numbers{});
    EXPECT_EQ(numbers_in("x"), numbers{});
}

}  // namespace
}  // namespace penstock::app
