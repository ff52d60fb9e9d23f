#include "penstock/net/listener.hpp"

#include "support/temp_dir.hpp"
#include "unit/net/loop.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace penstock::net {
namespace {

using namespace test;

socket_address loopback(std::uint16_t port) { return *socket_address::parse("127.0.0.1", port); }

struct recorder final : listener::acceptor {
    bool may_accept() noexcept override {
        ++asked;
        return static_cast<int>(got.size()) < cap;
    }
    void on_accept(listener::accepted connection) override {
        if (throws) {
            throws = false;
            throw std::runtime_error("no room");
        }
        got.push_back(std::move(connection));
    }
    std::vector<listener::accepted> got;
    int cap = 1000000;
    int asked = 0;
    bool throws = false;
};

// A listener that serves, and what it accepted.
struct site {
    explicit site(worker& on) : home(on) {
        socket_address bound;
        auto made = open_listeners(loopback(0), 1, {}, bound);
        EXPECT_TRUE(made);
        port = bound.port();
        in.emplace(home, std::move((*made)[0]), owner);
        home.spawn(in->serve());
    }
    task<> wait_for(std::size_t count) {
        std::function<bool()> came = [this, count] { return owner.got.size() >= count; };
        co_await eventually(home, came);
    }
    worker& home;
    recorder owner;
    std::uint16_t port = 0;
    std::optional<listener> in;
};

TEST(OpenListeners, ShareOnePortForAllWorkers) {
    socket_address bound;
    const auto made = open_listeners(loopback(0), 3, {}, bound);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->size(), 3U);
    EXPECT_NE(bound.port(), 0);
    EXPECT_EQ(bound.host(), "127.0.0.1");
    // Whichever of them the kernel picks, the connection is made.
    for (int i = 0; i < 10; ++i)
        peer one(bound.port());
}

TEST(OpenListeners, RefuseAnAddressThatIsTaken) {
    socket_address bound;
    const auto first = open_listeners(loopback(0), 2, {}, bound);
    ASSERT_TRUE(first);
    socket_address again;
    const auto second = open_listeners(bound, 2, {}, again);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), boost::system::errc::address_in_use);
}

TEST(OpenListeners, TakeAPortAgainThatWasJustGivenUp) {
    socket_address bound;
    auto first = open_listeners(loopback(0), 1, {}, bound);
    ASSERT_TRUE(first);
    {
        peer client(bound.port());
        const unique_fd accepted(::accept((*first)[0].get(), nullptr, nullptr));
        EXPECT_TRUE(accepted);
    }  // closed by the server first, so that its end lingers in TIME_WAIT
    first->clear();
    socket_address again;
    EXPECT_TRUE(open_listeners(bound, 1, {}, again));
    EXPECT_EQ(again, bound);
}

bool connects(const char* host, std::uint16_t port) {
    const result<unique_fd> begun = begin_connect(*socket_address::parse(host, port), {});
    if (!begun)
        return false;
    pollfd wait{begun->get(), POLLOUT, 0};
    return ::poll(&wait, 1, 10'000) == 1 && !finish_connect(begun->get());
}

// ":80": one port of both families, also where the kernel picks it.
TEST(OpenListeners, TakeBothFamilies) {
    listen_options both;
    both.both_families = true;
    socket_address bound;
    const auto made = open_listeners(*socket_address::parse("::", 0), 2, both, bound);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(connects("127.0.0.1", bound.port()));
    EXPECT_EQ(connects("::1", bound.port()), bound.family() == AF_INET6);
    // Neither family is anybody else's.
    for (const char* const host : {"0.0.0.0", "127.0.0.1", "::"}) {
        socket_address again;
        EXPECT_FALSE(open_listeners(*socket_address::parse(host, bound.port()), 1, {}, again))
            << host;
    }
}

TEST(OpenListeners, TakeOneFamilyWhereItIsNamed) {
    socket_address bound;
    const auto made = open_listeners(*socket_address::parse("::", 0), 1, {}, bound);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(connects("::1", bound.port()));
    EXPECT_FALSE(connects("127.0.0.1", bound.port()));
}

socket_address in(const penstock::test::temp_dir& dir) {
    return *socket_address::unix_at(dir.path("web.sock"));
}

bool connects(const socket_address& at) { return begin_connect(at, {}).has_value(); }

mode_t mode_of(const socket_address& at) {
    struct stat found {};
    return ::lstat(at.unix_path().c_str(), &found) == 0 ? found.st_mode & 07777U : 0;
}

TEST(OpenListeners, ShareOneUnixSocket) {
    const penstock::test::temp_dir dir;
    listen_options options;
    options.unix_mode = 0604;
    socket_address bound;
    {
        const auto made = open_listeners(in(dir), 3, options, bound);
        ASSERT_TRUE(made) << made.error().message();
        EXPECT_EQ(made->size(), 3U);
        EXPECT_EQ(bound, in(dir));
        EXPECT_EQ(bound.to_string(), "unix:" + dir.path("web.sock"));
        EXPECT_EQ(mode_of(bound), 0604U);
        ASSERT_TRUE(connects(bound));
        // Whoever of them asks first has it.
        const unique_fd accepted(::accept((*made)[2].get(), nullptr, nullptr));
        EXPECT_TRUE(accepted);
        // Somebody listens there.
        const auto second = open_listeners(in(dir), 1, {}, bound);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error(), boost::system::errc::address_in_use);
    }
    // Nobody does any more, and the file is in nobody's way.
    EXPECT_FALSE(connects(bound));
    EXPECT_NE(mode_of(bound), 0U);
    EXPECT_TRUE(open_listeners(in(dir), 1, {}, bound));
}

