#include "penstock/net/signals.hpp"

#include "penstock/base/check.hpp"
#include "penstock/net/worker.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

namespace penstock::net {
namespace {

sigset_t set_of(std::span<const int> signals) noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : signals)
        PENSTOCK_CHECK(::sigaddset(&set, number) == 0);
    return set;
}

unique_fd open_signals(std::span<const int> signals) {
    const sigset_t set = set_of(signals);
    return unique_fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

}  // namespace

void signal_source::block(std::span<const int> signals) {
    const sigset_t set = set_of(signals);
    PENSTOCK_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
}

signal_source::signal_source(worker& home, std::span<const int> signals,
                             std::function<void(int)> handler)
    : handler_(std::move(handler)), socket_(home, open_signals(signals)) {
    PENSTOCK_CHECK(socket_.fd() >= 0 && !socket_.aborted());
    socket_.watch(this);
}

signal_source::signal_source(worker& home, std::initializer_list<int> signals,
                             std::function<void(int)> handler)
    : signal_source(home, std::span<const int>(signals.begin(), signals.size()),
                    std::move(handler)) {}

void signal_source::on_readable() noexcept {
    signalfd_siginfo one{};
    while (!socket_.aborted() && ::read(socket_.fd(), &one, sizeof one) == sizeof one)
        handler_(static_cast<int>(one.ssi_signo));
    socket_.drained(false);
}

}  // namespace penstock::net
