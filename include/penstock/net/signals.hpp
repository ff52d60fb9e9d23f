// signal_source: POSIX signals as ordinary work of one worker. The signals are blocked for the
// whole process and read from a descriptor, so a handler may do anything that other work may do.
//
// Flow: `signal_source::block(...)` in main before the first thread starts (threads inherit the
// mask), then one source on the worker that is to handle them. Lifetime: destroyed on that worker,
// not by its own handler, or after the worker has returned; the signals stay blocked.
#pragma once

#include "penstock/net/socket.hpp"

#include <functional>
#include <initializer_list>
#include <span>

namespace penstock::net {

class signal_source final : private socket_watcher {
 public:
    static void block(std::span<const int> signals);
    static void block(std::initializer_list<int> signals) {
        block(std::span<const int>(signals.begin(), signals.size()));
    }

    // `handler` is called with each signal's number; signals of one kind that come together may be
    // delivered once. It must not throw.
    signal_source(worker& home, std::span<const int> signals, std::function<void(int)> handler);
    signal_source(worker& home, std::initializer_list<int> signals,
                  std::function<void(int)> handler);

 private:
    void on_readable() noexcept override;

    std::function<void(int)> handler_;
    socket socket_;
};

}  // namespace penstock::net
