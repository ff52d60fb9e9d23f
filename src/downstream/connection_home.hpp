// connection_home: what the connections of one server share.
#pragma once

#include "downstream/body_watch.hpp"
#include "downstream/record_pool.hpp"
#include "downstream/serving.hpp"
#include "penstock/downstream/server.hpp"
#include "penstock/net/stream.hpp"
#include "penstock/net/tls.hpp"
#include "penstock/net/worker.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace penstock::downstream {

// How many events of a kind are written to the log: `most` within a second.
class event_budget {
 public:
    static constexpr std::uint64_t most = 50;

    // How many were left out since the last one that was written; nothing if this one is, too.
    [[nodiscard]] std::optional<std::uint64_t> take(time_point now) noexcept {
        if (now - began_ >= 1s) {
            began_ = now;
            count_ = 0;
        }
        if (count_ >= most) {
            ++left_out_;
            return std::nullopt;
        }
        ++count_;
        return std::exchange(left_out_, 0);
    }

 private:
    time_point began_{};
    std::uint64_t count_ = 0;
    std::uint64_t left_out_ = 0;
};

struct connection_home {
    connection_home(net::worker& on, std::shared_ptr<const listener_state> by,
                    net::connection_count& shared) noexcept
        : worker(on), counts(shared), state(std::move(by)), bodies(on, shared, state, counters) {}

    // One more request of this client; false if it has sent too many within a second, which it is
    // then told.
    [[nodiscard]] bool admits(exchange::request& of) const {
        const std::uint32_t most = state->settings.limit.requests_per_address;
        if (most == 0 || counts.requests_by_address.add(of.client_address(), most, worker.now()))
            return true;
        of.retry_after = 1s;
        return false;
    }

    // RFC 9110 §7.4: with client certificates, a connection serves the hosts whose policy was
    // checked by its handshake, and no other.
    [[nodiscard]] static bool is_misdirected(const net::stream& over, std::string_view host) {
        const net::tls_site* const site = over.tls().site;
        return site != nullptr && !net::tls_site_serves(*site, host);
    }

    net::worker& worker;
    net::connection_count& counts;  // of the listener, over all workers
    std::shared_ptr<const listener_state> state;
    server_counters counters;
    body_watch bodies;
    event_budget failed_handshakes;
    serving_pool servings;
    record_pool records;
    bool draining = false;
};

}  // namespace penstock::downstream
