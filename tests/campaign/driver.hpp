// Sends payloads through a proxy and plays its origin, in one thread, and has every connection
// judged when it has ended.
//
// Flow: construct (listens as origin) → the caller starts a proxy in front of address() → run().
#pragma once

#include "campaign/judge.hpp"
#include "support/descriptor.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace penstock::campaign {

struct plan {
    std::uint64_t seed = 1;
    std::uint32_t first = 0;
    std::uint32_t count = 1000;
    std::size_t connections = 128;  // at a time
};

struct report {
    std::uint64_t payloads = 0;
    std::uint64_t damaged = 0;
    std::uint64_t requests = 0;  // at the origin
    std::uint64_t answers = 0;   // at the clients
    std::map<std::string, std::uint64_t> differences;
    // Differences by the first payload that showed each.
    std::map<std::string, std::uint32_t> examples;
    std::vector<std::string> findings;  // at most findings_max; each names its payload
    std::uint64_t findings_left_out = 0;
};
inline constexpr std::size_t findings_max = 50;

class driver {
 public:
    explicit driver(const plan& of);
    ~driver();
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;

    [[nodiscard]] std::uint16_t origin_port() const noexcept { return origin_port_; }
    // Prints what goes and comes, for one who looks into a finding.
    void show_everything() noexcept { shows_ = true; }
    // Until every payload is judged and every connection of the origin has ended or is idle.
    report run(std::uint16_t proxy_port);

 private:
    class client;
    class origin;
    class pacer;
    class socket_owner;

    void fill();
    void start_client();
    void accept_all();
    void wait();
    void end_overdue();
    void on_client_end(client& of);
    void on_arrival(arrived came);
    void note(std::uint32_t index, const std::string& finding);
    // `operation` is one of epoll_ctl(2).
    void watch(socket_owner& by, int operation) const;

    plan plan_;
    bool shows_ = false;
    report report_;
    test::descriptor poll_;
    test::descriptor listener_;
    std::uint16_t origin_port_ = 0;
    std::uint16_t proxy_port_ = 0;
    std::uint32_t next_ = 0;
    std::map<std::uint32_t, std::unique_ptr<client>> clients_;
    std::map<int, std::unique_ptr<origin>> origins_;
};

}  // namespace penstock::campaign
