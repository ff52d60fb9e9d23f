// Reuse, caps and queues: what happens to connections between exchanges and between workers.
#include "integration/upstream_client.hpp"
#include "integration/upstream_origin.hpp"
#include "penstock/net/task_group.hpp"

#include <gtest/gtest.h>

#include <poll.h>

#include <algorithm>
#include <atomic>

namespace penstock::upstream::test {
namespace {

using exchange::phase;
using exchange::reason;

constexpr std::string_view small_reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Says which connection it is.
void tell_number(conversation& with) {
    while (!with.read_head().empty()) {
        with.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(with.number()));
    }
}

// One exchange of many that run at the same time.
struct one_of_many {
    explicit one_of_many(net::worker& home) : by(home) {}
    client by;
    outcome got;
    attempt_options how;
    bool done = false;
};

net::task<> fetch_one(cluster& over, one_of_many& of) {
    of.got = co_await fetch(over, of.by, of.how);
    of.done = true;
}

net::task<> fetch_all(net::worker& home, cluster& over,
                      std::vector<std::unique_ptr<one_of_many>>& all) {
    net::task_group group(home);
    for (const auto& one : all)
        group.start(fetch_one(over, *one));
    co_await group.join();
}

std::vector<std::unique_ptr<one_of_many>> many(net::worker& home, int count) {
    std::vector<std::unique_ptr<one_of_many>> made;
    for (int i = 0; i < count; ++i)
        made.push_back(std::make_unique<one_of_many>(home));
    return made;
}

int answered(const std::vector<std::unique_ptr<one_of_many>>& all) {
    return static_cast<int>(
        std::count_if(all.begin(), all.end(), [](const auto& one) { return one->got.answered; }));
}

net::task<> wait_for(net::worker& home, const std::function<bool()>& done, bool& into) {
    into = co_await eventually(home, done);
}

bool comes_true(site& here, const std::function<bool()>& done) {
    bool happened = false;
    run(here.home, wait_for(here.home, done, happened));
    return happened;
}

TEST(UpstreamPool, TakesTheLatestUsedFirst) {
    origin peer(tell_number);
    site here(peer.port());
    auto both = many(here.home, 2);
    run(here.home, fetch_all(here.home, here.over(), both));
    ASSERT_EQ(answered(both), 2);
    ASSERT_EQ(here.over().counters().idle.load(), 2U);
    const std::string latest = here.get().body;
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(here.get().body, latest);
    EXPECT_EQ(peer.accepted(), 2);
    here.over().retire();
}

TEST(UpstreamPool, ClosedWhileIdleIsNeverReused) {
    gate leave;
    origin peer([&](conversation& with) {
        with.read_head();
        with.write(small_reply);
        if (with.number() == 0) {
            with.wait_for(leave);
        } else {
            with.read_head();
        }
    });
    site here(peer.port());
    EXPECT_TRUE(here.get().answered);
    leave.open();
    EXPECT_TRUE(comes_true(here, [&] { return here.over().counters().idle.load() == 0; }));
    EXPECT_EQ(here.shared->endpoints[0]->connections.load(), 0U);
    EXPECT_EQ(here.shared->idle.load(), 0U);
    const outcome got = here.get();
    EXPECT_TRUE(got.answered);
    EXPECT_EQ(here.over().counters().fresh.load(), 2U);
    here.over().retire();
}

TEST(UpstreamPool, UnaskedBytesOnAnIdleConnectionCloseIt) {
    gate poison;
    origin peer([&](conversation& with) {
        with.read_head();
        with.write(small_reply);
        if (with.number() > 0)
            return;
        with.wait_for(poison);
        with.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        EXPECT_TRUE(with.peer_closes());
    });
    site here(peer.port());
    EXPECT_EQ(here.get().body, "ok");
    poison.open();
    EXPECT_TRUE(comes_true(here, [&] { return here.over().counters().idle.load() == 0; }));
    EXPECT_EQ(here.get().body, "ok");
    EXPECT_EQ(peer.accepted(), 2);
    here.over().retire();
}

// What an origin does after its first answer, and says when it has done it, on its first
// connection.
origin leaving_origin(const gate& leave, const gate& left,
                      const std::function<void(conversation&)>& by) {
    return origin([&leave, &left, by](conversation& with) {
        with.read_head();
        with.write(small_reply);
        if (with.number() == 0) {
            with.wait_for(leave);
            by(with);
            left.open();
        }
        while (!with.read_head().empty())
            with.write(small_reply);
    });
}

// An exchange that begins when the origin has left, but the loop has not heard of it.
net::task<> fetch_behind(site& here, client& by, const gate& leave, const gate& left,
                         outcome& into) {
    leave.open();
    EXPECT_TRUE(penstock::test::wait_fd(left.fd(), POLLIN, penstock::test::time_limit(10s)));
    into = co_await fetch(here.over(), by);
}

TEST(UpstreamPool, LooksBeforeItUsesAConnectionForWhatMayNotBeRepeated) {
    const std::function<void(conversation&)> ways[] = {
        [](conversation& with) { with.close(); },
        [](conversation& with) { with.half_close(); },
        [](conversation& with) { with.reset(); },
        [](conversation& with) { with.write(small_reply); },
    };
    for (const auto& way : ways) {
        const gate leave;
        const gate left;
        const origin peer = leaving_origin(leave, left, way);
        site here(peer.port());
        EXPECT_TRUE(here.get().answered);
        client by(here.home, http::method::post, "POST");
        by.body.end();
        outcome got;
        run(here.home, fetch_behind(here, by, leave, left, got));
        EXPECT_TRUE(got.answered);
        EXPECT_EQ(got.body, "ok");
        EXPECT_EQ(peer.accepted(), 2);
        EXPECT_EQ(here.over().counters().stale.load(), 1U);
        here.over().retire();
    }
}

// One after the other, each closed by the origin before it is needed again.
void close_idle(site& here, int times) {
    for (int i = 0; i < times; ++i) {
        EXPECT_TRUE(here.get().answered);
        EXPECT_TRUE(comes_true(here, [&] { return here.over().counters().idle.load() == 0; }));
    }
}

TEST(UpstreamPool, GivesWhatMayNotBeRepeatedAFreshConnectionOnceTheOriginIsKnown) {
    std::atomic<bool> keeps = false;
    origin peer([&](conversation& with) {
        do {
            if (with.read_head().empty())
                return;
            with.write(small_reply);
        } while (keeps);
    });
    site here(peer.port());
    close_idle(here, 8);
    keeps = true;
    EXPECT_TRUE(here.get().answered);
    ASSERT_EQ(here.over().counters().idle.load(), 1U);
    const std::uint64_t fresh = here.over().counters().fresh.load();
    const auto ask = [&](bool repeatable) {
        client by(here.home);
        attempt_options how;
        how.repeatable = repeatable;
        EXPECT_TRUE(here.fetch_once(by, how).answered);
        return here.over().counters().fresh.load() - fresh;
    };
    // What may be repeated takes the risk.
    EXPECT_EQ(ask(true), 0U);
    EXPECT_EQ(ask(false), 1U);
    EXPECT_EQ(here.over().counters().idle.load(), 2U);
    // Until what idles has shown that the origin keeps it.
    std::uint64_t made = 0;
    bool reused = false;
    for (int i = 0; i < 2000 && !reused; ++i) {
        const std::uint64_t before = made;
        made = ask(false);
        reused = before == made;
    }
    EXPECT_TRUE(reused);
    here.over().retire();
}

TEST(UpstreamPool, DeathOfAReusedConnectionIsReportedAsSuch) {
    for (const bool reset : {false, true}) {
        origin peer([&](conversation& with) {
            with.read_head();
            with.write(small_reply);
            if (with.number() > 0)
                return;
            with.read_head();
            if (reset)
                with.reset();
        });
        site here(peer.port());
        EXPECT_TRUE(here.get().answered);
        client by(here.home);
        const outcome got = here.fetch_once(by);
        EXPECT_FALSE(got.answered);
        EXPECT_TRUE(got.failure.reused);
        EXPECT_TRUE(got.failure.request_sent);
        EXPECT_FALSE(got.failure.response_begun);
        EXPECT_FALSE(got.failure.body_consumed);
        EXPECT_EQ(got.failure.reason, reason::connection_terminated);
        EXPECT_EQ(here.over().counters().stale.load(), 1U);
        attempt_options again;
        again.fresh_connection = true;
        again.endpoint = static_cast<int>(got.endpoint);
        EXPECT_TRUE(here.fetch_once(by, again).answered);
        EXPECT_EQ(by.record.attempts, 2);
        here.over().retire();
    }
}

TEST(UpstreamPool, FreshConnectionTakesTheIdleOnesPlaceAtTheCap) {
    origin peer(tell_number);
    site here(peer.port());
    here.shared->settings.pool.connections = 1;
    EXPECT_EQ(here.get().body, "0");
    client by(here.home);
    attempt_options how;
    how.fresh_connection = true;
    EXPECT_EQ(here.fetch_once(by, how).body, "1");
    EXPECT_EQ(here.shared->endpoints[0]->connections.load(), 1U);
    here.over().retire();
}

TEST(UpstreamPool, RetiresWhatIdlesTooLong) {
    origin peer(tell_number);
    site here(peer.port());
    here.shared->settings.pool.idle_timeout = 50ms;
    EXPECT_TRUE(here.get().answered);
    EXPECT_EQ(here.over().counters().idle.load(), 1U);
    EXPECT_TRUE(comes_true(here, [&] { return here.over().counters().idle.load() == 0; }));
    EXPECT_EQ(here.shared->endpoints[0]->connections.load(), 0U);
}

TEST(UpstreamPool, HonoursTheOriginsKeepAliveTimeout) {
    struct {
        const char* timeout;
        std::uint64_t idle;
    } const cases[] = {{"timeout=0", 0}, {"timeout=5, max=10", 1}};
    for (const auto& item : cases) {
        origin peer([&](conversation& with) {
            while (!with.read_head().empty()) {
                with.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: " +
                           std::string(item.timeout) + "\r\n\r\n");
            }
        });
        site here(peer.port());
        EXPECT_TRUE(here.get().answered);
        EXPECT_EQ(here.over().counters().idle.load(), item.idle) << item.timeout;
        here.over().retire();
    }
}

