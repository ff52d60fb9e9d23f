#include "penstock/net/stream.hpp"

#include "unit/net/loop.hpp"

#include <sys/socket.h>

namespace penstock::net {
namespace {

using namespace test;
using penstock::test::closing;
using penstock::test::gate;

constexpr std::size_t mib = std::size_t{1} << 20;

// Runs `work` on one accepted connection whose other end is a peer in another thread.
struct connection_test : ::testing::Test {
    template <class Script>
    void play(task<> (*work)(worker& home, unique_fd fd), Script script) {
        other_side client([this, script] {
            peer with(door.port());
            script(with);
        });
        run(home, work(home, door.accept()));
        client.join();
        EXPECT_EQ(home.buffers().in_use(), 0U);
        EXPECT_EQ(home.exceptions(), 0U);
    }

    worker home{0};
    doorway door;
};

using Stream = connection_test;
using LingeringClose = connection_test;

TEST_F(Stream, TakesAndGivesAMebibyte) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            error failed;
            const std::string text = co_await read_bytes(over, mib, failed);
            EXPECT_EQ(text, pattern(mib));
            const result<void> written = co_await write_text(over, text);
            EXPECT_TRUE(written);
            EXPECT_FALSE(over.is_tls());
            EXPECT_TRUE(over.tls().version.empty());
            EXPECT_TRUE(over.tls_failure_text().empty());
        }
    };
    play(flow::go, [](peer& with) {
        with.send(pattern(mib));
        EXPECT_EQ(with.read_to_end(), pattern(mib));
    });
}

TEST_F(Stream, WritesAListOfBuffersInOrder) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            const std::string head = "head";
            const std::string nothing;
            const std::string body(300000, 'b');
            std::array<iovec, 5> parts{part_of(nothing), part_of(head), part_of(nothing),
                                       part_of(body), part_of(nothing)};
            const result<void> written = co_await over.write_all(parts, 10s, errc::write_timeout);
            EXPECT_TRUE(written);
            std::span<iovec> none;
            const result<void> empty = co_await over.write_all(none, 10s, errc::write_timeout);
            EXPECT_TRUE(empty);
        }
    };
    play(flow::go,
         [](peer& with) { EXPECT_EQ(with.read_to_end(), "head" + std::string(300000, 'b')); });
}

TEST_F(Stream, SaysEndOfStreamWithoutAnError) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            error failed;
            EXPECT_EQ(co_await read_bytes(over, 10, failed), "ab");
            EXPECT_FALSE(failed);
            // The other direction is still there.
            const result<void> written = co_await write_text(over, "answer");
            EXPECT_TRUE(written);
        }
    };
    play(flow::go, [](peer& with) {
        with.send("ab");
        with.half_close();
        EXPECT_EQ(with.read_to_end(), "answer");
    });
}

TEST_F(Stream, ReportsAReset) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            error failed;
            co_await read_bytes(over, 10, failed);
            EXPECT_EQ(failed, boost::system::errc::connection_reset);
            EXPECT_TRUE(over.peer_reset());
        }
    };
    play(flow::go, [](peer& with) { with.reset(); });
}

TEST_F(Stream, EndsAReadAtItsDeadline) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            over.read_deadline(home.now() + 30ms, errc::head_timeout);
            const time_point began = home.now();
            error failed;
            co_await read_bytes(over, 10, failed);
            EXPECT_EQ(failed, errc::head_timeout);
            EXPECT_EQ(over.aborted(), errc::head_timeout);
            EXPECT_GE(worker::clock(), began + 30ms);
        }
    };
    play(flow::go, [](peer& with) { EXPECT_EQ(with.wait_closed(), closing::eof); });
}

TEST_F(Stream, ForgetsADeadlineThatIsOff) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            over.read_deadline(home.now() + 10ms, errc::head_timeout);
            over.read_deadline_off();
            over.write_deadline(home.now() + 10ms, errc::write_timeout);
            over.write_deadline_off();
            pause longer(home, 60ms);
            co_await longer.passed;
            EXPECT_FALSE(over.aborted());
        }
    };
    play(flow::go, [](peer& with) { with.wait_closed(); });
}

