// What the demo's origin answers.
#include "app/demo_origin.hpp"
#include "app/text.hpp"
#include "penstock/exchange/text_body.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/event.hpp"
#include "penstock/proxy/failure.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace penstock::app {
namespace {

constexpr std::uint64_t bytes_max = std::uint64_t{1} << 40;
constexpr std::uint64_t slow_ms_max = 60'000;
constexpr std::size_t take_bytes = std::size_t{64} << 10;

std::optional<std::uint64_t> number_of(std::string_view text, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || stop != text.data() + text.size() || value > most)
        return std::nullopt;
    return value;
}

// A body of the alphabet over and over.
class alphabet_body final : public exchange::body_source {
 public:
    explicit alphabet_body(std::uint64_t size) noexcept : size_(size), left_(size) {
        for (std::size_t i = 0; i < text_.size(); ++i)
            text_[i] = i % line_length == line_length - 1 ? '\n' : static_cast<char>('a' + i % 26);
    }

    result<std::string_view> take(std::size_t max) override {
        const auto count =
            static_cast<std::size_t>(std::min<std::uint64_t>({left_, max, text_.size()}));
        left_ -= count;
        return std::string_view(text_.data(), count);
    }
    net::task<result<void>> wait() override { co_return result<void>(); }
    bool finished() const noexcept override { return left_ == 0; }
    std::optional<std::uint64_t> length() const noexcept override { return size_; }
    const http::fields& trailers() const noexcept override { return trailers_; }
    void stop() noexcept override { left_ = 0; }
    net::task<> close() override { co_return; }

 private:
    static constexpr std::size_t line_length = 64;

    std::uint64_t size_;
    std::uint64_t left_;
    http::fields trailers_;
    std::array<char, 16384> text_;
};

class pause final : public net::deadline {
 public:
    pause(net::worker& home, milliseconds time) : passed(home) {
        arm(home.deadlines(), home.now() + time, net::errc{});
    }
    ~pause() override = default;
    net::event passed;

 private:
    void on_expire(error) noexcept override { passed.set(); }
};

exchange::response make_response(int status, std::string_view type, std::string text) {
    exchange::response made;
    made.head.status = status;
    made.head.fields.add("Content-Type", type);
    made.head.fields.add("Server", "penstock-demo");
    made.body = exchange::make_text_body(std::move(text));
    return made;
}

std::string mirror_json(const exchange::request& of, std::uint64_t body_bytes) {
    std::string text = "{\n  \"method\": " + json_string(of.head.method_text) +
                       ",\n  \"path\": " + json_string(of.head.path + of.head.query) +
                       ",\n  \"host\": " + json_string(of.head.authority) +
                       ",\n  \"body_bytes\": " + std::to_string(body_bytes) + ",\n  \"headers\": {";
    bool first = true;
    for (const auto field : of.head.fields) {
        text += (first ? "\n    " : ",\n    ") + json_string(field.name) + ": " +
                json_string(field.value);
        first = false;
    }
    return text + "\n  }\n}\n";
}

std::string mirror_html(const exchange::request& of) {
    std::string text =
        "<!doctype html><meta charset=utf-8><title>Penstock demo</title>"
        "<style>body{font:16px/1.5 system-ui;max-width:50em;margin:3em auto;padding:0 1em}"
        "td{padding:.1em 1em .1em 0;vertical-align:top}</style>"
        "<h1>It works.</h1><p>This page comes from the demo's origin, through the proxy. "
        "It was asked for <code>" +
        html_text(of.head.method_text + " " + of.head.path + of.head.query) +
        "</code> with these fields:</p><table>";
    for (const auto field : of.head.fields)
        text += "<tr><td><code>" + html_text(field.name) + "</code><td><code>" +
                html_text(field.value) + "</code>";
    return text +
           "</table><p>Try <a href=/bytes/1000>/bytes/1000</a> and "
           "<a href=\"/slow?ms=500\">/slow?ms=500</a>.</p>\n";
}

class demo_handler final : public exchange::handler {
 public:
    explicit demo_handler(net::worker& home) noexcept : home_(home) {}

    net::task<exchange::response> handle(exchange::request& from) override {
        std::uint64_t body_bytes = 0;
        const result<void> read = co_await read_body(from, body_bytes);
        if (!read)
            co_return refuse(from, exchange::reason::client_gone);
        const std::string_view path = from.head.path;
        if (path == "/slow")
            co_await wait_as_asked(from.head.query);
        if (path.starts_with("/bytes/"))
            co_return bytes(path.substr(7), from.head.verb);
        if (proxy::prefers_html(from.head.fields))
            co_return make_response(200, "text/html; charset=utf-8", mirror_html(from));
        co_return make_response(200, "application/json", mirror_json(from, body_bytes));
    }

    exchange::response refuse(exchange::request& from, exchange::reason why) override {
        proxy::own_reply about;
        about.why = why;
        about.html = proxy::prefers_html(from.head.fields);
        return proxy::make_reply(about);
    }
    std::uint64_t body_limit(const exchange::request&) const override { return 0; }
    void finished(const exchange::record&) noexcept override {}
    exchange::reason reason_of(error why) const noexcept override {
        return exchange::reason_of_client(why);
    }

 private:
    static net::task<result<void>> read_body(exchange::request& from, std::uint64_t& bytes) {
        while (!from.body->finished()) {
            const result<std::string_view> taken = from.body->take(take_bytes);
            if (!taken)
                co_return taken.error();
            bytes += taken->size();
            if (!taken->empty() || from.body->finished())
                continue;
            const result<void> waited = co_await from.body->wait();
            if (!waited)
                co_return waited.error();
        }
        co_return result<void>();
    }

    // "?ms=250"; half a second if nothing usable is there.
    net::task<> wait_as_asked(std::string_view query) {
        const std::uint64_t asked =
            query.starts_with("?ms=") ? number_of(query.substr(4), slow_ms_max).value_or(500) : 500;
        pause waits(home_, milliseconds(static_cast<std::int64_t>(asked)));
        co_await waits.passed;
    }

    static exchange::response bytes(std::string_view count, http::method verb) {
        const auto size = number_of(count, bytes_max);
        if (!size)
            return make_response(400, "text/plain", "/bytes/N: N is a number\n");
        exchange::response made = make_response(200, "text/plain", "");
        if (verb == http::method::head) {
            made.announced_length = *size;
        } else if (*size > 0) {
            made.body = std::make_unique<alphabet_body>(*size);
        }
        return made;
    }

    net::worker& home_;
};

}  // namespace

std::shared_ptr<exchange::handler> make_demo_handler(net::worker& home) {
    return std::make_shared<demo_handler>(home);
}

}  // namespace penstock::app