TEST(UpstreamPool, KeepsNoMoreIdleThanAllowed) {
    for (const std::uint32_t allowed : {1U, 2U, 3U}) {
        origin peer(tell_number);
        site here(peer.port());
        here.shared->settings.pool.idle = allowed;
        auto all = many(here.home, 3);
        run(here.home, fetch_all(here.home, here.over(), all));
        EXPECT_EQ(answered(all), 3);
        EXPECT_EQ(here.over().counters().idle.load(), allowed);
        EXPECT_EQ(here.shared->idle.load(), allowed);
        here.over().retire();
    }
}

TEST(UpstreamPool, RetiredClusterClosesEveryConnection) {
    origin peer(tell_number);
    site here(peer.port());
    EXPECT_TRUE(here.get().answered);
    here.over().retire();
    EXPECT_TRUE(here.get().answered);
    EXPECT_EQ(here.over().counters().idle.load(), 0U);
    EXPECT_EQ(peer.accepted(), 2);
}

TEST(UpstreamPool, RefusedConnectionSaysSo) {
    const refusing_port nobody;
    site here(nobody.port());
    const outcome got = here.get();
    EXPECT_FALSE(got.answered);
    EXPECT_EQ(got.failure.reason, reason::connection_refused);
    EXPECT_FALSE(got.failure.request_sent);
    EXPECT_FALSE(got.failure.reused);
    EXPECT_EQ(here.shared->endpoints[0]->connections.load(), 0U);
    EXPECT_EQ(here.over().active(), 0U);
}

