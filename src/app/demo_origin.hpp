// The origin of `penstock demo`: a small web server on a worker of its own, built from the proxy's
// own downstream side. It answers any request with what it was asked; /bytes/N with N bytes and
// /slow?ms=N after a while. Not part of the proxy.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/downstream/server.hpp"
#include "penstock/net/worker.hpp"

#include <memory>
#include <string>
#include <thread>

namespace penstock::app {

class demo_origin {
 public:
    // Listens on a free port of 127.0.0.1.
    [[nodiscard]] static result<std::unique_ptr<demo_origin>> start();
    demo_origin(const demo_origin&) = delete;
    demo_origin& operator=(const demo_origin&) = delete;
    // Ends its connections.
    ~demo_origin();

    [[nodiscard]] const net::socket_address& bound() const noexcept { return bound_; }

 private:
    demo_origin() = default;
    void listen(net::unique_fd fd);

    net::worker worker_{0};
    net::socket_address bound_;
    std::unique_ptr<downstream::server> server_;  // on the worker's thread
    std::thread thread_;
};

// The handler alone.
[[nodiscard]] std::shared_ptr<exchange::handler> make_demo_handler(net::worker& home);

}  // namespace penstock::app
