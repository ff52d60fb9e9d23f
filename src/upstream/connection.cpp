#include "upstream/connection.hpp"

#include "penstock/net/error.hpp"

#include <span>
#include <utility>

namespace penstock::upstream {

void connection::begin_exchange(time_point now) noexcept {
    idled_ = exchanges_ > 0 ? now - idle_since_ : nanoseconds{0};
    ++exchanges_;
}

void connection::begin_idle(idle_owner& owner, place allowance, time_point now) noexcept {
    owner_ = &owner;
    allowance_ = std::move(allowance);
    idle_since_ = now;
    stream_.read_deadline_off();
    stream_.write_deadline_off();
    stream_.watch(this);
}

void connection::end_idle() noexcept {
    stream_.watch(nullptr);
    allowance_.release();
    owner_ = nullptr;
}

// TLS has records of its own (session tickets, key updates) that make the socket readable and carry
// no byte of a message; so a read decides, not the event.
connection::probe connection::look() {
    if (stream_.aborted())
        return probe::closed;
    if (!stream_.maybe_readable())
        return stream_.peer_closed() ? probe::closed : probe::quiet;
    char byte = 0;
    const result<std::size_t> got = stream_.read(std::span<char>(&byte, 1));
    if (got)
        return *got > 0 ? probe::bytes : probe::closed;
    if (got.error() != net::errc::would_block)
        return probe::closed;
    return stream_.peer_closed() ? probe::closed : probe::quiet;
}

bool connection::spoiled() { return look() != probe::quiet; }

void connection::close() noexcept {
    stream_.watch(nullptr);
    stream_.close();
    place_.release();
    allowance_.release();
    owner_ = nullptr;
}

void connection::on_readable() noexcept {
    if (owner_ == nullptr)
        return;
    const probe seen = look();
    if (seen != probe::quiet)
        owner_->on_idle_event(*this, seen == probe::closed);
}

void connection::on_peer_closed() noexcept {
    if (owner_ != nullptr)
        owner_->on_idle_event(*this, true);
}

}  // namespace penstock::upstream