TEST(UpstreamPool, TriesEveryAddressOfAnEndpoint) {
    const refusing_port nobody;
    origin peer(tell_number);
    site here(nobody.port());
    here.shared->endpoints[0]->addresses.push_back(
        *net::socket_address::parse("127.0.0.1", peer.port()));
    EXPECT_EQ(here.get().body, "0");
    here.over().retire();
}

TEST(UpstreamPool, PicksAnotherEndpointThanTheTriedOne) {
    origin left(tell_number);
    origin right(tell_number);
    site here({left.port(), right.port()});
    for (int i = 0; i < 4; ++i) {
        client by(here.home);
        attempt_options how;
        how.tried = 1;
        EXPECT_EQ(here.fetch_once(by, how).endpoint, 1U);
        EXPECT_EQ(by.record.endpoint, 2);
    }
    here.over().retire();
}

TEST(UpstreamPool, AnswersNothingWithoutEndpoints) {
    site here(std::vector<std::uint16_t>{});
    EXPECT_EQ(here.get().failure.reason, reason::no_endpoint);
}

TEST(UpstreamPool, QueueServesInTurnAndWithoutNewConnections) {
    origin peer(tell_number);
    site here(peer.port());
    here.shared->settings.pool.connections = 1;
    auto all = many(here.home, 20);
    run(here.home, fetch_all(here.home, here.over(), all));
    EXPECT_EQ(answered(all), 20);
    EXPECT_EQ(peer.accepted(), 1);
    EXPECT_GT(all.back()->by.record.ledger.spent(phase::pool_wait), 0ns);
    EXPECT_EQ(here.over().counters().queued.load(), 0U);
    EXPECT_EQ(here.shared->endpoints[0]->waiting.load(), 0U);
    here.over().retire();
}

