#include "upstream/connection.hpp"

#include "penstock/net/error.hpp"

#include <span>
#include <utility>

namespace penstock::upstream {

void connection::begin_exchange(time_point now) noexcept {
    idled_ = exchanges_ > 0 ? idle_period{idle_since_, now} : idle_period{};
    ++exchanges_;
}

void connection::begin_idle(idle_owner& owner, place allowance) noexcept {
    owner_ = &owner;
    allowance_ = std::move(allowance);
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
connection::condition connection::look(source at) {
    if (stream_.aborted())
        return condition::closed;
    if (at == source::kernel)
        stream_.ask_again();
    if (!stream_.maybe_readable())
        return stream_.peer_closed() ? condition::closed : condition::quiet;
    char byte = 0;
    const result<std::size_t> got = stream_.read(std::span<char>(&byte, 1));
    if (got)
        return *got > 0 ? condition::bytes : condition::closed;
    if (got.error() != net::errc::would_block)
        return condition::closed;
    return stream_.peer_closed() ? condition::closed : condition::quiet;
}

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
    const condition seen = look(source::memory);
    if (seen != condition::quiet)
        owner_->on_idle_event(*this, seen == condition::closed);
}

void connection::on_peer_closed() noexcept {
    if (owner_ != nullptr)
        owner_->on_idle_event(*this, true);
}

}  // namespace penstock::upstream
