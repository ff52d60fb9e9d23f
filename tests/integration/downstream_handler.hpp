// The handler of the downstream tests. The path says what becomes of a request:
//   /ok       200 "ok"                        /echo     200 with the request's body, read whole
//   /early    200 "early", body untouched     /duplex   200 that passes the body on as it comes
//   /hold     waits for release(), 200 "held" /hang     waits for the abort, then 499
//   /interim  103 and 100, then as /echo      /tunnel   101 that sends the client's bytes back
//   /no204 /no304   without a body            /big      8 MiB
//   /pieces   of unknown length, "one", "two"   /broken   fails after its first bytes
//   /short    announces more than it has      /bye      101, says "bye", reads until the end
//   /unwritable  a head that cannot be sent   /fails /fails10  fails at once, announcing so much
//   /breaks   "one", fails at release()       /lingers  "one", fails, and ends with its client
#pragma once

#include "integration/downstream_bodies.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/http/error.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/worker.hpp"
#include "support/wait.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace penstock::downstream::test {

class path_handler final : public exchange::handler {
 public:
    explicit path_handler(net::worker& home) : home_(home), released_(home) {}

    // What one request looked like to the handler.
    struct seen {
        http::request_head head;
        std::optional<std::uint64_t> length;
        bool expects_continue = false;
        bool wants_websocket = false;
        bool accepts_trailers = false;
        bool tls = false;
        std::string body;
        error body_error;
        http::fields trailers;
        std::uint64_t connection = 0;
    };

    net::task<exchange::response> handle(exchange::request& from) override {
        {
            const std::lock_guard held(mutex_);
            seen_.push_back({from.head,
                             from.body->length(),
                             from.expects_continue,
                             from.wants_websocket,
                             from.accepts_trailers,
                             from.tls,
                             {},
                             {},
                             {},
                             from.connection});
        }
        changed_.notify_all();
        from.record->request_id = "id";
        const std::string path = from.head.path;
        // The head is the handler's to edit.
        from.head.path = "/edited";
        if (path == "/echo" || path == "/interim")
            return echo(*this, from, path == "/interim");
        if (path == "/hold")
            return hold(*this);
        if (path == "/hang")
            return hang(*this, from);
        return at_once(*this, from, path);
    }

    exchange::response refuse(exchange::request& from, reason why) override {
        from.record->why = why;
        return text(status_of(why), "refused: " + std::string(exchange::token(why)));
    }
    std::uint64_t body_limit(const exchange::request&) const override { return body_max; }
    bool takes_websockets() const noexcept override { return true; }
    void finished(const exchange::record& of) noexcept override {
        {
            const std::lock_guard held(mutex_);
            records_.push_back(of);
        }
        changed_.notify_all();
    }
    reason reason_of(error why) const noexcept override {
        if (why == net::errc::deadline_exceeded)
            return reason::deadline;
        if (why == net::errc::peer_gone)
            return reason::client_gone;
        return reason::http_response_incomplete;
    }

    // On the worker.
    void release() { released_.set(); }

    std::uint64_t body_max = 0;  // set before the first request

    // For the test's thread; wait until there are that many.
    exchange::record record(std::size_t index) {
        std::unique_lock held(mutex_);
        await(
            held, [&] { return records_.size() > index; }, "record");
        return records_[index];
    }
    seen request(std::size_t index) {
        std::unique_lock held(mutex_);
        await(
            held, [&] { return seen_.size() > index; }, "request");
        return seen_[index];
    }
    std::size_t requests() {
        const std::lock_guard held(mutex_);
        return seen_.size();
    }
    std::size_t records() {
        const std::lock_guard held(mutex_);
        return records_.size();
    }

 private:
    template <class Met>
    void await(std::unique_lock<std::mutex>& held, Met met, const char* what) {
        if (!changed_.wait_for(held, penstock::test::patience, met))
            throw penstock::test::test_error(std::string("no such ") + what);
    }

    static net::task<exchange::response> at_once(path_handler& self, exchange::request& from,
                                                 std::string path) {
        co_return self.immediate(from, path);
    }

    exchange::response immediate(exchange::request& from, const std::string& path) {
        if (path == "/no204" || path == "/no304")
            return text(path == "/no204" ? 204 : 304, "");
        if (path == "/early")
            return text(200, "early");
        if (path == "/duplex" || path == "/tunnel") {
            exchange::response made;
            made.head.status = path == "/tunnel" ? 101 : 200;
            made.upgraded = path == "/tunnel";
            made.body = std::make_unique<echo_body>(from);
            return made;
        }
        if (path == "/bye") {
            exchange::response made;
            made.head.status = 101;
            made.upgraded = true;
            made.body = std::make_unique<farewell_body>(home_, from);
            return made;
        }
        if (path == "/ok")
            return text(200, "ok");
        if (path == "/big")
            return text(200, std::string(std::size_t{8} << 20, 'x'));
        if (path == "/unwritable") {
            exchange::response made = text(200, "never seen");
            made.head.fields.add("X-Bad", "a\r\nb: c");
            return made;
        }
        if (path == "/breaks" || path == "/lingers") {
            exchange::response made;
            made.head.status = 200;
            if (path == "/breaks")
                made.body = std::make_unique<late_body>(released_);
            else
                made.body = std::make_unique<lingering_body>(home_, from);
            return made;
        }
        return in_pieces(path);
    }

    // Takes the body in small bites, to its end.
    static net::task<exchange::response> echo(path_handler& self, exchange::request& from,
                                              bool interim) {
        if (interim) {
            for (const int status : {103, 100}) {
                http::response_head head;
                head.status = status;
                head.fields.add("X-Early", "1");
                const result<void> sent = co_await from.interim->send_interim(head);
                if (!sent)
                    co_return text(499, "");
            }
        }
        std::string body;
        error failed;
        while (!from.body->finished() && !failed) {
            const result<std::string_view> data = from.body->take(1000);
            if (!data)
                failed = data.error();
            else
                body += *data;
            if (!data || !data->empty() || from.body->finished())
                continue;
            const result<void> waited = co_await from.body->wait();
            if (!waited)
                failed = waited.error();
        }
        {
            const std::lock_guard held(self.mutex_);
            self.seen_.back().body = body;
            self.seen_.back().body_error = failed;
            self.seen_.back().trailers = from.body->trailers();
        }
        if (failed)
            co_return self.failure(from, failed);
        co_return text(200, std::move(body));
    }

    exchange::response failure(exchange::request& from, error why) {
        if (why == net::errc::too_large)
            return refuse(from, reason::body_too_large);
        if (why == net::errc::body_timeout)
            return refuse(from, reason::body_timeout);
        if (why.category() == http::category())
            return refuse(from, reason::http_request_error);
        return refuse(from, reason::client_gone);
    }

    static net::task<exchange::response> hold(path_handler& self) {
        net::event& released = self.released_;
        co_await released;
        released.reset();
        co_return text(200, "held");
    }

    static net::task<exchange::response> hang(path_handler& self, exchange::request& from) {
        abort_event aborted(self.home_);
        exchange::abort_listener& listener = aborted;
        const exchange::abort_signal::attachment attached(*from.aborted, listener);
        co_await aborted.happened;
        co_return self.refuse(from, reason::client_gone);
    }

    net::worker& home_;
    net::event released_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<exchange::record> records_;
    std::vector<seen> seen_;
};

}  // namespace penstock::downstream::test
