// The site of the suites of hostile HTTP/2, and what is left of an attack when it is over.
#pragma once

#include "e2e/attack_baseline.hpp"
#include "e2e/attack_site.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace penstock::test {

struct attack_h2_site : attack_site {
    std::optional<attack_baseline> base;  // before the first attack
};

class AttackH2 : public attack_suite<attack_h2_site> {
 protected:
    void SetUp() override {
        if (!site().base)
            site().base.emplace(site().proxy);
    }
    void TearDown() override { site().base->expect_back(); }
};

}  // namespace penstock::test
