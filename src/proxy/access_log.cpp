#include "penstock/proxy/access_log.hpp"

#include "penstock/proxy/metrics.hpp"
#include "proxy/access_entry.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace penstock::proxy {
namespace {

std::uint64_t to_us(nanoseconds time) noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(time).count(), 0));
}

access_entry describe(const exchange::record& of) noexcept {
    access_entry made;
    made.status = of.status;
    made.upstream_status = of.upstream_status;
    made.worker = of.worker;
    made.began_ms =
        std::chrono::duration_cast<milliseconds>(of.began_wall.time_since_epoch()).count();
    made.duration_us = to_us(of.ledger.total());
    for (std::size_t i = 0; i < exchange::phase_count; ++i)
        made.phases_us[i] = to_us(of.ledger.spent(static_cast<exchange::phase>(i)));
    made.generation = of.generation;
    made.request_bytes = of.request_bytes;
    made.response_bytes = of.response_bytes;
    made.listener = of.listener;
    made.route = of.route;
    made.upstream = of.upstream;
    made.endpoint = of.endpoint;
    made.why = of.why;
    made.attempts = of.attempts;
    made.protocol = static_cast<std::uint8_t>(of.http2    ? protocol::http_2
                                              : of.http10 ? protocol::http_1_0
                                                          : protocol::http_1_1);
    made.tls = of.tls;
    made.reused = of.upstream_reused;
    made.complete = of.response_complete;
    return made;
}

}  // namespace

// xorshift64*: a decision about a log line needs speed, not unpredictability.
bool access_log::chosen(double share) noexcept {
    if (share >= 1.0)
        return true;
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    const std::uint64_t drawn = random_ * 0x2545f4914f6cdd1dU;
    return static_cast<double>(drawn >> 11) * 0x1.0p-53 < share;
}

void access_log::write(const exchange::record& of, const config::access_log& how) noexcept {
    const bool slow = of.ledger.total() >= how.slow;
    const bool always = slow || of.status >= 500 || of.why != exchange::reason::none;
    if (!always && !chosen(how.sample))
        return;
    access_entry entry = describe(of);
    entry.slow = slow;
    entry.sample_rate = always ? 1.0 : how.sample;
    const std::array<std::string_view, access_texts> texts{
        of.client, of.method, of.host, of.path, of.request_id, of.user_agent, of.detail};
    std::array<std::span<const char>, access_texts + 1> parts;
    parts[0] = {reinterpret_cast<const char*>(&entry), sizeof entry};
    for (std::size_t i = 0; i < access_texts; ++i) {
        const std::string_view text = texts[i].substr(0, text_max);
        entry.text_sizes[i] = static_cast<std::uint16_t>(text.size());
        parts[i + 1] = text;
    }
    ring_.push(parts);
}

}  // namespace penstock::proxy
