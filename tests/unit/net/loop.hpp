// What the tests of net share: a worker that runs one coroutine to its end in the test's thread,
// the accepting end of real loopback connections, and a thread that plays the peer.
#pragma once

#include "penstock/net/deadline.hpp"
#include "penstock/net/endpoint.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/listener.hpp"
#include "penstock/net/stream.hpp"
#include "penstock/net/worker.hpp"
#include "support/peer.hpp"

#include <gtest/gtest.h>

#include <poll.h>

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace penstock::net::test {

using penstock::test::connect_options;
using penstock::test::peer;

// Wakes one coroutine once a time has passed.
class pause final : public deadline {
 public:
    pause(worker& home, milliseconds time) : passed(home) {
        arm(home.deadlines(), worker::clock() + time, errc{});
    }
    event passed;

 private:
    void on_expire(error) noexcept override { passed.set(); }
};

// Goes on once `done()` holds, looking at every tick; fails the test after ten seconds.
inline task<> eventually(worker& home, const std::function<bool()>& done) {
    const time_point until = worker::clock() + 10s;
    while (!done()) {
        if (worker::clock() > until) {
            ADD_FAILURE() << "waited in vain";
            co_return;
        }
        pause tick(home, 5ms);
        co_await tick.passed;
    }
}

// Runs `work` from within the loop to its end, in the calling thread.
inline task<> after_turn(worker& home, task<> work) {
    co_await next_turn(home);
    co_await work;
}
inline void run(worker& home, task<> work) {
    home.spawn(after_turn(home, std::move(work)));
    home.stop();
    home.run();
}

// A listening socket on a port of its own.
class doorway {
 public:
    doorway() {
        socket_address bound;
        auto made = open_listeners(*socket_address::parse("127.0.0.1", 0), 1, {}, bound);
        if (!made)
            throw penstock::test::test_error("listen: " + made.error().message());
        fd_ = std::move((*made)[0]);
        address_ = bound;
    }
    [[nodiscard]] const socket_address& address() const noexcept { return address_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return address_.port(); }
    // Waits for a connection.
    [[nodiscard]] unique_fd accept() const {
        const penstock::test::time_limit limit(penstock::test::patience);
        if (!penstock::test::wait_fd(fd_.get(), POLLIN, limit))
            throw penstock::test::test_error("nobody connected");
        unique_fd got(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!got)
            penstock::test::throw_errno("accept");
        return got;
    }

 private:
    unique_fd fd_;
    socket_address address_;
};

// A thread of the test that plays the other side; what it throws fails the test.
class other_side {
 public:
    explicit other_side(std::function<void()> script)
        : thread_([play = std::move(script)] {
              try {
                  play();
              } catch (const std::exception& failure) {
                  ADD_FAILURE() << "the other side: " << failure.what();
              }
          }) {}
    ~other_side() { join(); }
    other_side(const other_side&) = delete;
    other_side& operator=(const other_side&) = delete;
    void join() {
        if (thread_.joinable())
            thread_.join();
    }

 private:
    std::thread thread_;
};

inline iovec part_of(const std::string& text) {
    return {const_cast<char*>(text.data()), text.size()};
}

// Waits as long as it takes for `size` bytes or the end of the stream; the error, if there was one,
// goes into `failed`.
inline task<std::string> read_bytes(stream& from, std::size_t size, error& failed) {
    std::string text;
    while (text.size() < size) {
        const error waited = co_await from.readable();
        if (waited) {
            failed = waited;
            break;
        }
        char bytes[16384];
        const std::size_t room = std::min(sizeof bytes, size - text.size());
        const result<std::size_t> got = from.read({bytes, room});
        if (got && *got == 0)
            break;
        if (got)
            text.append(bytes, *got);
        if (!got && got.error() != errc::would_block) {
            failed = got.error();
            break;
        }
    }
    co_return text;
}

inline task<result<void>> write_text(stream& to, const std::string& text) {
    iovec part = part_of(text);
    co_return co_await to.write_all({&part, 1}, 10s, errc::write_timeout);
}

// Bytes that show where something is missing or twice.
inline std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>((i * 131 + i / 251) & 0xff);
    return text;
}

}  // namespace penstock::net::test
