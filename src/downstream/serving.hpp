// serving: what one exchange needs on this side, from the first byte of its head to the end of its
// response. A connection holds one only while it serves; servings are recycled per server with the
// capacity of their strings, so that a request in steady state allocates nothing here.
#pragma once

#include "downstream/h1_request_body.hpp"
#include "downstream/response_plan.hpp"
#include "penstock/downstream/server.hpp"
#include "penstock/http/h1_head.hpp"
#include "penstock/net/buffer_pool.hpp"
#include "penstock/net/deadline.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace penstock::downstream {

[[nodiscard]] http::head_limits head_limits_of(const config::limits& from) noexcept;

struct serving {
    explicit serving(std::shared_ptr<const listener_state> by);

    std::shared_ptr<const listener_state> state;  // that the head was read under
    http::h1_request_parser parser;
    exchange::request request;
    downstream::asked asked;
    exchange::record record;
    std::optional<exchange::abort_signal> aborted;
    std::optional<h1_request_body> body;
    std::string text;                            // the encoded heads
    std::unique_ptr<net::deadline> tunnel_idle;  // there while a tunnel runs
    net::read_buffer ahead;  // what came while the client was looked at for its leaving
    error ended;             // why the exchange ended early, by our doing
    bool head_sent = false;  // some byte of the response was handed to the kernel
};

class serving_pool {
 public:
    static constexpr std::size_t cached_max = 256;
    // Fields and text above this are not worth keeping for the next request.
    static constexpr std::size_t bytes_kept_max = std::size_t{16} * 1024;

    // Clean, under `state`.
    [[nodiscard]] std::unique_ptr<serving> take(const std::shared_ptr<const listener_state>& state);
    // Kept for reuse only if it belongs to `state`, so that nothing holds an old generation.
    void give_back(std::unique_ptr<serving> used,
                   const std::shared_ptr<const listener_state>& state);
    // Lets go of everything that refers to an earlier state.
    void clear() noexcept { free_.clear(); }
    [[nodiscard]] std::size_t cached() const noexcept { return free_.size(); }

 private:
    std::vector<std::unique_ptr<serving>> free_;
};

}  // namespace penstock::downstream
