// The client's side of an exchange for the upstream tests: a body that is given piece by piece,
// interim heads that are written down, and coroutines that perform an exchange and read it to its
// end.
#pragma once

#include "integration/worker_loop.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/worker.hpp"
#include "penstock/upstream/cluster.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace penstock::upstream::test {

class scripted_body final : public exchange::body_source {
 public:
    explicit scripted_body(net::worker& home) : changed_(home) {}

    void give(std::string piece) {
        pieces_.push_back(std::move(piece));
        changed_.set();
    }
    void end() {
        ended_ = true;
        changed_.set();
    }
    void fail(error why) {
        failed_ = why;
        changed_.set();
    }
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }
    [[nodiscard]] bool waited_for() const noexcept { return waiting_; }

    std::optional<std::uint64_t> announced;
    http::fields trailer_fields;

    result<std::string_view> take(std::size_t max) override {
        if (failed_)
            return failed_;
        if (stopped_)
            return error(net::errc::closed);
        if (pieces_.empty())
            return std::string_view();
        current_ = pieces_.front().substr(0, max);
        pieces_.front().erase(0, max);
        if (pieces_.front().empty())
            pieces_.pop_front();
        return std::string_view(current_);
    }
    net::task<result<void>> wait() override {
        while (pieces_.empty() && !ended_ && !failed_ && !stopped_ &&
               !std::exchange(woken_, false)) {
            changed_.reset();
            waiting_ = true;
            co_await changed_;
            waiting_ = false;
        }
        if (failed_)
            co_return failed_;
        if (stopped_)
            co_return net::errc::closed;
        co_return result<void>();
    }
    void wake() noexcept override {
        woken_ = waiting_;
        changed_.set();
    }
    bool finished() const noexcept override { return ended_ && pieces_.empty(); }
    std::optional<std::uint64_t> length() const noexcept override { return announced; }
    const http::fields& trailers() const noexcept override { return trailer_fields; }
    void stop() noexcept override {
        stopped_ = true;
        changed_.set();
    }
    net::task<> close() override { co_return; }

 private:
    net::event changed_;
    std::deque<std::string> pieces_;
    std::string current_;
    error failed_;
    bool ended_ = false;
    bool stopped_ = false;
    bool woken_ = false;
    bool waiting_ = false;
};

class client final : private exchange::interim_sink {
 public:
    // Asks for "/" of host "test" without a body, unless told otherwise.
    explicit client(net::worker& home) : body(home) {
        body.end();
        prepare();
    }
    client(net::worker& home, http::method verb, std::string_view verb_text) : body(home) {
        prepare();
        request.head.verb = verb;
        request.head.method_text = verb_text;
    }

    scripted_body body;
    exchange::abort_signal aborted;
    exchange::record record;
    exchange::request request;
    std::vector<http::response_head> interims;
    std::function<void(int)> on_interim = [](int) {};

 private:
    void prepare() {
        request.head.verb = http::method::get;
        request.head.method_text = "GET";
        request.head.scheme = "http";
        request.head.authority = "test";
        request.head.path = "/";
        request.body = &body;
        request.interim = this;
        request.aborted = &aborted;
        request.record = &record;
        record.ledger.start(net::worker::clock(), exchange::phase::loop);
    }
    net::task<result<void>> send_interim(const http::response_head& head) override {
        interims.push_back(head);
        on_interim(head.status);
        co_return result<void>();
    }
};

// What came of one exchange, with its body read to the end.
struct outcome {
    bool answered = false;
    attempt_failure failure;
    std::size_t endpoint = 0;
    http::response_head head;
    std::optional<std::uint64_t> announced_length;
    bool upgraded = false;
    std::string body;
    error body_error;
    http::fields trailers;
};

inline net::task<> read_body(exchange::response& from, outcome& into) {
    while (from.body && !from.body->finished()) {
        const result<std::string_view> data = from.body->take(64 * 1024);
        if (!data) {
            into.body_error = data.error();
            break;
        }
        into.body += *data;
        if (!data->empty() || from.body->finished())
            continue;
        const result<void> waited = co_await from.body->wait();
        if (!waited) {
            into.body_error = waited.error();
            break;
        }
    }
    if (from.body) {
        into.trailers = from.body->trailers();
        co_await from.body->close();
    }
}

inline net::task<outcome> fetch(cluster& over, client& by, attempt_options how = {}) {
    outcome made;
    attempt tried = co_await over.send(by.request, how);
    made.failure = tried.failure;
    made.endpoint = tried.endpoint;
    made.answered = tried.response.has_value();
    if (made.answered) {
        made.head = tried.response->head;
        made.announced_length = tried.response->announced_length;
        made.upgraded = tried.response->upgraded;
        co_await read_body(*tried.response, made);
    }
    by.record.ledger.finish(net::worker::clock());
    co_return made;
}

inline std::shared_ptr<shared_upstream> upstream_of(const std::vector<std::uint16_t>& ports) {
    auto made = std::make_shared<shared_upstream>();
    made->id = 7;
    for (const std::uint16_t port : ports) {
        auto endpoint = std::make_unique<shared_endpoint>();
        endpoint->name = "127.0.0.1:" + std::to_string(port);
        endpoint->id = static_cast<exchange::name_id>(made->endpoints.size() + 1);
        endpoint->host = "127.0.0.1";
        endpoint->addresses.push_back(*net::socket_address::parse("127.0.0.1", port));
        made->endpoints.push_back(std::move(endpoint));
    }
    return made;
}

// One worker with one cluster, run in the calling thread.
struct site {
    explicit site(const std::vector<std::uint16_t>& ports) : shared(upstream_of(ports)) {}
    explicit site(std::uint16_t port) : site(std::vector<std::uint16_t>{port}) {}

    // Made at its first use, so that a test can change shared->settings before.
    cluster& over() {
        if (!made)
            made = std::make_unique<cluster>(home, shared, nullptr);
        return *made;
    }
    // One exchange from beginning to end, in a run of the worker of its own.
    outcome fetch_once(client& by, attempt_options how = {}) {
        outcome result;
        run(home, fetch_into(over(), by, how, result));
        return result;
    }
    outcome get() {
        client by(home);
        return fetch_once(by);
    }
    static net::task<> fetch_into(cluster& over, client& by, attempt_options how, outcome& into) {
        into = co_await fetch(over, by, how);
    }

    net::worker home{0};
    std::shared_ptr<shared_upstream> shared;
    std::unique_ptr<cluster> made;
};

// The client's body in pieces, one after each pause, and its end.
inline net::task<> give_slowly(net::worker& home, client& by, int pieces, nanoseconds apart) {
    for (int i = 0; i < pieces; ++i) {
        const time_point at = home.now() + apart;
        const std::function<bool()> passed = [&] { return home.now() >= at; };
        co_await eventually(home, passed);
        by.body.give("piece ");
    }
    by.body.end();
}

}  // namespace penstock::upstream::test
