#include "penstock/http/h2_windows.hpp"

#include "http/h2_core.hpp"
#include "penstock/base/check.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::http {
namespace {

// Credit goes out as soon as a window's eighth is free again, and not for less than a frame.
std::size_t credit_step(std::uint32_t window) noexcept {
    constexpr std::size_t frame = 16 * 1024;
    return std::max<std::size_t>(window / 8, frame);
}

// For so much that waits in a stream, in whole blocks.
std::size_t charge_for(std::size_t waiting) noexcept {
    constexpr std::size_t block = h2_window_least;
    return waiting > block ? (waiting - 1) / block * block : 0;
}

}  // namespace

std::uint64_t h2_window_account::take_up_to(std::uint64_t wanted) noexcept {
    const std::uint64_t most = total_ / 4 * 3;
    const std::uint64_t held = held_->load(std::memory_order_relaxed);
    const std::uint64_t part = std::min(wanted, held < most ? (most - held) / 2 : 0);
    return part > 0 && take(part) ? part : 0;
}

bool h2_window_account::take(std::uint64_t bytes) noexcept {
    if (held_->fetch_add(bytes, std::memory_order_relaxed) + bytes > total_) {
        held_->fetch_sub(bytes, std::memory_order_relaxed);
        return false;
    }
    charged_ += bytes;
    return true;
}

void h2_window_account::give_back(std::uint64_t bytes) noexcept {
    if (bytes == 0)
        return;
    charged_ -= bytes;
    held_->fetch_sub(bytes, std::memory_order_relaxed);
}

bool h2_window_account::relaxed() const noexcept {
    return held_->load(std::memory_order_relaxed) < total_ / 2;
}

void h2_window_sample::add_large(std::size_t count, time_point now) noexcept {
    // What came before a pause says nothing about what comes behind it.
    constexpr nanoseconds pause = 1s;
    if (bytes_ == 0 || now - latest_ > pause) {
        bytes_ = 0;
        began_ = now;
    }
    bytes_ += count;
    latest_ = now;
}

std::optional<std::uint64_t> h2_window_sample::take() noexcept {
    if (!whole())
        return std::nullopt;
    const std::uint64_t bytes = std::exchange(bytes_, 0);
    // The clock stands still within a turn of the loop.
    const nanoseconds took = std::max<nanoseconds>(latest_ - began_, 1ms);
    return bytes * 1'000'000'000 / static_cast<std::uint64_t>(took.count());
}

std::uint32_t h2_window_sample::window_for(std::uint64_t rate, nanoseconds delay) noexcept {
    const auto micros = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(delay).count());
    const std::uint64_t whole = std::min<std::uint64_t>(rate, 100'000'000'000) * micros / 500'000;
    return static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(whole, h2_window_first, h2_window_most));
}

// `read`: bytes that wait no longer.
void h2_session::give_window(std::size_t read) {
    PENSTOCK_CHECK(read <= impl_->waiting);
    impl_->waiting -= read;
    const std::size_t ahead = std::min(impl_->waiting, ahead_max());
    give_credit(read + ahead - std::exchange(impl_->ahead, ahead));
}

void h2_session::use_account(h2_window_account* account) noexcept { impl_->account = account; }

std::uint32_t h2_session::connection_window() const noexcept { return impl_->connection_window; }
std::uint32_t h2_session::stream_window() const noexcept { return impl_->stream_window; }

// For the connection.
void h2_session::give_credit(std::size_t count) {
    implementation& impl = *impl_;
    impl.credit += count;
    if (impl.credit < credit_step(impl.connection_window))
        return;
    impl.credit = 0;
    // All that came, also for streams that are gone, but for what is to wait.
    const auto waits = static_cast<std::int32_t>(impl.waiting - impl.ahead);
    const std::int32_t owed = nghttp2_session_get_effective_recv_data_length(impl.library) - waits;
    if (owed > 0)
        nghttp2_submit_window_update(impl.library, NGHTTP2_FLAG_NONE, 0, owed);
}

void h2_session::give_credit(h2_stream& of, std::size_t count) {
    of.credit_ += count;
    if (of.credit_ < credit_step(impl_->stream_window) || of.ended || of.closed)
        return;
    of.credit_ = 0;
    widen(of);
    const auto id = static_cast<std::int32_t>(of.id);
    const std::int32_t owed =
        nghttp2_session_get_stream_effective_recv_data_length(impl_->library, id) -
        static_cast<std::int32_t>(of.data_.size());
    if (owed > 0)
        nghttp2_submit_window_update(impl_->library, NGHTTP2_FLAG_NONE, id, owed);
}

std::string_view h2_session::take_data(h2_stream& of, std::size_t max) {
    if (const std::size_t taken = std::exchange(of.taken_, 0); taken > 0) {
        of.data_.drop(taken);
        give_credit(of, taken);
        give_window(taken);
        settle_charge(of);
        // Those that share the connection's window have room again.
        if (!counts_waiting() && impl_->waiting < impl_->connection_window / 8 &&
            impl_->narrow.over(impl_->now))
            restore_windows();
        impl_->progress += taken;
    }
    const std::string_view next = of.data_.front(max);
    of.taken_ = next.size();
    return next;
}

