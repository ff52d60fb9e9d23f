#include "proxy/digest_body.hpp"

#include "penstock/exchange/text_body.hpp"
#include "penstock/net/digest.hpp"

#include <string>
#include <utility>

namespace penstock::proxy {
namespace {

constexpr std::string_view field_name = "Content-Digest";

// A dictionary of one byte sequence (RFC 8941 §3.2, §3.3.5).
std::string field_value(net::sha256& of) { return "sha-256=:" + of.finish() + ":"; }

class digest_body final : public exchange::body_source {
 public:
    digest_body(std::unique_ptr<exchange::body_source> inner, bool passes_others)
        : inner_(std::move(inner)), passes_others_(passes_others) {}

    result<std::string_view> take(std::size_t max) override {
        const result<std::string_view> data = inner_->take(max);
        if (data)
            sum_.update(*data);
        if (data && inner_->finished() && trailers_.empty())
            add_trailers();
        return data;
    }
    net::task<result<void>> wait() override { return inner_->wait(); }
    void park() override { inner_->park(); }
    void wake() noexcept override { inner_->wake(); }
    bool finished() const noexcept override { return inner_->finished() && !trailers_.empty(); }
    std::optional<std::uint64_t> length() const noexcept override { return std::nullopt; }
    const http::fields& trailers() const noexcept override { return trailers_; }
    void stop() noexcept override { inner_->stop(); }
    bool settled() const noexcept override { return inner_->settled(); }
    net::task<> close() override { return inner_->close(); }

 private:
    void add_trailers() {
        if (passes_others_)
            trailers_ = inner_->trailers();
        trailers_.add(field_name, field_value(sum_));
    }

    std::unique_ptr<exchange::body_source> inner_;
    net::sha256 sum_;
    http::fields trailers_;
    bool passes_others_;
};

}  // namespace

bool wants_digest(const exchange::request& from, const exchange::response& to) {
    const int status = to.head.status;
    return to.body && !to.upgraded && status != 204 && status != 304 &&
           from.head.verb != http::method::head && from.head.version != http::version::http_1_0 &&
           !to.head.fields.find(field_name);
}

net::task<result<void>> digest_in_head(exchange::response& of) {
    std::string content;
    while (!of.body->finished()) {
        const result<std::string_view> data = of.body->take(digest_head_max);
        if (!data)
            co_return data.error();
        content.append(*data);
        if (!data->empty() || of.body->finished())
            continue;
        const result<void> waited = co_await of.body->wait();
        if (!waited)
            co_return waited;
    }
    http::fields trailers = of.body->trailers();
    co_await of.body->close();
    net::sha256 sum;
    sum.update(content);
    of.head.fields.add(field_name, field_value(sum));
    of.body = exchange::make_text_body(std::move(content), std::move(trailers));
    co_return result<void>();
}

void digest_in_trailer(exchange::response& of, bool passes_others) {
    of.head.fields.add("Trailer", field_name);
    of.body = std::make_unique<digest_body>(std::move(of.body), passes_others);
}

}  // namespace penstock::proxy
