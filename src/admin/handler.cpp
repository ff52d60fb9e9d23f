#include "penstock/admin/admin.hpp"
#include "penstock/exchange/text_body.hpp"
#include "penstock/proxy/failure.hpp"
#include "penstock/upstream/failure.hpp"

#include <utility>

namespace penstock::admin {
namespace {

using exchange::reason;

constexpr std::string_view plain = "text/plain; charset=utf-8";
constexpr std::string_view index_text =
    "/metrics  Prometheus text format\n"
    "/healthz  200 while the process serves\n"
    "/readyz   200 when ready, 503 while draining\n"
    "/status   JSON: generation, workers, listeners, upstreams\n";

exchange::response page(int status, std::string_view type, std::string text) {
    exchange::response made;
    made.head.status = status;
    made.head.fields.add("Content-Type", type);
    made.head.fields.add("Cache-Control", "no-store");
    made.body = exchange::make_text_body(std::move(text));
    return made;
}

class admin_handler final : public exchange::handler {
 public:
    explicit admin_handler(const process_source& of) noexcept : process_(of) {}

    net::task<exchange::response> handle(exchange::request& from) override {
        const bool reads =
            from.head.verb == http::method::get || from.head.verb == http::method::head;
        if (!reads)
            co_return method_not_allowed();
        co_return answer(from);
    }
    exchange::response refuse(exchange::request&, reason why) override {
        return make_reply(proxy::own_reply{why, {}, false});
    }
    std::uint64_t body_limit(const exchange::request&) const override { return 64 * config::kib; }
    void finished(const exchange::record&) noexcept override {}
    reason reason_of(error why) const noexcept override { return upstream::reason_of(why); }

 private:
    exchange::response answer(exchange::request& from) {
        const std::string& path = from.head.path;
        if (path == "/metrics")
            return page(200, "text/plain; version=0.0.4; charset=utf-8",
                        metrics_text(process_.view()));
        if (path == "/healthz")
            return page(200, plain, "ok\n");
        if (path == "/readyz")
            return readiness();
        if (path == "/status")
            return page(200, "application/json", status_json(process_.view()));
        if (path == "/")
            return page(200, plain, std::string(index_text));
        return make_reply(proxy::own_reply{reason::no_route, {}, false});
    }
    exchange::response readiness() {
        const process_view view = process_.view();
        if (view.ready)
            return page(200, plain, "ready\n");
        return page(503, plain, view.draining ? "draining\n" : "starting\n");
    }
    static exchange::response method_not_allowed() {
        exchange::response made =
            make_reply(proxy::own_reply{reason::http_request_denied, {}, false});
        made.head.fields.set("Allow", "GET, HEAD");
        return made;
    }

    const process_source& process_;
};

}  // namespace

std::shared_ptr<exchange::handler> make_handler(const process_source& of) {
    return std::make_shared<admin_handler>(of);
}

}  // namespace penstock::admin