TEST(OpenListeners, ReplaceNoFileThatIsNoSocket) {
    const penstock::test::temp_dir dir;
    dir.write("web.sock", "precious");
    socket_address bound;
    const auto made = open_listeners(in(dir), 1, {}, bound);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), boost::system::errc::address_in_use);
    EXPECT_EQ(dir.read("web.sock"), "precious");
    EXPECT_FALSE(open_listeners(*socket_address::unix_at(dir.path("no/web.sock")), 1, {}, bound));
}

TEST(UnixFile, IsRemovedUnlessAnotherHasItsPlace) {
    const penstock::test::temp_dir dir;
    socket_address bound;
    std::vector<unique_fd> first;
    {
        auto made = open_listeners(in(dir), 1, {}, bound);
        ASSERT_TRUE(made);
        first = std::move(*made);
        const unix_file ours(bound.unix_path());
    }
    EXPECT_EQ(mode_of(bound), 0U) << "removed";
    first.clear();
    std::optional<unix_file> old;
    {
        auto made = open_listeners(in(dir), 1, {}, bound);
        ASSERT_TRUE(made);
        old.emplace(bound.unix_path());
    }
    // As a process that ends slowly meets its successor.
    const auto successor = open_listeners(in(dir), 1, {}, bound);
    ASSERT_TRUE(successor);
    old.reset();
    EXPECT_TRUE(connects(bound));
}

TEST(OpenListeners, SayWhatIsWrong) {
    socket_address bound;
    const auto made = open_listeners(*socket_address::parse("192.0.2.1", 0), 1, {}, bound);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), boost::system::errc::address_not_available);
}

TEST(Listener, AcceptsWithThePeersAddress) {
    struct flow {
        static task<> go(site& at) {
            peer one(at.port);
            co_await at.wait_for(1);
            EXPECT_EQ(at.owner.got[0].peer, loopback(one.local_port()));
            peer two(at.port);
            co_await at.wait_for(2);
            at.in->stop();
        }
    };
    worker home(0);
    site at(home);
    run(home, flow::go(at));
}

// The workers' descriptors of one Unix socket are of one open file: closing one leaves it in the
// epoll set unless it is taken out, and its events would then go to an object that is gone.
TEST(Listener, OfAUnixSocketEndsBesideTheOthers) {
    struct parts {
        worker& home;
        socket_address at;
        recorder& stays;
        listener& other;
        std::optional<listener>& gone;
    };
    struct flow {
        static task<> go(parts of) {
            worker& home = of.home;
            recorder& stays = of.stays;
            const std::size_t running = home.spawned();
            of.gone->stop();
            std::function<bool()> ended = [&home, running] { return home.spawned() < running; };
            co_await eventually(home, ended);
            of.gone.reset();
            for (std::size_t i = 1; i <= 3; ++i) {
                const auto client = begin_connect(of.at, {});
                EXPECT_TRUE(client);
                std::function<bool()> came = [&stays, i] { return stays.got.size() >= i; };
                co_await eventually(home, came);
            }
            EXPECT_TRUE(stays.got[0].peer.is_unix());
            of.other.stop();
        }
    };
    const penstock::test::temp_dir dir;
    socket_address bound;
    auto made = open_listeners(in(dir), 2, {}, bound);
    ASSERT_TRUE(made);
    worker home(0);
    recorder stays;
    recorder goes;
    listener first(home, std::move((*made)[0]), stays);
    std::optional<listener> second(std::in_place, home, std::move((*made)[1]), goes);
    home.spawn(first.serve());
    home.spawn(second->serve());
    const parts of{home, bound, stays, first, second};
    run(home, flow::go(of));
    EXPECT_EQ(goes.got.size(), 0U);
}

