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
    [[nodiscard]] std::uint64_t body_limit(const http::request_head& head) const override;
    [[nodiscard]] bool takes_websockets() const noexcept override { return takes_websockets_; }
    void finished(const exchange::record& of) noexcept override;
    [[nodiscard]] exchange::reason reason_of(error why) const noexcept override;

 private:
    // proxy_handler.cpp
    void identify(exchange::request& from, bool trusted);
    [[nodiscard]] bool is_loop(const http::fields& of) const noexcept;
    [[nodiscard]] exchange::response reply(exchange::request& from, exchange::reason why);
    // For breaking a rule of ours, named in our own words.
    [[nodiscard]] exchange::response refuse_by(exchange::request& from, std::string_view rule);
    [[nodiscard]] bool takes_websockets(std::size_t route) const noexcept;
    [[nodiscard]] exchange::response answer(const config::route& by);
    [[nodiscard]] exchange::response answer_options();
    void complete(http::response_head& head, const config::route& by);

    // forward.cpp
    void prepare(exchange::request& from, const config::route& by, bool trusted);
    net::task<exchange::response> forward(exchange::request& from, const config::route& by,
                                          upstream::cluster& to,
                                          std::unique_ptr<total_deadline> until);
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
    std::string scratch_;            // of one call
    bool limits_bodies_ = false;     // some route has a body limit of its own
    bool takes_websockets_ = false;  // some route does
};

}  // namespace penstock::proxy
