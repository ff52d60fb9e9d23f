#include "penstock/net/socket.hpp"

#include "unit/net/loop.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <vector>

namespace penstock::net {
namespace {

using namespace test;

// A connected pair of local sockets: one for the code under test, one for the test.
struct pair {
    explicit pair(worker& on) {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
            penstock::test::throw_errno("socketpair");
        far = unique_fd(ends[1]);
        near = std::make_unique<socket>(on, unique_fd(ends[0]));
    }
    void send(std::string_view text) const {
        EXPECT_EQ(::write(far.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    unique_fd far;
    std::unique_ptr<socket> near;
};

struct counting_watcher final : socket_watcher {
    void on_readable() noexcept override { ++readable; }
    void on_peer_closed() noexcept override { ++closed; }
    int readable = 0;
    int closed = 0;
};

task<> read_once(socket& from, std::string& text, error& failed) {
    failed = co_await from.readable();
    if (failed)
        co_return;
    char bytes[64];
    const result<std::size_t> got = from.read({bytes, sizeof bytes});
    if (got)
        text.assign(bytes, *got);
    else
        failed = got.error();
}

TEST(UniqueFd, ClosesWhatItOwns) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    unique_fd one(ends[0]);
    unique_fd two(ends[1]);
    unique_fd moved = std::move(one);
    EXPECT_FALSE(one);
    two = std::move(moved);
    EXPECT_EQ(two.get(), ends[0]);
    EXPECT_EQ(::fcntl(ends[1], F_GETFD), -1);
    two.reset();
    EXPECT_EQ(::fcntl(ends[0], F_GETFD), -1);
}

TEST(Socket, WakesAReaderWhenBytesCome) {
    struct flow {
        static task<> go(worker& home, pair& ends) {
            std::string text;
            error failed;
            home.spawn(read_once(*ends.near, text, failed));
            ends.send("hello");
            std::function<bool()> came = [&] { return !text.empty(); };
            co_await eventually(home, came);
            EXPECT_EQ(text, "hello");
            EXPECT_FALSE(failed);
            // A short read has emptied the kernel's buffer; nobody has to ask it again.
            EXPECT_FALSE(ends.near->maybe_readable());
        }
    };
    worker home(0);
    pair ends(home);
    run(home, flow::go(home, ends));
}

// Looks at another socket of the batch, and may read from it.
struct looking_watcher final : socket_watcher {
    void on_readable() noexcept override {
        saw_bytes = other->maybe_readable();
        saw_close = other->peer_closed();
        if (!reads)
            return;
        char bytes[64];
        const result<std::size_t> got = other->read({bytes, sizeof bytes});
        read = got ? *got : 0;
    }
    socket* other = nullptr;
    bool reads = false;
    bool saw_bytes = false;
    bool saw_close = false;
    std::size_t read = 0;
};

// Whoever is told first knows what has happened to the others.
TEST(Socket, KnowsOfEventsOfItsBatchBeforeAnybodyIsTold) {
    struct flow {
        static task<> go(worker& home, pair& first, pair& second, bool closes) {
            looking_watcher looks;
            looks.other = second.near.get();
            counting_watcher counts;
            first.near->watch(&looks);
            second.near->watch(&counts);
            first.send("now");
            if (closes)
                second.far.reset();
            else
                second.send("bytes");
            const std::function<bool()> told = [&] { return counts.readable > 0; };
            co_await eventually(home, told);
            EXPECT_TRUE(looks.saw_bytes);
            EXPECT_EQ(looks.saw_close, closes);
            EXPECT_EQ(counts.readable, 1);
            EXPECT_EQ(counts.closed, closes ? 1 : 0);
            first.near->watch(nullptr);
            second.near->watch(nullptr);
        }
    };
    for (const bool closes : {false, true}) {
        worker home(0);
        pair first(home);
        pair second(home);
        run(home, flow::go(home, first, second, closes));
    }
}

TEST(Socket, TellsNobodyOfBytesThatWereReadMeanwhile) {
    struct flow {
        static task<> go(worker& home, pair& first, pair& second) {
            looking_watcher reads;
            reads.other = second.near.get();
            reads.reads = true;
            counting_watcher counts;
            first.near->watch(&reads);
            second.near->watch(&counts);
            first.send("now");
            second.send("bytes");
            const std::function<bool()> told = [&] { return reads.read > 0; };
            co_await eventually(home, told);
            EXPECT_EQ(reads.read, 5U);
            EXPECT_EQ(counts.readable, 0);
            // Later bytes are another event.
            second.send("more");
            const std::function<bool()> again = [&] { return counts.readable == 1; };
            co_await eventually(home, again);
            first.near->watch(nullptr);
            second.near->watch(nullptr);
        }
    };
    worker home(0);
    pair first(home);
    pair second(home);
    run(home, flow::go(home, first, second));
}

// The loop has not run since, so memory says that nothing is there.
TEST(Socket, AsksTheKernelAgainWhenItIsTold) {
    struct flow {
        static task<> go(pair& ends) {
            char bytes[8];
            EXPECT_EQ(ends.near->read({bytes, sizeof bytes}).error(), errc::would_block);
            ends.far.reset();
            EXPECT_FALSE(ends.near->maybe_readable());
            ends.near->ask_again();
            const result<std::size_t> got = ends.near->read({bytes, sizeof bytes});
            EXPECT_TRUE(got && *got == 0);
            co_return;
        }
    };
    worker home(0);
    pair ends(home);
    run(home, flow::go(ends));
}

// What reaches a connection that its program has closed is never confirmed.
TEST(Socket, KnowsWhetherThePeerHasConfirmedWhatWasWritten) {
    struct flow {
        static task<> go(worker& home, const doorway& door, bool closed_before) {
            peer far(door.port());
            socket near(home, door.accept());
            if (closed_before)
                far.close();
            const std::string text = "request";
            const iovec part = part_of(text);
            EXPECT_TRUE(near.write({&part, 1}));
            if (!closed_before) {
                EXPECT_EQ(far.read_exactly(text.size()), text);
                far.close();
            }
            const error waited = co_await near.readable();
            EXPECT_FALSE(waited);
            char bytes[8];
            EXPECT_TRUE(near.read({bytes, sizeof bytes}));
            EXPECT_EQ(near.unconfirmed(), closed_before);
        }
    };
    const doorway door;
    for (const bool closed_before : {true, false}) {
        worker home(0);
        run(home, flow::go(home, door, closed_before));
    }
}

TEST(Socket, SaysEndOfStreamAgainAndAgain) {
    struct flow {
        static task<> go(pair& ends) {
            ends.send("ab");
            ends.far.reset();
            std::string text;
            error failed;
            co_await read_once(*ends.near, text, failed);
            EXPECT_EQ(text, "ab");
            for (int i = 0; i < 3; ++i) {
                text = "x";
                co_await read_once(*ends.near, text, failed);
                EXPECT_FALSE(failed);
                EXPECT_EQ(text, "");
            }
            EXPECT_TRUE(ends.near->peer_closed());
        }
    };
    worker home(0);
    pair ends(home);
    run(home, flow::go(ends));
}

TEST(Socket, WaitsForRoomToWrite) {
    struct flow {
        static task<> write_all(socket& to, std::size_t size, std::size_t& done) {
            const std::string block(65536, 'x');
            while (done < size) {
                const iovec part = part_of(block);
                const result<std::size_t> taken = to.write({&part, 1});
                if (taken) {
                    done += *taken;
                    continue;
                }
                EXPECT_EQ(taken.error(), errc::would_block);
                const error waited = co_await to.writable();
                EXPECT_FALSE(waited);
            }
        }
        static task<> read_all(worker& home, int from, std::size_t size) {
            std::vector<char> bytes(65536);
            for (std::size_t got = 0; got < size;) {
                const ssize_t count = ::read(from, bytes.data(), bytes.size());
                if (count > 0)
                    got += static_cast<std::size_t>(count);
                else
                    co_await next_turn(home);
            }
        }
        static task<> go(worker& home, pair& ends) {
            constexpr std::size_t size = 4 << 20;
            std::size_t done = 0;
            home.spawn(write_all(*ends.near, size, done));
            EXPECT_LT(done, size);
            co_await read_all(home, ends.far.get(), size);
            EXPECT_GE(done, size);
        }
    };
    worker home(0);
    pair ends(home);
    run(home, flow::go(home, ends));
}

// More buffers than one system call takes: the rest is no sign of a full kernel.
TEST(Socket, WritesMoreBuffersThanOneCallTakes) {
    worker home(0);
    const pair ends(home);
    const std::string byte = "x";
    const std::vector<iovec> parts(1500, part_of(byte));
    const result<std::size_t> taken = ends.near->write(parts);
    ASSERT_TRUE(taken);
    EXPECT_EQ(*taken, 1024U);
    const result<std::size_t> rest = ends.near->write(std::span(parts).subspan(1024));
    ASSERT_TRUE(rest);
    EXPECT_EQ(*rest, 476U);
}

TEST(Socket, FailsBothWaitsWhenAborted) {
    struct flow {
        static task<> wait(socket& on, bool write, error& failed) {
            socket::readiness ready{on, write};
            failed = co_await ready;
        }
        static task<> go(worker& home, pair& ends) {
            const std::string block(1 << 20, 'x');
            const iovec part = part_of(block);
            while (ends.near->write({&part, 1})) {
            }
            error read_failed;
            error write_failed;
            home.spawn(wait(*ends.near, false, read_failed));
            home.spawn(wait(*ends.near, true, write_failed));
            ends.near->abort(errc::head_timeout);
            ends.near->abort(errc::closed);
            EXPECT_FALSE(read_failed) << "whoever aborts must not be re-entered";
            co_await next_turn(home);
            EXPECT_EQ(read_failed, errc::head_timeout);
            EXPECT_EQ(write_failed, errc::head_timeout);
            EXPECT_EQ(ends.near->aborted(), errc::head_timeout);
            char byte = 0;
            EXPECT_EQ(ends.near->read({&byte, 1}).error(), errc::head_timeout);
            EXPECT_EQ(ends.near->write({&part, 1}).error(), errc::head_timeout);
        }
    };
    worker home(0);
    pair ends(home);
    run(home, flow::go(home, ends));
}

TEST(Socket, FailsAWaitThatWasOpenWhenItIsClosed) {
    struct flow {
        static task<> go(worker& home, pair& ends) {
            std::string text;
            error failed;
            home.spawn(read_once(*ends.near, text, failed));
            ends.near->close();
            ends.near->close();
            co_await next_turn(home);
            EXPECT_EQ(failed, errc::closed);
            EXPECT_EQ(ends.near->fd(), -1);
        }
    };
    worker home(0);
    pair ends(home);
    run(home, flow::go(home, ends));
}

TEST(Socket, WakesAReaderWithoutAnEvent) {
    struct flow {
        static task<> wait(socket& on, int& woken) {
            const error failed = co_await on.readable();
            EXPECT_FALSE(failed);
            ++woken;
        }
        static task<> go(worker& home, pair& ends) {
            int woken = 0;
            ends.near->wake_reader();
            home.spawn(wait(*ends.near, woken));
            EXPECT_EQ(woken, 0) << "a wish that nobody waited for is forgotten";
            ends.near->wake_reader();
            ends.near->wake_reader();
            co_await next_turn(home);
            EXPECT_EQ(woken, 1);
        }
    };
    worker home(0);
    pair ends(home);
    run(home, flow::go(home, ends));
}

TEST(Socket, TellsItsWatcherOfBytesAndOfTheEnd) {
    struct flow {
        static task<> go(worker& home, pair& ends) {
            counting_watcher watcher;
            ends.near->watch(&watcher);
            ends.send("a");
            std::function<bool()> seen = [&] { return watcher.readable > 0; };
            co_await eventually(home, seen);
            EXPECT_EQ(watcher.closed, 0);
            ends.far.reset();
            std::function<bool()> closed = [&] { return watcher.closed > 0; };
            co_await eventually(home, closed);
            EXPECT_TRUE(ends.near->peer_closed());
            ends.near->watch(nullptr);
        }
    };
    worker home(0);
    pair ends(home);
    run(home, flow::go(home, ends));
}

TEST(Socket, TellsAResetFromAnEnd) {
    struct flow {
        static task<> go(worker& home, unique_fd fd, peer& from) {
            socket near(home, std::move(fd));
            counting_watcher watcher;
            near.watch(&watcher);
            from.half_close();
            std::function<bool()> closed = [&] { return near.peer_closed(); };
            co_await eventually(home, closed);
            EXPECT_FALSE(near.peer_reset());
            from.reset();
            std::function<bool()> reset = [&] { return near.peer_reset(); };
            co_await eventually(home, reset);
            EXPECT_EQ(watcher.closed, 1);
            near.watch(nullptr);
        }
    };
    worker home(0);
    const doorway door;
    peer from(door.port());
    run(home, flow::go(home, door.accept(), from));
}

// The kernel tells a connection's error once; here it stays, for both directions.
TEST(Socket, KeepsTheErrorOfItsConnection) {
    struct flow {
        static task<> go(worker& home, unique_fd fd, peer& from) {
            socket near(home, std::move(fd));
            from.reset();
            std::function<bool()> reset = [&] { return near.peer_reset(); };
            co_await eventually(home, reset);
            char byte = 0;
            for (int i = 0; i < 2; ++i) {
                const result<std::size_t> got = near.read({&byte, 1});
                EXPECT_FALSE(got);
                EXPECT_EQ(got.error(), boost::system::errc::connection_reset);
            }
            const error waited = co_await near.writable();
            EXPECT_EQ(waited, boost::system::errc::connection_reset);
        }
    };
    worker home(0);
    const doorway door;
    peer from(door.port());
    run(home, flow::go(home, door.accept(), from));
}

// A write was told of the reset, so the kernel says end of stream to the reader: what the peer said
// last may be missing all the same.
TEST(Socket, DoesNotTakeABrokenConnectionForItsEnd) {
    struct flow {
        static task<> go(worker& home, unique_fd fd, peer& from) {
            socket near(home, std::move(fd));
            from.send("part");
            from.reset();
            std::function<bool()> reset = [&] { return near.peer_reset(); };
            co_await eventually(home, reset);
            const std::string text = "more";
            const iovec part = part_of(text);
            EXPECT_EQ(near.write({&part, 1}).error(), boost::system::errc::connection_reset);
            char bytes[8];
            const result<std::size_t> first = near.read({bytes, sizeof bytes});
            EXPECT_TRUE(first && *first == 4);
            const result<std::size_t> second = near.read({bytes, sizeof bytes});
            EXPECT_FALSE(second);
            EXPECT_EQ(second.error(), boost::system::errc::connection_reset);
        }
    };
    worker home(0);
    const doorway door;
    peer from(door.port());
    run(home, flow::go(home, door.accept(), from));
}

// The peer has said all before it refused what came.
TEST(Socket, KnowsTheEndOfAPeerThatHearsNoMore) {
    struct flow {
        static task<> go(worker& home, unique_fd fd, peer& from) {
            socket near(home, std::move(fd));
            from.send("whole");
            from.close();
            const std::string text = "more";
            const iovec part = part_of(text);
            EXPECT_TRUE(near.write({&part, 1}));
            std::function<bool()> reset = [&] { return near.peer_reset(); };
            co_await eventually(home, reset);
            EXPECT_EQ(near.write({&part, 1}).error(), boost::system::errc::broken_pipe);
            char bytes[8];
            const result<std::size_t> first = near.read({bytes, sizeof bytes});
            EXPECT_TRUE(first && *first == 5);
            const result<std::size_t> second = near.read({bytes, sizeof bytes});
            EXPECT_TRUE(second && *second == 0);
        }
    };
    worker home(0);
    const doorway door;
    peer from(door.port());
    run(home, flow::go(home, door.accept(), from));
}

TEST(Socket, SendsAResetWhenAsked) {
    worker home(0);
    const doorway door;
    peer from(door.port());
    {
        socket near(home, door.accept());
        near.reset_on_close();
    }
    EXPECT_EQ(from.wait_closed(), penstock::test::closing::reset);
}

// What a resumed coroutine may do to the socket whose event is being delivered.
enum class deed { close, destroy, destroy_other };

struct teardown {
    static task<> act(std::unique_ptr<socket>& mine, std::unique_ptr<socket>& other, deed what,
                      int& acted) {
        const error failed = co_await mine->readable();
        EXPECT_FALSE(failed);
        ++acted;
        if (what == deed::close)
            mine->close();
        if (what == deed::destroy)
            mine.reset();
        if (what == deed::destroy_other)
            other.reset();
    }
    static task<> go(worker& home, deed what, int& acted) {
        pair one(home);
        pair two(home);
        counting_watcher watcher;
        one.near->watch(&watcher);
        two.near->watch(&watcher);
        home.spawn(act(one.near, two.near, what, acted));
        // Both have events in the same turn, bytes and end together.
        one.send("a");
        two.send("a");
        one.far.reset();
        two.far.reset();
        std::function<bool()> done = [&] { return acted > 0; };
        co_await eventually(home, done);
        co_await next_turn(home);
    }
};

TEST(Socket, MayBeClosedWhileItsEventIsDelivered) {
    worker home(0);
    int acted = 0;
    run(home, teardown::go(home, deed::close, acted));
    EXPECT_EQ(acted, 1);
}

TEST(Socket, MayBeDestroyedWhileItsEventIsDelivered) {
    worker home(0);
    int acted = 0;
    run(home, teardown::go(home, deed::destroy, acted));
    EXPECT_EQ(acted, 1);
}

TEST(Socket, MayBeDestroyedBeforeItsEventIsDelivered) {
    worker home(0);
    int acted = 0;
    run(home, teardown::go(home, deed::destroy_other, acted));
    EXPECT_EQ(acted, 1);
}

// The reader destroys the socket although its writer was woken by the same event.
TEST(Socket, MayBeDestroyedByItsWriterWhileAReaderWaits) {
    struct flow {
        static task<> write_then_destroy(std::unique_ptr<socket>& mine, int& acted) {
            const error failed = co_await mine->writable();
            EXPECT_FALSE(failed);
            ++acted;
            mine->close();
        }
        static task<> read(socket& from, error& failed) { failed = co_await from.readable(); }
        static task<> go(worker& home, int& acted) {
            pair ends(home);
            error failed;
            home.spawn(read(*ends.near, failed));
            home.spawn(write_then_destroy(ends.near, acted));
            ends.send("a");
            std::function<bool()> done = [&] { return acted > 0 && failed; };
            co_await eventually(home, done);
            EXPECT_EQ(failed, errc::closed);
            ends.near.reset();
        }
    };
    worker home(0);
    int acted = 0;
    run(home, flow::go(home, acted));
    EXPECT_EQ(acted, 1);
}

}  // namespace
}  // namespace penstock::net
