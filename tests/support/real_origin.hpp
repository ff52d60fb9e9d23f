// Origins that users run: nginx and Node (both of its versions of HTTP), started with a temporary
// configuration on a free port.
#pragma once

#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::test {

class nginx_origin {
 public:
    // `server` is what stands in the server block, for example
    // "location / { return 200 'hello'; }". Files under files() are served from its root.
    explicit nginx_origin(std::string_view server);

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] const temp_dir& files() const noexcept { return dir_; }

 private:
    bool start(std::string_view server);

    temp_dir dir_;
    std::uint16_t port_ = 0;
    std::optional<process> process_;
};

class node_origin {
 public:
    // `body` is the body of `(request, response) => { … }` of an http server; `setup` may set
    // properties of `server`, for example "server.keepAliveTimeout = 5000;". Port 0 takes a free
    // one.
    explicit node_origin(std::string_view body, std::string_view setup = {},
                         std::uint16_t port = 0);

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] process& running() noexcept { return *process_; }

 private:
    temp_dir dir_;
    std::uint16_t port_ = 0;
    std::optional<process> process_;
};

// Node's HTTP/2 server, without TLS.
class node_h2_origin {
 public:
    // `body` is the body of `(stream, headers) => { … }`; `options` those of createServer.
    explicit node_h2_origin(std::string_view body, std::string_view options = "{}",
                            std::uint16_t port = 0);

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] process& running() noexcept { return *process_; }

 private:
    temp_dir dir_;
    std::uint16_t port_ = 0;
    std::optional<process> process_;
};

}  // namespace penstock::test
