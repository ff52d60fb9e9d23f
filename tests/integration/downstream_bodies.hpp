// The responses of the downstream tests, and the bodies that they are made of.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/exchange/text_body.hpp"
#include "penstock/http/error.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/task_group.hpp"

#include <string>
#include <utility>
#include <vector>

namespace penstock::downstream::test {

using exchange::reason;

// A body of given pieces, which may fail at its end or take the client's bytes as its own.
class pieces_body final : public exchange::body_source {
 public:
    explicit pieces_body(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}

    std::optional<std::uint64_t> announced;
    http::fields trailer_fields;
    error failure;  // instead of an end

    result<std::string_view> take(std::size_t max) override {
        if (given_ == pieces_.size() && failure)
            return failure;
        if (given_ == pieces_.size() || max == 0 || std::exchange(pause_, !pause_))
            return std::string_view();
        return std::string_view(pieces_[given_++]);
    }
    net::task<result<void>> wait() override { co_return result<void>(); }
    bool finished() const noexcept override { return given_ == pieces_.size() && !failure; }
    std::optional<std::uint64_t> length() const noexcept override { return announced; }
    const http::fields& trailers() const noexcept override { return trailer_fields; }
    void stop() noexcept override {}
    net::task<> close() override { co_return; }

 private:
    std::vector<std::string> pieces_;
    std::size_t given_ = 0;
    bool pause_ = false;  // every other call says that nothing is here yet
};

// The request's body as the response's.
class echo_body final : public exchange::body_source {
 public:
    explicit echo_body(exchange::request& from) noexcept : from_(from) {}

    result<std::string_view> take(std::size_t max) override { return from_.body->take(max); }
    net::task<result<void>> wait() override { return from_.body->wait(); }
    bool finished() const noexcept override { return from_.body->finished(); }
    std::optional<std::uint64_t> length() const noexcept override { return std::nullopt; }
    const http::fields& trailers() const noexcept override { return from_.body->trailers(); }
    void stop() noexcept override { from_.body->stop(); }
    net::task<> close() override { co_return; }

 private:
    exchange::request& from_;
};

// "one", and a failure once the event is set.
class late_body final : public exchange::body_source {
 public:
    explicit late_body(net::event& until) noexcept : until_(until) {}

    result<std::string_view> take(std::size_t) override {
        return std::exchange(said_, true) ? std::string_view() : std::string_view("one");
    }
    net::task<result<void>> wait() override {
        net::event& until = until_;
        co_await until;
        co_return error(http::errc::truncated);
    }
    bool finished() const noexcept override { return false; }
    std::optional<std::uint64_t> length() const noexcept override { return std::nullopt; }
    const http::fields& trailers() const noexcept override { return trailers_; }
    void stop() noexcept override {}
    net::task<> close() override { co_return; }

 private:
    net::event& until_;
    http::fields trailers_;
    bool said_ = false;
};

struct abort_event final : exchange::abort_listener {
    explicit abort_event(net::worker& home) : happened(home) {}
    void on_abort(error) noexcept override { happened.set(); }
    net::event happened;
};

// "one", and a failure; what runs beside it ends once the client has left.
class lingering_body final : public exchange::body_source {
 public:
    lingering_body(net::worker& home, exchange::request& from) noexcept
        : home_(home), from_(from) {}

    result<std::string_view> take(std::size_t) override {
        return std::exchange(said_, true) ? std::string_view() : std::string_view("one");
    }
    net::task<result<void>> wait() override { co_return error(http::errc::truncated); }
    bool finished() const noexcept override { return false; }
    std::optional<std::uint64_t> length() const noexcept override { return std::nullopt; }
    const http::fields& trailers() const noexcept override { return trailers_; }
    void stop() noexcept override {}
    net::task<> close() override {
        abort_event aborted(home_);
        exchange::abort_listener& listener = aborted;
        const exchange::abort_signal::attachment attached(*from_.aborted, listener);
        co_await aborted.happened;
    }

 private:
    net::worker& home_;
    exchange::request& from_;
    http::fields trailers_;
    bool said_ = false;
};

// A tunnel whose origin has said everything at once, and which takes what the client still sends.
class farewell_body final : public exchange::body_source {
 public:
    farewell_body(net::worker& home, exchange::request& from) : from_(from), beside_(home) {}

    result<std::string_view> take(std::size_t) override {
        if (!std::exchange(begun_, true))
            beside_.start(pump(from_));
        return std::exchange(said_, true) ? std::string_view() : std::string_view("bye");
    }
    net::task<result<void>> wait() override { co_return result<void>(); }
    bool finished() const noexcept override { return said_; }
    std::optional<std::uint64_t> length() const noexcept override { return std::nullopt; }
    const http::fields& trailers() const noexcept override { return trailers_; }
    void stop() noexcept override { from_.body->stop(); }
    net::task<> close() override { return beside_.join(); }

 private:
    static net::task<> pump(exchange::request& from) {
        while (!from.body->finished()) {
            const result<std::string_view> data = from.body->take(1000);
            if (!data)
                co_return;
            if (!data->empty() || from.body->finished())
                continue;
            const result<void> waited = co_await from.body->wait();
            if (!waited)
                co_return;
        }
    }

    exchange::request& from_;
    net::task_group beside_;
    http::fields trailers_;
    bool begun_ = false;
    bool said_ = false;
};

inline exchange::response text(int status, std::string body) {
    exchange::response made;
    made.head.status = status;
    made.for_nobody = status == 499;
    made.body = exchange::make_text_body(std::move(body));
    return made;
}
inline int status_of(reason why) noexcept {
    switch (why) {
        case reason::head_timeout:
        case reason::body_timeout:
            return 408;
        case reason::body_too_large:
            return 413;
        case reason::uri_too_long:
            return 414;
        case reason::expectation_failed:
            return 417;
        case reason::request_header_too_large:
            return 431;
        case reason::client_gone:
            return 499;
        case reason::proxy_internal_error:
            return 500;
        case reason::transfer_coding_unknown:
            return 501;
        case reason::http_response_incomplete:
            return 502;
        case reason::connection_cap:
        case reason::draining:
            return 503;
        case reason::version_unsupported:
            return 505;
        default:
            return 400;
    }
}

inline exchange::response in_pieces(const std::string& path) {
    std::vector<std::string> pieces{"one", "two"};
    const bool fails = path.starts_with("/fails");
    if (fails)
        pieces.clear();
    auto body = std::make_unique<pieces_body>(std::move(pieces));
    if (path == "/short")
        body->announced = 10;
    if (path == "/long")
        body->announced = 4;
    if (fails && path.size() > 6)
        body->announced = std::stoull(path.substr(6));
    if (path == "/broken" || fails)
        body->failure = http::errc::truncated;
    if (path == "/trailers")
        body->trailer_fields.add("X-Sum", "6");
    exchange::response made;
    made.head.status = path == "/missing" ? 404 : 200;
    made.body = std::move(body);
    return made;
}

}  // namespace penstock::downstream::test
