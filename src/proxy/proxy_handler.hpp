// The handler behind make_handler: what it decides for one request, on one worker, under one
// generation.
//
//   handle ─► refused (TRACE, CONNECT, loop, no route)
//        ├─► static reply or redirect
//        └─► forward: prepare the head ─► attempt ─► response
//                                           ▲   └─► failed ─► reply
//                                           └───────── retry
#pragma once

#include "penstock/proxy/failure.hpp"
#include "penstock/proxy/handler.hpp"
#include "proxy/compiled_route.hpp"
#include "proxy/http_date.hpp"
#include "proxy/request_id.hpp"
#include "proxy/total_deadline.hpp"

#include <memory>
#include <string>

namespace penstock::proxy {

class proxy_handler final : public exchange::handler {
 public:
    explicit proxy_handler(handler_parts parts);

    [[nodiscard]] net::task<exchange::response> handle(exchange::request& from) override;
    [[nodiscard]] exchange::response refuse(exchange::request& from, exchange::reason why) override;
    [[nodiscard]] std::uint64_t body_limit(const exchange::request& of) const override;
    [[nodiscard]] bool takes_websockets() const noexcept override { return takes_websockets_; }
    void finished(const exchange::record& of) noexcept override;
    [[nodiscard]] exchange::reason reason_of(error why) const noexcept override;

 private:
    // proxy_handler.cpp
    void identify(exchange::request& from);
    [[nodiscard]] bool is_loop(const http::fields& of) const noexcept;
    [[nodiscard]] std::optional<std::size_t> find_route(const exchange::request& of) const;
    [[nodiscard]] bool is_ambiguous(const exchange::request& of, std::size_t route);
    void settle_story(exchange::request& from, const compiled_route& by);
    [[nodiscard]] exchange::response reply(exchange::request& from, exchange::reason why);
    // For breaking a rule of ours, named in our own words.
    [[nodiscard]] exchange::response refuse_by(exchange::request& from, std::string_view rule,
                                               exchange::reason why);
    [[nodiscard]] bool takes_websockets(std::size_t route) const noexcept;
    [[nodiscard]] exchange::response answer(exchange::request& from, const compiled_route& by);
    [[nodiscard]] exchange::response answer_options();
    void complete(http::response_head& head, const text_facts& of, const compiled_route& by);

    // forward.cpp
    // Where a request goes.
    struct destination {
        const compiled_route& route;
        const route_target& target;
        upstream::cluster& cluster;
    };
    [[nodiscard]] destination choose(const compiled_route& by) noexcept;
    // Who asks, and how it came here.
    void tell_origin(exchange::request& from);
    // Why it cannot be forwarded, if the route makes a path or a host of it that is none; the
    // record then has the detail.
    [[nodiscard]] exchange::reason prepare(exchange::request& from, const destination& to);
    // What stands for the origin's address in its Location fields: what the client asked for.
    [[nodiscard]] std::string_view client_authority(const exchange::request& of);
    net::task<exchange::response> forward(exchange::request& from, destination to,
                                          std::unique_ptr<total_deadline> until);
    // What came from the origin, as the client is to have it.
    void finish_head(exchange::response& response, const exchange::request& of,
                     const destination& to, std::size_t endpoint);
    // With the digest that the route asks for, where it belongs.
    [[nodiscard]] net::task<exchange::response> digested(exchange::request& from,
                                                         exchange::response of);
    void count(const upstream::attempt& made, const upstream::shared_upstream& of) noexcept;
    [[nodiscard]] std::unique_ptr<total_deadline> start_deadline(exchange::request& from,
                                                                 const config::route& by) const;

    handler_parts parts_;
    const proxy::generation& generation_;
    request_id_maker ids_;
    http_date date_;
    std::uint64_t random_;           // for shares of requests
    std::string scratch_;            // of one call
    std::string text_;               // likewise, where another is in use
    bool limits_bodies_ = false;     // some route has a body limit of its own
    bool takes_websockets_ = false;  // some route does
};

}  // namespace penstock::proxy
