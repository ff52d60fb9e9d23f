// A relay between a client and a server that are far from each other: what either sends arrives so
// much later, its end too. It limits no rate and holds as much as is under way. TCP itself sees no
// distance, as behind a balancer.
#pragma once

#include "support/descriptor.hpp"
#include "support/wait.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

namespace penstock::test {

class delay_line {
 public:
    // To 127.0.0.1:`to`; `each_way` is half of the round trip.
    delay_line(std::uint16_t to, milliseconds each_way);
    delay_line(const delay_line&) = delete;
    delay_line& operator=(const delay_line&) = delete;
    ~delay_line();

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
    class direction;
    struct pair;
    void run();

    std::uint16_t to_;
    std::uint16_t port_ = 0;
    milliseconds each_way_;
    descriptor listening_;
    descriptor stop_;  // an eventfd
    std::thread thread_;
};

}  // namespace penstock::test
