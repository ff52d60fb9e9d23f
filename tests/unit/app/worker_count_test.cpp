#include "app/worker_count.hpp"

#include <gtest/gtest.h>

namespace penstock::app {
namespace {

TEST(WorkerCount, IsAtLeastOneAndAtMost256) {
    EXPECT_EQ(workers_for(0, std::nullopt), 1);
    EXPECT_EQ(workers_for(1, std::nullopt), 1);
    EXPECT_EQ(workers_for(8, std::nullopt), 8);
    EXPECT_EQ(workers_for(256, std::nullopt), 256);
    EXPECT_EQ(workers_for(1000, std::nullopt), 256);
}

TEST(WorkerCount, IsBoundByTheQuotaRoundedUp) {
    EXPECT_EQ(workers_for(8, 0.1), 1);
    EXPECT_EQ(workers_for(8, 1.0), 1);
    EXPECT_EQ(workers_for(8, 1.5), 2);
    EXPECT_EQ(workers_for(8, 8.0), 8);
    EXPECT_EQ(workers_for(8, 100.0), 8);
}

TEST(WorkerCount, IsWhatIsConfigured) {
    EXPECT_EQ(count_workers(3), 3);
    EXPECT_EQ(count_workers(256), 256);
    EXPECT_GE(count_workers(0), 1);
}

TEST(CpuQuota, ReadsCpuMax) {
    EXPECT_EQ(quota_of_cpu_max("150000 100000\n"), 1.5);
    EXPECT_EQ(quota_of_cpu_max("50000 100000"), 0.5);
    for (const char* const text : {"", "max 100000\n", "max", "100000", "0 100000", "1 0", "-1 1",
                                   "a b", "1 2 3", "99999999999999999999 1"})
        EXPECT_EQ(quota_of_cpu_max(text), std::nullopt) << text;
}

TEST(CpuQuota, ReadsCfs) {
    EXPECT_EQ(quota_of_cfs("200000\n", "100000\n"), 2.0);
    EXPECT_EQ(quota_of_cfs("-1\n", "100000\n"), std::nullopt);
    EXPECT_EQ(quota_of_cfs("", ""), std::nullopt);
}

TEST(CgroupPaths, FindsV2) {
    const cgroup_paths found = parse_cgroup_paths("0::/system.slice/penstock.service\n");
    EXPECT_EQ(found.v2, "/system.slice/penstock.service");
    EXPECT_EQ(found.v1_cpu, std::nullopt);
}

TEST(CgroupPaths, FindsV1CpuAmongControllers) {
    const cgroup_paths found = parse_cgroup_paths(
        "12:cpuset:/a\n"
        "4:cpu,cpuacct:/docker/1:2\n"
        "1:name=systemd:/b\n"
        "0::/c\n");
    EXPECT_EQ(found.v1_cpu, "/docker/1:2");
    EXPECT_EQ(found.v2, "/c");
    EXPECT_EQ(parse_cgroup_paths("4:cpuacct,cpu:/x").v1_cpu, "/x");
}

TEST(CgroupPaths, IgnoresWhatItDoesNotUnderstand) {
    for (const char* const text : {"", "\n\n", "0", "0:", "cpu", ":::", "1::/x\n"})
        EXPECT_EQ(parse_cgroup_paths(text).v2, std::nullopt) << text;
}

TEST(CgroupPaths, GoUpToTheRoot) {
    using list = std::vector<std::string>;
    EXPECT_EQ(with_ancestors("/a/b"), (list{"/a/b", "/a", "/"}));
    EXPECT_EQ(with_ancestors("/"), list{"/"});
    EXPECT_EQ(with_ancestors(""), list{"/"});
    EXPECT_EQ(with_ancestors("a/b"), list{"/"});
}

}  // namespace
}  // namespace penstock::app
