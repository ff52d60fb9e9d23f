// ATTACKS.md, F-11: 30 s after every attack nothing of it is left.
#pragma once

#include "support/probe.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace penstock::test {

// What a proxy with the listener `web` holds for its peers while nobody asks anything of it.
class attack_baseline {
 public:
    // `proxy` must outlive this.
    explicit attack_baseline(daemon& proxy) : proxy_(proxy), before_(settled()) {}

    // Waits until it holds no more than it did; fails the test if it does not come to that.
    void expect_back() const {
        const pid_t pid = proxy_.running().pid();
        const time_limit limit(30s);
        held after = now();
        while (!limit.passed() && !after.as_little_as(before_)) {
            hold_for(10ms);
            after = now();
        }
        EXPECT_EQ(after.connections, 0);
        EXPECT_EQ(after.streams, 0);
        EXPECT_EQ(after.at_origins, 0);
        EXPECT_LE(after.descriptors, before_.descriptors);
        EXPECT_TRUE(grows_quiet(pid));
        if (sanitized())
            return;  // it keeps freed memory
        const std::uint64_t most = before_.memory + before_.memory / 20 + 10 * 1024 * 1024;
        while (memory_of(pid).resident > most && !limit.passed())
            hold_for(100ms);
        EXPECT_LE(memory_of(pid).resident, most);
    }

 private:
    // Idle connections to origins are no part of it: they are kept on purpose.
    struct held {
        double connections = 0;
        double streams = 0;
        double at_origins = 0;
        double descriptors = 0;
        std::uint64_t memory = 0;
        [[nodiscard]] bool as_little_as(const held& other) const {
            return connections == 0 && streams == 0 && at_origins == 0 &&
                   descriptors <= other.descriptors;
        }
    };
    // The proxy opens files of the kernel for a moment, as its memory watch does. A single look may
    // count them, so it takes several that agree.
    [[nodiscard]] held settled() const {
        constexpr int looks = 5;
        const time_limit limit(30s);
        held found = now();
        for (int same = 1; same < looks && !limit.passed();) {
            const held next = now();
            same = next.descriptors == found.descriptors ? same + 1 : 1;
            found = next;
        }
        return found;
    }
    [[nodiscard]] held now() const {
        const samples all = scrape(proxy_);
        const double idle = sum(all, "penstock_upstream_connections", {"state=\"idle\""});
        held found;
        found.connections = sum(all, "penstock_connections", {"listener=\"web\""});
        found.streams =
            sum(all, "penstock_http2_streams") + sum(all, "penstock_upstream_http2_streams");
        found.at_origins = sum(all, "penstock_upstream_connections") - idle;
        found.descriptors = static_cast<double>(descriptors_of(proxy_.running().pid())) - idle;
        found.memory = memory_of(proxy_.running().pid()).resident;
        return found;
    }

    daemon& proxy_;
    held before_;
};

}  // namespace penstock::test
