#include "upstream/held_share.hpp"

#include "penstock/exchange/record.hpp"
#include "upstream/contention.hpp"
#include "upstream/counting.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace penstock::upstream {

using exchange::phase;

client_id client_of(const exchange::request& from) noexcept {
    client_id made;
    made.connection = from.connection;
    made.newcomer = !from.served_before;
    if (from.peer != nullptr)
        made.address = net::address_key_of(from.client_address());
    return made;
}

held_share::held_share(contention& in, exchange::request& from, std::size_t endpoint)
    : entry(endpoint), in_(&in), from_(from) {
    in.add(*this);
}

void held_share::end() noexcept {
    if (in_ == nullptr)
        return;
    if (tunnel_)
        subtract(in_->counters_.tunnels);
    std::exchange(in_, nullptr)->remove(*this);
}

void held_share::count_tunnel() noexcept {
    if (in_ != nullptr && !std::exchange(tunnel_, true))
        add(in_->counters_.tunnels);
}

// A client that asks for events, or calls by gRPC, may be quiet once it is answered.
bool held_share::open_ended() const noexcept {
    if (tunnel_)
        return true;
    if (!answered_)
        return false;
    const http::fields& asked = from_.head.fields;
    const std::string_view accepts = asked.find("accept").value_or("");
    return http::is_grpc(asked) || accepts.find("text/event-stream") != std::string_view::npos;
}

// Bytes pay for the time that they take at the least rate, and for nothing in advance.
nanoseconds held_share::unpaid(std::uint64_t progress, nanoseconds waited) noexcept {
    constexpr std::uint64_t moved_max = fair_queue::least_rate * 3600;
    const std::uint64_t moved = std::min(progress - paid_progress_, moved_max);
    const nanoseconds paid(moved * 1'000'000'000 / fair_queue::least_rate);
    const nanoseconds owed = waited - paid_until_ - paid;
    if (owed > nanoseconds{0})
        return owed;
    paid_until_ = waited;
    paid_progress_ = progress;
    return nanoseconds{0};
}

fair_queue::standing held_share::look(time_point now) noexcept {
    const exchange::record& record = *from_.record;
    const exchange::ledger& ledger = record.ledger;
    fair_queue::standing seen;
    seen.client = client_;
    seen.open_ended = open_ended();
    const phase current = ledger.current();
    const bool stands = current == phase::client_blocked || current == phase::body;
    const nanoseconds since = now > ledger.entered() ? now - ledger.entered() : nanoseconds{0};
    const nanoseconds present = stands ? since : nanoseconds{0};
    const nanoseconds waited =
        ledger.spent(phase::client_blocked) + ledger.spent(phase::body) + present;
    const std::uint64_t progress = record.request_bytes + record.response_bytes;
    const bool first = !std::exchange(looked_at_, true);
    if (first || progress >= progress_seen_ + progress_min) {
        progress_seen_ = progress;
        waited_seen_ = waited - present;
    }
    if (first) {
        paid_progress_ = progress;
        paid_until_ = waited - present;
    }
    // Of what is open-ended also the time in which neither side said anything.
    const bool quiet = seen.open_ended && current == phase::response;
    seen.still = quiet ? since : waited - waited_seen_;
    seen.unpaid = seen.open_ended ? seen.still : unpaid(progress, waited);
    return seen;
}

}  // namespace penstock::upstream
