// One edge-triggered epoll set: descriptors are added once and removed by closing them. `poll`
// waits, notes in each socket what happened to it, then tells each; coroutines run inside that
// call. So whoever runs first already sees that another socket of the batch was closed.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/net/socket.hpp"

#include <sys/epoll.h>
#include <array>

namespace penstock::net {

class poller {
 public:
    static constexpr int batch_max = 256;  // events taken per turn, for fairness with other work

    poller();

    [[nodiscard]] int fd() const noexcept { return epoll_.get(); }
    // The socket is told of IN, OUT, RDHUP, HUP and ERR until it is closed.
    [[nodiscard]] result<void> add(socket& owner);
    // Forgets events of `owner` that this turn has not delivered yet.
    void remove(const socket& owner) noexcept;
    // Before that, of one whose file stays open elsewhere.
    void take_out(const socket& owner) noexcept;
    // True while `owner` is being told of its events and has not been closed meanwhile.
    [[nodiscard]] bool delivers_to(const socket& owner) const noexcept {
        return present_ == &owner;
    }
    // Waits at most until `timeout` (rounded up to 1 ms; negative = forever). `woken` is called
    // right after the wait, before the first event, so that the worker can read its clock.
    template <class Woken>
    std::size_t poll(int timeout_ms, Woken woken) {
        const int count = wait(timeout_ms);
        woken();
        return dispatch(count);
    }

 private:
    [[nodiscard]] int wait(int timeout_ms) noexcept;
    std::size_t dispatch(int count);
    void note(int count) noexcept;
    void look_ahead() const noexcept;

    unique_fd epoll_;
    std::array<epoll_event, batch_max> events_{};
    socket* present_ = nullptr;
    int delivered_ = 0;
    int received_ = 0;
};

}  // namespace penstock::net
