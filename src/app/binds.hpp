// Which listening sockets a new configuration opens, keeps and closes. Pure. Servers are kept by
// the name of their listener; a listener with a new name takes over the server of one that is gone
// if they share an address, so that renaming a listener closes no socket.
#pragma once

#include "penstock/config/model.hpp"
#include "penstock/net/endpoint.hpp"
#include "penstock/net/listener.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace penstock::app {

// A server's key: stays the same for as long as the server lives.
using server_key = std::uint64_t;

struct bound_address {
    config::address configured;
    net::socket_address at;  // with the port that the kernel picked for port 0
    // Of a Unix socket; goes with the last who has it.
    std::shared_ptr<const net::unix_file> file = nullptr;
};

// Where `at` is, and how it is opened: "*" is every address of both families.
struct bind_target {
    net::socket_address at;
    bool both_families = false;
};
[[nodiscard]] result<bind_target> target_of(const config::address& at);

// What one server listens on at present.
struct bound_server {
    server_key key = 0;
    std::string listener;
    std::vector<bound_address> binds;
};

struct listener_change {
    server_key key = 0;  // a fresh one for a new server
    bool fresh = true;
    std::vector<bound_address> kept;
    std::vector<config::address> opened;
    std::vector<net::socket_address> closed;
};

struct bind_plan {
    std::vector<listener_change> listeners;  // as in the configuration
    std::vector<server_key> gone;
};

// Or the one reason why it cannot be done while running.
struct bind_conflict {
    config::location where;
    std::string message;
};

[[nodiscard]] std::variant<bind_plan, bind_conflict> plan_binds(
    const std::vector<bound_server>& present, const std::vector<config::listener>& wanted,
    server_key next_key);

}  // namespace penstock::app