// While an origin's streams begin with the least window, one that is read doubles its own each time
// that as much was read of it: large responses need a few round trips more, and what is held of
// those that are read no further is no more than what their client has taken before.
void h2_session::widen(h2_stream& of) {
    const implementation& impl = *impl_;
    if (!impl.crowded || !impl.account->relaxed())
        return;
    const auto id = static_cast<std::int32_t>(of.id);
    const std::int32_t present =
        nghttp2_session_get_stream_effective_local_window_size(impl.library, id);
    const auto most = static_cast<std::int32_t>(impl.limits.stream_window);
    // Credit comes by the step, so what is read is known by the step.
    const std::uint64_t read = of.received_ - of.data_.size() + credit_step(impl.stream_window);
    if (present <= 0 || present >= most || read < static_cast<std::uint64_t>(present))
        return;
    nghttp2_session_set_local_window_size(impl.library, NGHTTP2_FLAG_NONE, id,
                                          std::min(present * 2, most));
}

// DATA has come for a stream that somebody reads. Where it waits within the connection's window, a
// few streams that nobody reads would shut that; so they get less while they do.
void h2_session::hold_data(h2_stream& of, std::string_view data) {
    impl_->waiting += data.size();
    impl_->sample.add(of.received_, data.size(), impl_->now);
    of.data_.append(data);
    if (counts_waiting())
        charge(of);
    else if (impl_->waiting > impl_->connection_window / 2 && active_ > 1)
        set_stream_window(h2_window_least);
    give_window(0);
}

// What waits in a stream beyond the least. Where there is no room for it, or this connection has
// much of it, streams are told of smaller windows before the connection gives any credit: then no
// more comes than is under way. Without the second bound one client that reads none of its
// responses could fill all the room.
void h2_session::charge(h2_stream& of) {
    implementation& impl = *impl_;
    const std::size_t needed = charge_for(of.data_.size());
    if (needed <= of.charged_ || impl.account == nullptr)
        return;
    if (!impl.account->take(needed - of.charged_))
        return set_stream_window(h2_window_least);
    impl.held += needed - std::exchange(of.charged_, needed);
    if (impl.held <= h2_held_windows * impl.limits.connection_window)
        return;
    impl.crowded = true;
    set_stream_window(h2_window_least);
}

void h2_session::settle_charge(h2_stream& of) noexcept {
    if (of.charged_ == 0)
        return;
    const std::size_t needed = charge_for(of.data_.size());
    if (needed >= of.charged_)
        return;
    const std::size_t freed = std::exchange(of.charged_, needed) - needed;
    impl_->account->give_back(freed);
    impl_->held -= freed;
}

void h2_session::set_stream_window(std::uint32_t to) {
    implementation& impl = *impl_;
    to = std::min(to, impl.limits.stream_window);
    if (to == h2_window_least)
        impl.narrow.extend(impl.now, !impl.ended && impl.stream_window != to);
    if (impl.ended || std::exchange(impl.stream_window, to) == to)
        return;
    const std::array<nghttp2_settings_entry, 1> entries{{
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, to},
    }};
    nghttp2_submit_settings(impl.library, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
}

void h2_session::restore_windows() {
    implementation& impl = *impl_;
    if (impl.stream_window == impl.limits.stream_window)
        return;
    if (impl.crowded) {
        const std::size_t most = h2_held_windows * impl.limits.connection_window;
        if (impl.held > most / 2 || !impl.narrow.long_past(impl.now))
            return;
        impl.crowded = false;
    }
    if (!counts_waiting() || impl.account == nullptr || impl.account->relaxed())
        set_stream_window(impl.limits.stream_window);
}

bool h2_session::has_grown() const noexcept {
    return impl_->connection_window > impl_->limits.connection_window;
}

bool h2_session::holds_scarce_window() const noexcept {
    return has_grown() && impl_->account != nullptr && !impl_->account->relaxed();
}

bool h2_session::wants_window() const noexcept {
    const implementation& impl = *impl_;
    // Nothing grows for somebody who does not read, nor beyond the most.
    return impl.sample.whole() && impl.waiting < h2_window_sample::size &&
           impl.account != nullptr && impl.connection_window < h2_window_most && !impl.ended;
}

void h2_session::grow_windows(nanoseconds delay) {
    implementation& impl = *impl_;
    const std::optional<std::uint64_t> rate = impl.sample.take();
    const std::uint32_t wanted = h2_window_sample::window_for(
        rate.value_or(0), std::max(delay, h2_window_sample::hidden_delay));
    // Not for a little.
    if (wanted < impl.connection_window + impl.connection_window / 2)
        return;
    const std::uint64_t more = impl.account->take_up_to(wanted - impl.connection_window);
    if (more == 0)
        return;
    impl.connection_window += static_cast<std::uint32_t>(more);
    nghttp2_session_set_local_window_size(impl.library, NGHTTP2_FLAG_NONE, 0,
                                          static_cast<std::int32_t>(impl.connection_window));
    impl.limits.stream_window = std::max(impl.limits.stream_window, impl.connection_window);
    set_stream_window(impl.limits.stream_window);
}

}  // namespace penstock::http