TEST(Listener, TakesAllThatAreQueuedWhenItStops) {
    struct flow {
        static task<> go(site& at) {
            std::vector<peer> all;
            for (int i = 0; i < 300; ++i)
                all.emplace_back(at.port);
            at.in->stop();
            EXPECT_EQ(at.owner.got.size(), 300U);
            co_return;
        }
    };
    worker home(0);
    site at(home);
    run(home, flow::go(at));
}

TEST(Listener, AcceptsABurstOverSeveralTurns) {
    struct flow {
        static task<> go(site& at) {
            std::vector<peer> all;
            for (int i = 0; i < 150; ++i)
                all.emplace_back(at.port);
            co_await at.wait_for(150);
            at.in->stop();
        }
    };
    worker home(0);
    site at(home);
    run(home, flow::go(at));
    EXPECT_EQ(at.owner.got.size(), 150U);
}

TEST(Listener, PausesOverItsCapAndGoesOn) {
    struct flow {
        static task<> go(site& at) {
            at.owner.cap = 1;
            peer one(at.port);
            co_await at.wait_for(1);
            peer two(at.port);
            pause some(at.home, 50ms);
            co_await some.passed;
            EXPECT_EQ(at.owner.got.size(), 1U);
            EXPECT_LE(at.owner.asked, 3) << "a paused listener must not spin";
            at.owner.cap = 2;
            at.in->resume();
            co_await at.wait_for(2);
            at.in->stop();
        }
    };
    worker home(0);
    site at(home);
    run(home, flow::go(at));
}

TEST(Listener, StopsWhileItIsPaused) {
    struct flow {
        static task<> go(site& at) {
            at.owner.cap = 0;
            peer one(at.port);
            std::function<bool()> asked = [&at] { return at.owner.asked > 0; };
            co_await eventually(at.home, asked);
            at.in->stop();
            at.in->resume();
        }
    };
    worker home(0);
    site at(home);
    run(home, flow::go(at));
    EXPECT_TRUE(at.owner.got.empty());
    EXPECT_THROW(peer again(at.port), penstock::test::test_error);
}

TEST(Listener, GoesOnAfterAConnectionThatCouldNotBeServed) {
    struct flow {
        static task<> go(site& at) {
            at.owner.throws = true;
            peer one(at.port);
            peer two(at.port);
            co_await at.wait_for(1);
            at.in->stop();
        }
    };
    worker home(0);
    site at(home);
    run(home, flow::go(at));
    EXPECT_EQ(home.exceptions(), 1U);
}

// Lets the process open no more descriptors for as long as it lives.
class no_descriptors {
 public:
    no_descriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int lowest = ::dup(0);
        ::close(lowest);
        rlimit now = before_;
        now.rlim_cur = static_cast<rlim_t>(lowest);
        ::setrlimit(RLIMIT_NOFILE, &now);
    }
    ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    no_descriptors(const no_descriptors&) = delete;
    no_descriptors& operator=(const no_descriptors&) = delete;

 private:
    rlimit before_{};
};

TEST(Listener, WaitsInsteadOfSpinningWithoutDescriptors) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the sanitizer needs descriptors of its own";
#endif
    struct flow {
        static task<> go(site& at) {
            std::optional<peer> one(at.port);
            {
                const no_descriptors none;
                std::function<bool()> tried = [&at] { return at.owner.asked >= 3; };
                co_await eventually(at.home, tried);
                pause some(at.home, 50ms);
                co_await some.passed;
                EXPECT_LE(at.owner.asked, 30);
                EXPECT_TRUE(at.owner.got.empty());
            }
            co_await at.wait_for(1);
            at.in->stop();
        }
    };
    worker home(0);
    site at(home);
    run(home, flow::go(at));
}

}  // namespace
}  // namespace penstock::net
