// read_ahead: a response's body that is taken from the origin ahead of a slow client, so that the
// origin's connection is free early. Stands around the body from the moment at which the client is
// seen to be slow; before that nothing of it exists.
//
// Flow: construct around a body of which no view is in use; it begins to take at once. Then as any
// body. How much it may hold is its account's matter.
//
// Lifetime: what it runs beside its consumer is joined by `close`.
#pragma once

#include "penstock/config/model.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/http/h2_data_queue.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/task_group.hpp"
#include "penstock/net/worker.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

namespace penstock::downstream {

// What the responses of one client connection hold, below the caps of its listener. `all` counts
// what all connections of the listener hold, on every worker.
class ahead_account {
 public:
    ahead_account(const config::buffer_limits& by, std::atomic<std::uint64_t>& all) noexcept
        : by_(by), all_(all) {}

    [[nodiscard]] std::uint64_t exchange_max() const noexcept { return by_.exchange; }
    // False, and nothing is charged, if a cap would be passed.
    [[nodiscard]] bool charge(std::uint64_t bytes) noexcept;
    void give_back(std::uint64_t bytes) noexcept;

 private:
    config::buffer_limits by_;
    std::atomic<std::uint64_t>& all_;
    std::uint64_t held_ = 0;
};

class read_ahead final : public exchange::body_source {
 public:
    // Null if the account has no room for as much as one block, and for `beside`: bytes that the
    // consumer keeps for as long as this lives. `inner` is taken only if it is not.
    [[nodiscard]] static std::unique_ptr<read_ahead> make(
        std::unique_ptr<exchange::body_source>& inner, net::worker& home,
        std::shared_ptr<ahead_account> account, exchange::ledger& ledger, std::uint64_t beside = 0);

    // How long a client may block before it is slow.
    static constexpr milliseconds patience = 100ms;
    // Bytes taken without a wait before others get their turn.
    static constexpr std::size_t turn_max = std::size_t{256} * 1024;

    ~read_ahead() override;

    [[nodiscard]] result<std::string_view> take(std::size_t max) override;
    [[nodiscard]] net::task<result<void>> wait() override;
    void wake() noexcept override;
    [[nodiscard]] bool finished() const noexcept override;
    [[nodiscard]] std::optional<std::uint64_t> length() const noexcept override { return length_; }
    [[nodiscard]] const http::fields& trailers() const noexcept override;
    void stop() noexcept override;
    [[nodiscard]] bool settled() const noexcept override { return closed_; }
    [[nodiscard]] net::task<> close() override;

 private:
    read_ahead(std::unique_ptr<exchange::body_source> inner, net::worker& home,
               std::shared_ptr<ahead_account> account, exchange::ledger& ledger);
    net::task<> run();
    [[nodiscard]] bool take_some();
    [[nodiscard]] bool may_append() noexcept;
    void drop_given() noexcept;

    std::unique_ptr<exchange::body_source> inner_;
    net::worker& home_;
    std::shared_ptr<ahead_account> account_;
    exchange::ledger& ledger_;
    std::optional<std::uint64_t> length_;
    http::h2_data_queue held_;
    std::size_t given_ = 0;  // of held_, still read by the consumer
    // To the account. One block always is, so that a body that nothing is held of can move.
    std::uint64_t charged_ = 0;
    std::uint64_t beside_bytes_ = 0;  // charged for the consumer
    std::size_t in_turn_ = 0;
    http::fields trailers_;
    net::task_group beside_;
    net::event changed_;
    net::event room_;
    error failed_;
    bool ended_ = false;     // every byte is here
    bool stopping_ = false;  // nobody takes any more
    bool closed_ = false;    // the inner body is
    bool woken_ = false;
};

}  // namespace penstock::downstream
