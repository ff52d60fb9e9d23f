#include "penstock/net/signals.hpp"

#include "unit/net/loop.hpp"

#include <signal.h>

#include <vector>

namespace penstock::net {
namespace {

using namespace test;

TEST(SignalSource, DeliversSignalsAsWorkOfItsWorker) {
    signal_source::block({SIGUSR1, SIGUSR2});
    worker home(0);
    std::vector<int> got;
    signal_source source(home, {SIGUSR1, SIGUSR2}, [&](int number) {
        EXPECT_TRUE(home.here());
        got.push_back(number);
        if (got.size() == 1)
            ::kill(::getpid(), SIGUSR2);
        else
            home.stop();
    });
    ::kill(::getpid(), SIGUSR1);
    home.run();
    EXPECT_EQ(got, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

TEST(SignalSource, DeliversWhatCameBeforeItWasMade) {
    signal_source::block({SIGUSR1});
    ::kill(::getpid(), SIGUSR1);
    worker home(0);
    int got = 0;
    signal_source source(home, {SIGUSR1}, [&](int number) {
        got = number;
        home.stop();
    });
    home.run();
    EXPECT_EQ(got, SIGUSR1);
}

TEST(SignalSource, ReachesItsWorkerFromEveryThread) {
    signal_source::block({SIGUSR1});
    worker home(0);
    int got = 0;
    signal_source source(home, {SIGUSR1}, [&](int) {
        if (++got == 3)
            home.stop();
        else
            std::thread([] { ::kill(::getpid(), SIGUSR1); }).join();
    });
    std::thread first([] { ::kill(::getpid(), SIGUSR1); });
    home.run();
    first.join();
    EXPECT_EQ(got, 3);
}

}  // namespace
}  // namespace penstock::net
