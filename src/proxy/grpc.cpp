#include "proxy/grpc.hpp"

#include "penstock/upstream/failure.hpp"

#include <charconv>
#include <string>
#include <utility>

namespace penstock::proxy {
namespace {

using exchange::reason;

// Longer ones are as good as none, and the clock has an end.
constexpr nanoseconds timeout_max = std::chrono::hours(30 * 24);
constexpr std::string_view content_type = "application/grpc";

// The status codes of gRPC that we give.
enum code : int {
    cancelled = 1,
    deadline_exceeded = 4,
    resource_exhausted = 8,
    unimplemented = 12,
    internal = 13,
    unavailable = 14,
};

void add_status(http::fields& to, reason why) {
    to.add("grpc-status", std::to_string(grpc_status_of(why)));
    // A token needs none of the escapes that messages have.
    to.add("grpc-message", exchange::token(why));
}

class grpc_body final : public exchange::body_source {
 public:
    grpc_body(std::unique_ptr<exchange::body_source> inner, exchange::record& record)
        : inner_(std::move(inner)), record_(record) {}

    result<std::string_view> take(std::size_t max) override {
        if (failed_)
            return std::string_view();
        const result<std::string_view> data = inner_->take(max);
        if (data)
            return data;
        fail(data.error());
        return std::string_view();
    }
    net::task<result<void>> wait() override {
        if (failed_)
            co_return result<void>();
        const result<void> waited = co_await inner_->wait();
        if (!waited)
            fail(waited.error());
        co_return result<void>();
    }
    void park() override { inner_->park(); }
    void wake() noexcept override { inner_->wake(); }
    bool finished() const noexcept override { return failed_ || inner_->finished(); }
    // Where it ends is not known before it does.
    std::optional<std::uint64_t> length() const noexcept override { return std::nullopt; }
    const http::fields& trailers() const noexcept override {
        return failed_ ? own_ : inner_->trailers();
    }
    void stop() noexcept override { inner_->stop(); }
    net::task<> close() override {
        if (!inner_->finished())
            inner_->stop();
        return inner_->close();
    }

 private:
    void fail(error why) {
        failed_ = true;
        const reason is = upstream::reason_of(why);
        if (record_.why == reason::none)
            record_.why = is;
        add_status(own_, is);
    }

    std::unique_ptr<exchange::body_source> inner_;
    exchange::record& record_;
    http::fields own_;
    bool failed_ = false;
};

}  // namespace

bool is_grpc_call(const http::request_head& head) noexcept {
    return head.version == http::version::http_2 && is_grpc(head.fields);
}

std::optional<nanoseconds> parse_grpc_timeout(std::string_view text) noexcept {
    constexpr std::size_t digits_max = 8;
    if (text.size() < 2 || text.size() > digits_max + 1)
        return std::nullopt;
    std::int64_t count = 0;
    const char* const unit = text.data() + text.size() - 1;
    const auto parsed = std::from_chars(text.data(), unit, count);
    if (parsed.ec != std::errc() || parsed.ptr != unit || count < 0)
        return std::nullopt;
    nanoseconds each{};
    switch (*unit) {
        case 'H':
            each = std::chrono::hours(1);
            break;
        case 'M':
            each = std::chrono::minutes(1);
            break;
        case 'S':
            each = std::chrono::seconds(1);
            break;
        case 'm':
            each = milliseconds(1);
            break;
        case 'u':
            each = std::chrono::microseconds(1);
            break;
        case 'n':
            each = nanoseconds(1);
            break;
        default:
            return std::nullopt;
    }
    return count > timeout_max / each ? timeout_max : each * count;
}

int grpc_status_of(reason why) noexcept {
    switch (why) {
        case reason::client_gone:
        case reason::client_protocol_error:
        case reason::write_timeout:
        case reason::body_timeout:
            return cancelled;
        case reason::deadline:
            return deadline_exceeded;
        case reason::queue_full:
        case reason::connection_limit_reached:
        case reason::connection_cap:
        case reason::address_cap:
        case reason::address_rate:
        case reason::shed_memory:
        case reason::body_too_large:
        case reason::request_header_too_large:
        case reason::uri_too_long:
            return resource_exhausted;
        case reason::no_route:
        case reason::http_request_denied:
            return unimplemented;
        case reason::http_request_error:
        case reason::proxy_internal_error:
        case reason::proxy_loop_detected:
        case reason::expectation_failed:
            return internal;
        default:
            return unavailable;
    }
}

exchange::response make_grpc_reply(const own_reply& about) {
    exchange::response made;
    made.head.status = 200;
    made.head.fields.add("Content-Type", content_type);
    add_status(made.head.fields, about.why);
    made.head.fields.add("Proxy-Status", proxy_status_of(about));
    if (!about.request_id.empty())
        made.head.fields.add("X-Request-Id", about.request_id);
    return made;
}

std::unique_ptr<exchange::body_source> make_grpc_body(std::unique_ptr<exchange::body_source> inner,
                                                      exchange::record& record) {
    return std::make_unique<grpc_body>(std::move(inner), record);
}

}  // namespace penstock::proxy
