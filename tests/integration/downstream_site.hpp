// A server of the downstream tests: one worker in a thread of its own, one listener, and a handler
// whose answers the request's path picks. What the handler was told is kept for the test.
#pragma once

#include "integration/downstream_handler.hpp"
#include "penstock/downstream/server.hpp"
#include "penstock/net/worker.hpp"
#include "support/http_reader.hpp"
#include "support/peer.hpp"

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace penstock::downstream::test {

using penstock::test::closing;
using penstock::test::peer;

inline config::listener plain_settings() {
    config::listener settings;
    settings.name = "web";
    return settings;
}

inline std::shared_ptr<net::tls_context> test_tls() {
    static const net::self_signed files = *net::make_self_signed({"a.test", "127.0.0.1"});
    net::tls_server_options options;
    options.certificates = {{files.certificate_pem, files.key_pem, ""}};
    options.alpn = {"h2", "http/1.1"};
    std::string message;
    auto made = net::tls_context::server(options, message);
    if (!made)
        throw penstock::test::test_error("TLS context: " + message);
    return std::move(*made);
}

// A worker that runs in a thread until this is destroyed.
class worker_thread {
 public:
    explicit worker_thread(int index) : home(index), thread_([this] { home.run(); }) {}
    ~worker_thread() { join(); }
    worker_thread(const worker_thread&) = delete;
    worker_thread& operator=(const worker_thread&) = delete;
    // Returns once `work` has run there.
    void run(const std::function<void()>& work) {
        std::promise<void> done;
        home.post([&] {
            work();
            done.set_value();
        });
        done.get_future().get();
    }
    // Bytes of slabs that are in use; the pool belongs to its thread.
    std::size_t buffered() {
        std::size_t bytes = 0;
        run([&] { bytes = home.buffers().in_use(); });
        return bytes;
    }
    void join() {
        home.stop();
        if (thread_.joinable())
            thread_.join();
    }

    net::worker home;

 private:
    std::thread thread_;
};

// One listener on one worker.
class site {
 public:
    explicit site(config::listener settings = plain_settings(), bool tls = false)
        : site(std::move(settings), tls, std::make_shared<net::connection_count>()) {}
    site(config::listener settings, bool tls, std::shared_ptr<net::connection_count> shared)
        : answers(std::make_shared<path_handler>(thread.home)), counts(std::move(shared)) {
        state_ = std::make_shared<listener_state>();
        state_->settings = std::move(settings);
        state_->id = 7;
        state_->generation = 3;
        state_->handler = answers;
        if (tls)
            state_->tls = test_tls();
        auto fds = net::open_listeners(*net::socket_address::parse("127.0.0.1", 0), 1, {}, bound_);
        if (!fds)
            throw penstock::test::test_error("listen: " + fds.error().message());
        thread.run([&] {
            over = std::make_unique<server>(thread.home, state_, counts);
            over->listen(std::move((*fds)[0]), bound_);
        });
    }
    ~site() {
        thread.run([&] { over->abort(); });
        thread.join();
        over.reset();
    }
    site(const site&) = delete;
    site& operator=(const site&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return bound_.port(); }
    [[nodiscard]] const net::socket_address& bound() const noexcept { return bound_; }
    void drain() {
        thread.run([&] { over->drain(); });
    }
    void abort() {
        thread.run([&] { over->abort(); });
    }
    // A new state, as a reload makes it.
    void update(const std::function<void(listener_state&)>& change) {
        auto next = std::make_shared<listener_state>(*state_);
        change(*next);
        state_ = next;
        thread.run([&] { over->update(next); });
    }
    // Waits until `done` holds, asked on the worker between two turns of its loop.
    void eventually(const std::function<bool()>& done) {
        const penstock::test::time_limit limit(penstock::test::patience);
        for (bool met = false; !met;) {
            thread.run([&] { met = done(); });
            if (!met && limit.passed())
                throw penstock::test::test_error("waited in vain");
        }
    }
    void await_connections(std::size_t count) {
        eventually([&] { return over->connections() == count; });
    }

    worker_thread thread{0};
    std::shared_ptr<path_handler> answers;
    std::shared_ptr<net::connection_count> counts;
    std::unique_ptr<server> over;

 private:
    std::shared_ptr<listener_state> state_;
    net::socket_address bound_;
};

inline std::string get(std::string_view path, std::string_view fields = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a.test\r\n" + std::string(fields) +
           "\r\n";
}

inline std::string post(std::string_view path, std::string_view body,
                        std::string_view fields = {}) {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(fields) + "\r\n" + std::string(body);
}

inline std::string post_chunked(std::string_view path, std::string_view wire,
                                std::string_view fields = {}) {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n" + std::string(fields) +
           "\r\n" + std::string(wire);
}

}  // namespace penstock::downstream::test