TEST_F(Stream, EndsAWriteThatMakesNoProgress) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            const std::string much(64 * mib, 'x');
            iovec part = part_of(much);
            const result<void> written =
                co_await over.write_all({&part, 1}, 50ms, errc::write_timeout);
            EXPECT_FALSE(written);
            EXPECT_EQ(written.error(), errc::write_timeout);
            over.reset_on_close();
        }
    };
    gate done;
    other_side client([&] {
        peer with(door.port(), {.receive_buffer = 4096});
        with.wait_for(done);
    });
    run(home, flow::go(home, door.accept()));
    done.open();
}

TEST_F(Stream, FailsAWriteThatIsAbortedWhileItWaits) {
    struct flow {
        static task<> abort_later(worker& home, stream& over) {
            pause soon(home, 30ms);
            co_await soon.passed;
            over.abort(errc::deadline_exceeded);
        }
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            home.spawn(abort_later(home, over));
            const std::string much(64 * mib, 'x');
            const result<void> written = co_await write_text(over, much);
            EXPECT_FALSE(written);
            EXPECT_EQ(written.error(), errc::deadline_exceeded);
        }
    };
    gate done;
    other_side client([&] {
        peer with(door.port(), {.receive_buffer = 4096});
        with.wait_for(done);
    });
    run(home, flow::go(home, door.accept()));
    done.open();
}

TEST_F(Stream, ReadsWhatCameBeforeAWriteFailed) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            std::function<bool()> gone = [&] { return over.peer_reset(); };
            co_await eventually(home, gone);
            const std::string text = "late";
            const iovec part = part_of(text);
            EXPECT_FALSE(over.write({&part, 1}));
            char bytes[16];
            const result<std::size_t> got = over.read(bytes);
            EXPECT_TRUE(got);
            EXPECT_EQ(std::string(bytes, got ? *got : 0), "early answer");
        }
    };
    play(flow::go, [](peer& with) {
        with.send("early answer");
        with.reset();
    });
}

TEST_F(Stream, WakesAReaderThatWaits) {
    struct flow {
        static task<> wake(worker& home, stream& over) {
            co_await next_turn(home);
            over.wake_reader();
        }
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            home.spawn(wake(home, over));
            const error waited = co_await over.readable();
            EXPECT_FALSE(waited);
            char byte = 0;
            EXPECT_EQ(over.read({&byte, 1}).error(), errc::would_block);
        }
    };
    play(flow::go, [](peer& with) { with.wait_closed(); });
}

TEST_F(LingeringClose, LetsThePeerReadTheReplyToWhatItStillSends) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            error failed;
            co_await read_bytes(over, 1, failed);
            const result<void> written = co_await write_text(over, "413");
            EXPECT_TRUE(written);
            co_await lingering_close(over, 10s, 64 * mib);
            EXPECT_EQ(over.fd(), -1);
        }
    };
    play(flow::go, [](peer& with) {
        with.send(std::string(4 * mib, 'x'));
        EXPECT_EQ(with.read_to_end(), "413");
    });
}

TEST_F(LingeringClose, EndsWhenTheTimeIsOver) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            const time_point began = home.now();
            co_await lingering_close(over, 60ms, mib);
            EXPECT_GE(worker::clock(), began + 60ms);
            EXPECT_EQ(over.fd(), -1);
        }
    };
    gate done;
    other_side client([&] {
        peer with(door.port());
        with.wait_for(done);
    });
    run(home, flow::go(home, door.accept()));
    done.open();
}

TEST_F(LingeringClose, EndsWhenTheBytesAreOver) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            co_await lingering_close(over, 10min, 100000);
            EXPECT_EQ(over.fd(), -1);
        }
    };
    play(flow::go, [](peer& with) {
        // Sends until it is cut off: the reset ends it, or the limit of what it has to send.
        const std::string much(64 * mib, 'x');
        EXPECT_LT(with.send_until_blocked(much, 10s), much.size());
    });
}

TEST_F(LingeringClose, EndsAtOnceOnAnAbortedStream) {
    struct flow {
        static task<> go(worker& home, unique_fd fd) {
            stream over(home, std::move(fd));
            over.abort(errc::draining);
            co_await lingering_close(over, 10min, mib);
            EXPECT_EQ(over.fd(), -1);
        }
    };
    play(flow::go, [](peer& with) { with.wait_closed(); });
}

}  // namespace
}  // namespace penstock::net
