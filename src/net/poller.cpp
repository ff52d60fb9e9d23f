#include "penstock/net/poller.hpp"

#include "penstock/base/check.hpp"
#include "penstock/net/error.hpp"

#include <cerrno>

namespace penstock::net {

poller::poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { PENSTOCK_CHECK(epoll_); }

result<void> poller::add(socket& owner) {
    epoll_event interest{};
    interest.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    interest.data.ptr = &owner;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, owner.fd(), &interest) != 0) {
        return last_system_error();
    }
    return {};
}

void poller::take_out(const socket& owner) noexcept {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, owner.fd(), nullptr);
}

void poller::remove(const socket& owner) noexcept {
    if (present_ == &owner)
        present_ = nullptr;
    for (int i = delivered_; i < received_; ++i) {
        epoll_event& pending = events_[static_cast<std::size_t>(i)];
        if (pending.data.ptr == &owner)
            pending.data.ptr = nullptr;
    }
}

int poller::wait(int timeout_ms) noexcept {
    int count = ::epoll_wait(epoll_.get(), events_.data(), batch_max, timeout_ms);
    // SIGSTOP ends a wait, and what came until SIGCONT is not told yet.
    if (count < 0 && errno == EINTR)
        count = ::epoll_wait(epoll_.get(), events_.data(), batch_max, 0);
    PENSTOCK_CHECK(count >= 0 || errno == EINTR);
    return count < 0 ? 0 : count;
}

void poller::note(int count) noexcept {
    epoll_event* const end = events_.data() + count;
    for (epoll_event* next = events_.data(); next != end; ++next) {
        if (end - next > 2)
            static_cast<const socket*>(next[2].data.ptr)->prefetch_state();
        next->events = static_cast<socket*>(next->data.ptr)->note(next->events);
    }
}

std::size_t poller::dispatch(int count) {
    note(count);
    received_ = count;
    for (delivered_ = 0; delivered_ < received_;) {
        const epoll_event& next = events_[static_cast<std::size_t>(delivered_)];
        ++delivered_;
        if (received_ - delivered_ > 1)
            look_ahead();
        if (next.data.ptr == nullptr)
            continue;
        present_ = static_cast<socket*>(next.data.ptr);
        present_->tell(next.events);
    }
    present_ = nullptr;
    received_ = delivered_ = 0;
    return static_cast<std::size_t>(count);
}

// Of many sockets in one batch each has left the processor's caches since it was last served.
void poller::look_ahead() const noexcept {
    const auto at = [this](int index) {
        return index < received_
                   ? static_cast<const socket*>(events_[static_cast<std::size_t>(index)].data.ptr)
                   : nullptr;
    };
    if (const socket* const soon = at(delivered_))
        soon->prefetch_reader();
    __builtin_prefetch(at(delivered_ + 1));
}

}  // namespace penstock::net