TEST(UpstreamPool, QueueServesThoseBehindAConnectionThatIsNotReusable) {
    origin peer([](conversation& with) {
        with.read_head();
        with.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    site here(peer.port());
    here.shared->settings.pool.connections = 2;
    auto all = many(here.home, 20);
    run(here.home, fetch_all(here.home, here.over(), all));
    EXPECT_EQ(answered(all), 20);
    EXPECT_EQ(peer.accepted(), 20);
    EXPECT_EQ(here.shared->endpoints[0]->connections.load(), 0U);
}

TEST(UpstreamPool, QueueServesThoseBehindAFailedConnect) {
    const refusing_port nobody;
    site here(nobody.port());
    here.shared->settings.pool.connections = 1;
    auto all = many(here.home, 5);
    run(here.home, fetch_all(here.home, here.over(), all));
    for (const auto& one : all)
        EXPECT_EQ(one->got.failure.reason, reason::connection_refused);
}

TEST(UpstreamPool, QueueHasACapAndADeadline) {
    gate release;
    origin peer([&](conversation& with) {
        with.read_head();
        with.wait_for(release);
    });
    site here(peer.port());
    here.shared->settings.pool.connections = 1;
    here.shared->settings.pool.queue = 3;
    here.shared->settings.pool.queue_timeout = 60ms;
    here.shared->settings.timeouts.first_byte = 400ms;
    auto all = many(here.home, 6);
    run(here.home, fetch_all(here.home, here.over(), all));
    release.open();
    int full = 0;
    int late = 0;
    for (const auto& one : all) {
        full += one->got.failure.reason == reason::queue_full ? 1 : 0;
        late += one->got.failure.reason == reason::connection_limit_reached ? 1 : 0;
        EXPECT_EQ(one->got.failure.request_sent, one == all.front());
    }
    EXPECT_EQ(full, 2);
    EXPECT_EQ(late, 3);
    EXPECT_EQ(here.shared->endpoints[0]->waiting.load(), 0U);
    EXPECT_EQ(here.over().active(), 0U);
}

net::task<> abort_while_queued(net::worker& home, one_of_many& of, gate& then) {
    const std::function<bool()> queued = [&] {
        return of.by.record.ledger.current() == phase::pool_wait;
    };
    (void)co_await eventually(home, queued);
    of.by.aborted.fire(net::errc::deadline_exceeded);
    then.open();
}

TEST(UpstreamPool, AbortEndsTheWaitInTheQueue) {
    gate release;
    origin peer([&](conversation& with) {
        with.read_head();
        with.wait_for(release);
        with.write(small_reply);
        with.read_head();
    });
    site here(peer.port());
    here.shared->settings.pool.connections = 1;
    here.shared->settings.pool.queue_timeout = 10s;
    auto all = many(here.home, 2);
    here.over();
    here.home.spawn(abort_while_queued(here.home, *all[1], release));
    run(here.home, fetch_all(here.home, here.over(), all));
    EXPECT_TRUE(all[0]->got.answered);
    EXPECT_EQ(all[1]->got.failure.reason, reason::deadline);
    here.over().retire();
}

TEST(UpstreamPool, FullEndpointLeavesItsTurnToOneWithRoom) {
    gate release;
    origin slow([&](conversation& with) {
        with.read_head();
        with.wait_for(release);
        do {
            with.write(small_reply);
        } while (!with.read_head().empty());
    });
    origin fast([&](conversation& with) {
        for (int i = 0; !with.read_head().empty(); ++i) {
            with.write(small_reply);
            if (with.number() == 0 && i == 3)
                release.open();
        }
    });
    site here({slow.port(), fast.port()});
    here.shared->settings.pool.connections = 1;
    here.shared->settings.pool.queue_timeout = 10s;
    auto all = many(here.home, 8);
    run(here.home, fetch_all(here.home, here.over(), all));
    EXPECT_EQ(answered(all), 8);
    EXPECT_EQ(slow.accepted(), 1);
    EXPECT_EQ(fast.accepted(), 1);
    here.over().retire();
}

// Two workers, each in a thread of its own, with one cluster each over the same shared state.
struct two_workers {
    explicit two_workers(std::uint16_t port) : shared(upstream_of({port})) {
        shared->rebalance = [this](shared_upstream&) {
            for (int i = 0; i < 2; ++i) {
                if (homes[i].here())
                    continue;
                homes[i].post([this, i] { clusters[i]->rebalance(); });
            }
        };
    }
    void make() {
        for (int i = 0; i < 2; ++i) {
            clusters[i] = std::make_unique<cluster>(homes[i], shared, nullptr);
        }
    }
    // Runs one coroutine on each; a worker serves calls of the other until both have ended.
    void run_both(std::function<net::task<>(int)> make_work) {
        std::atomic<int> left{2};
        std::vector<std::thread> threads;
        for (int i = 0; i < 2; ++i) {
            threads.emplace_back([this, i, &left, &make_work] {
                homes[i].spawn(within_loop(homes[i], until_both(i, make_work(i), left)));
                homes[i].stop();
                homes[i].run();
            });
        }
        for (std::thread& thread : threads)
            thread.join();
    }
    net::task<> until_both(int i, net::task<> work, std::atomic<int>& left) {
        co_await work;
        --left;
        const std::function<bool()> all = [&left] { return left.load() == 0; };
        (void)co_await eventually(homes[i], all);
    }

    net::worker homes[2]{net::worker(0), net::worker(1)};
    std::shared_ptr<shared_upstream> shared;
    std::unique_ptr<cluster> clusters[2];
};

TEST(UpstreamPool, CapIsExactOverWorkersAndNobodyStarves) {
    constexpr std::uint32_t cap = 3;
    std::atomic<int> open{0};
    std::atomic<int> most{0};
    origin peer([&](conversation& with) {
        while (!with.read_head().empty()) {
            const int now = open.fetch_add(1) + 1;
            for (int seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
            }
            std::this_thread::yield();
            open.fetch_sub(1);
            with.write(with.number() % 2 == 0
                           ? small_reply
                           : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    two_workers both(peer.port());
    both.shared->settings.pool.connections = cap;
    both.shared->settings.pool.queue_timeout = 10s;
    both.make();
    std::vector<std::unique_ptr<one_of_many>> all[2] = {many(both.homes[0], 200),
                                                        many(both.homes[1], 200)};
    both.run_both([&](int i) { return fetch_all(both.homes[i], *both.clusters[i], all[i]); });
    EXPECT_EQ(answered(all[0]), 200);
    EXPECT_EQ(answered(all[1]), 200);
    EXPECT_LE(most.load(), static_cast<int>(cap));
    EXPECT_LE(both.shared->endpoints[0]->connections.load(), cap);
    EXPECT_EQ(both.shared->endpoints[0]->waiting.load(), 0U);
    for (const auto& over : both.clusters)
        over->retire();
    EXPECT_EQ(both.shared->endpoints[0]->connections.load(), 0U);
    EXPECT_EQ(both.shared->idle.load(), 0U);
}

net::task<> fetch_after(net::worker& home, cluster& over, one_of_many& of,
                        const std::function<bool()>& begin) {
    (void)co_await eventually(home, begin);
    co_await fetch_one(over, of);
}

TEST(UpstreamPool, IdleConnectionIsGivenUpForAnotherWorkersExchange) {
    origin peer(tell_number);
    two_workers both(peer.port());
    both.shared->settings.pool.connections = 1;
    both.shared->settings.pool.queue_timeout = 10s;
    both.make();
    one_of_many first(both.homes[0]);
    one_of_many second(both.homes[1]);
    const std::function<bool()> at_once = [] { return true; };
    const std::function<bool()> first_idles = [&] { return both.shared->idle.load() == 1; };
    both.run_both([&](int i) {
        return fetch_after(both.homes[i], *both.clusters[i], i == 0 ? first : second,
                           i == 0 ? at_once : first_idles);
    });
    EXPECT_EQ(first.got.body, "0");
    EXPECT_EQ(second.got.body, "1");
    EXPECT_EQ(both.shared->endpoints[0]->connections.load(), 1U);
    for (const auto& over : both.clusters)
        over->retire();
}

}  // namespace
}  // namespace penstock::upstream::test
