#include "penstock/net/stream.hpp"

#include "net/tls_session.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/worker.hpp"

#include <algorithm>

namespace penstock::net {
namespace {

// The slab goes back at once, so a peer that lingers costs no memory.
result<std::size_t> drop_once(stream& from) {
    const slab scratch = from.home().buffers().take_small();
    return from.discard({scratch.data(), scratch.size()});
}

// Drops the first `count` bytes of a list of buffers; returns what is left of it.
std::span<iovec> skip(std::span<iovec> parts, std::size_t count) noexcept {
    while (!parts.empty() && count >= parts.front().iov_len) {
        count -= parts.front().iov_len;
        parts = parts.subspan(1);
    }
    if (count > 0) {
        parts.front().iov_base = static_cast<char*>(parts.front().iov_base) + count;
        parts.front().iov_len -= count;
    }
    return parts;
}

}  // namespace

stream::stream(worker& home, unique_fd fd) : socket_(home, std::move(fd)) {}

stream::~stream() = default;

task<result<void>> stream::accept_tls(tls_context& context) {
    auto created = tls_session::create(socket_, context, tls_session::role::server, {});
    if (!created)
        co_return created.error();
    tls_ = std::move(*created);
    co_return co_await handshake();
}

task<result<void>> stream::connect_tls(tls_context& context, std::string server_name,
                                       std::string origin) {
    tls_session::peer with{std::move(server_name), std::move(origin)};
    auto created =
        tls_session::create(socket_, context, tls_session::role::client, std::move(with));
    if (!created)
        co_return created.error();
    tls_ = std::move(*created);
    co_return co_await handshake();
}

// A client that left sooner is told apart from others by what it said.
constexpr milliseconds impatience = 100ms;

task<result<void>> stream::handshake() {
    for (;;) {
        const bool heavy = tls_->may_meet_hello();
        if (heavy) {
            const time_point since = home().now();
            heavy_turn mine(home());
            co_await mine;
            // Whoever left meanwhile is not worth it.
            if (socket_.peer_closed() && home().now() - since > impatience) {
                home().give_back_heavy_turn();
                tls_->note_unread();
                co_return error(errc::end_of_stream);
            }
        }
        const result<void> step = tls_->handshake();
        // It was only a piece of a hello, or nothing.
        if (heavy && !tls_->answered())
            home().give_back_heavy_turn();
        if (step || step.error() != errc::would_block)
            co_return step;
        // Named first: GCC 12 destroys a temporary of a co_await expression twice.
        socket::readiness ready{socket_, tls_->handshake_waits_to_write()};
        const error waited = co_await ready;
        if (waited) {
            tls_->note_given_up();
            co_return waited;
        }
    }
}

const tls_facts& stream::tls() const noexcept {
    static const tls_facts none;
    return tls_ ? tls_->facts() : none;
}

std::string stream::tls_failure_text() const { return tls_ ? tls_->failure_text() : std::string(); }

tls_failure stream::tls_failed() const noexcept {
    if (aborted() == errc::handshake_timeout)
        return tls_failure::timeout;
    if (!tls_)
        return tls_failure::internal_error;
    return tls_->failure() != tls_failure::none ? tls_->failure() : tls_failure::client_gone;
}

std::string_view stream::handshake_phase() const noexcept {
    return tls_ ? tls_->handshake_phase() : std::string_view("hello");
}

bool stream::silent() const noexcept { return tls_ && tls_->silent(); }

std::string stream::go_plain() noexcept {
    std::string read = tls_->take_misread();
    tls_.reset();
    return read;
}

bool stream::uses_tls_context() const noexcept { return tls_ && tls_->uses_context(); }

bool stream::alerted() const noexcept { return tls_ && tls_->alerted(); }

bool stream::maybe_readable() const noexcept {
    return socket_.maybe_readable() || (tls_ && tls_->readable_now());
}

bool stream::readiness::await_ready() const noexcept {
    if (!write && owner.tls_ && owner.tls_->readable_now())
        return true;
    return socket::readiness{owner.socket_, write}.await_ready();
}

void stream::readiness::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket::readiness{owner.socket_, write}.await_suspend(waiter);
}

error stream::readiness::await_resume() noexcept { return owner.socket_.aborted(); }

result<std::size_t> stream::read(std::span<char> into) {
    return tls_ ? tls_->read(into) : socket_.read(into);
}

result<std::size_t> stream::write(std::span<const iovec> from) {
    return tls_ ? tls_->write(from) : socket_.write(from);
}

result<void> stream::flush() {
    if (!tls_)
        return {};
    return tls_->flush();
}

task<result<void>> stream::write_all(std::span<iovec> from, milliseconds idle, errc why) {
    from = skip(from, 0);
    for (;;) {
        error failed;
        if (!from.empty()) {
            const result<std::size_t> written = write(from);
            if (written) {
                from = skip(from, *written);
                continue;
            }
            failed = written.error();
        } else {
            const result<void> flushed = flush();
            if (flushed)
                co_return flushed;
            failed = flushed.error();
        }
        if (failed != errc::would_block)
            co_return failed;
        write_deadline(home().now() + idle, why);
        const error waited = co_await writable();
        write_deadline_off();
        if (waited)
            co_return waited;
    }
}

void stream::read_deadline(time_point at, errc why) {
    if (!read_deadline_)
        read_deadline_ = std::make_unique<abort_deadline>(*this);
    read_deadline_->arm(home().deadlines(), at, why);
}

void stream::write_deadline(time_point at, errc why) {
    if (!write_deadline_)
        write_deadline_ = std::make_unique<abort_deadline>(*this);
    write_deadline_->arm(home().deadlines(), at, why);
}

void stream::end_with_write() noexcept {
    if (tls_)
        tls_->end_with_write();
}

void stream::shutdown_write() noexcept {
    if (tls_)
        tls_->shutdown();
    socket_.shutdown_write();
}

task<> lingering_close(stream& s, milliseconds timeout, std::size_t bytes_max) {
    s.shutdown_write();
    s.read_deadline(s.home().now() + timeout, errc::closed);
    for (std::size_t dropped = 0; dropped < bytes_max;) {
        // Below TLS: its state says nothing any more about what the kernel holds.
        socket::readiness ready{s.socket_, false};
        const error waited = co_await ready;
        if (waited)
            break;
        const result<std::size_t> got = drop_once(s);
        if (got ? *got == 0 : got.error() != errc::would_block)
            break;
        // One read a turn: a peer that sends as fast as we drop has no claim on the worker.
        if (got) {
            dropped += *got;
            co_await next_turn(s.home());
        }
    }
    s.close();
}

}  // namespace penstock::net
