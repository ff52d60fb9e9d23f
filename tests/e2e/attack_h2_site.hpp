// The site of the suites of hostile HTTP/2, and what is left of an attack when it is over.
#pragma once

#include "e2e/attack_site.hpp"

#include <gtest/gtest.h>

namespace penstock::test {

// F-11: after every attack nothing of it is left.
class AttackH2 : public attack_suite<attack_site> {
 protected:
    void SetUp() override {
        if (site().base)
            return;
        site().base = site().left();
        site().base_memory = memory_of(site().proxy.running().pid()).resident;
    }
    void TearDown() override {
        const pid_t pid = site().proxy.running().pid();
        const time_limit limit(30s);
        left_over now = site().left();
        while (!(now == *site().base) && !limit.passed()) {
            hold_for(10ms);
            now = site().left();
        }
        EXPECT_EQ(now.connections, 0);
        EXPECT_EQ(now.streams, 0);
        EXPECT_EQ(now.at_origins, 0);
        EXPECT_EQ(now.descriptors, site().base->descriptors);
        EXPECT_TRUE(grows_quiet(pid));
        const auto most = site().base_memory + site().base_memory / 20 + 10 * 1024 * 1024;
        while (!sanitized() && memory_of(pid).resident > most && !limit.passed())
            hold_for(100ms);
        if (!sanitized()) {
            EXPECT_LE(memory_of(pid).resident, most);
        }
    }
};

}  // namespace penstock::test
