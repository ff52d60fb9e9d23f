// body_watch: the request bodies that one server waits for, and which of them it ends under
// pressure (ATTACKS F-2). Without pressure a client may send as slowly as it likes. Under pressure,
// bodies below `limits.body_rate` end: the slowest first, and gRPC calls after all others. A
// connection that loses one loses all of its slow ones, because it takes its place until then.
//
// Pressure is: the listener has more connections than three quarters of its cap, over all workers;
// or the process's memory is above its first mark.
//
// Lifetime: a body is in the list from its first wait on, and leaves it as it ends. Looks once a
// second while there is one.
#pragma once

#include "penstock/downstream/server.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/worker.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace penstock::downstream {

class body_watch;

// What the watch knows of a body.
class watched_body {
 public:
    watched_body() = default;
    watched_body(const watched_body&) = delete;
    watched_body& operator=(const watched_body&) = delete;

    // Bytes a second, if it is its client's turn and was for long enough to say.
    [[nodiscard]] virtual std::optional<std::uint64_t> rate(time_point now) const noexcept = 0;
    // What it came on; the same for all bodies of one connection.
    [[nodiscard]] virtual const void* connection() const noexcept = 0;
    // It says that it is a call of gRPC.
    [[nodiscard]] virtual bool is_call() const noexcept = 0;
    // It fails with errc::body_timeout. Nobody is resumed within.
    virtual void cut() noexcept = 0;

 protected:
    virtual ~watched_body() { unwatch(); }
    void unwatch() noexcept;

 private:
    friend class body_watch;
    body_watch* watch_ = nullptr;
    watched_body* previous_ = nullptr;
    watched_body* next_ = nullptr;
};

class body_watch final : private net::deadline {
 public:
    static constexpr milliseconds interval = 1s;
    // A connection takes its place for a while after its bodies were cut: for its client to read
    // the answer. One that stays for longer has other work, and counts like any other again.
    static constexpr milliseconds leave_time = 10s;
    // While memory is short, one of so many connections with slow bodies gives them up at each
    // look.
    static constexpr std::size_t memory_share = 4;

    // All of it outlives the watch; `state` is the present one at each look.
    body_watch(net::worker& home, const net::connection_count& counts,
               const std::shared_ptr<const listener_state>& state,
               const server_counters& counters) noexcept
        : home_(home), counts_(counts), state_(state), counters_(counters) {}
    ~body_watch() override;

    // No more than once matters. Nothing is watched where the listener asks for no rate.
    void add(watched_body& one) noexcept;
    // This one is closed, whether or not a body of it was cut.
    void note_closed(const void* connection) noexcept {
        if (!leaving_.empty())
            leaving_.erase(connection);
    }

    struct candidate {
        watched_body* body;
        const void* connection;
        bool call;
        std::uint64_t rate;
    };
    using connection_set = std::unordered_set<const void*>;
    // Those to end first come first: all of connections that are leaving, and of no more than
    // `most` others, where calls wait for the next look. A place is free only once the last slow
    // body of its connection has ended.
    static void choose(std::vector<candidate>& among, std::size_t most,
                       const connection_set& leaving = {});
    // How many of its connections a worker that has `own` of `open` has to give up, so that a
    // listener with this cap is not above three quarters of it. 0 = no cap.
    [[nodiscard]] static std::uint64_t excess(std::uint64_t open, std::uint64_t cap,
                                              std::uint64_t own) noexcept;

 private:
    friend class watched_body;
    void remove(watched_body& one) noexcept;
    void on_expire(error why) noexcept override;
    [[nodiscard]] std::vector<candidate> slow_ones() const;
    [[nodiscard]] std::uint64_t connections_over() const noexcept;
    [[nodiscard]] connection_set take_leaving();

    net::worker& home_;
    const net::connection_count& counts_;
    const std::shared_ptr<const listener_state>& state_;
    const server_counters& counters_;
    watched_body* first_ = nullptr;
    // Connections whose bodies were cut, until when they are expected to be gone.
    std::unordered_map<const void*, time_point> leaving_;
};

}  // namespace penstock::downstream
