#include "penstock/proxy/metrics.hpp"

#include "penstock/base/check.hpp"

#include <algorithm>

namespace penstock::proxy {
namespace {

// Widths of the packed labels, low bits first. Names take 12 bits, because there are at most 4096.
constexpr unsigned name_bits = 12;
static_assert(names_max <= std::size_t{1} << name_bits);
constexpr unsigned reason_bits = 8;
static_assert(exchange::reason_count <= std::size_t{1} << reason_bits);

class packer {
 public:
    packer& add(std::uint64_t value, unsigned bits) noexcept {
        key_ |= value << used_;
        used_ += bits;
        return *this;
    }
    [[nodiscard]] std::uint64_t key() const noexcept { return key_; }

 private:
    std::uint64_t key_ = 0;
    unsigned used_ = 0;
};

class unpacker {
 public:
    explicit unpacker(std::uint64_t key) noexcept : key_(key) {}
    std::uint64_t take(unsigned bits) noexcept {
        const std::uint64_t value = key_ & ((std::uint64_t{1} << bits) - 1);
        key_ >>= bits;
        return value;
    }
    name_id take_name() noexcept { return static_cast<name_id>(take(name_bits)); }

 private:
    std::uint64_t key_;
};

protocol protocol_of(const exchange::record& of) noexcept {
    if (of.http2)
        return protocol::http_2;
    return of.http10 ? protocol::http_1_0 : protocol::http_1_1;
}

}  // namespace

std::string_view name(protocol p) noexcept {
    switch (p) {
        case protocol::http_1_0:
            return "http/1.0";
        case protocol::http_1_1:
            return "http/1.1";
        case protocol::http_2:
            return "h2";
        case protocol::other:
            break;
    }
    return "_other";
}

std::uint64_t request_labels::key() const noexcept {
    packer all;
    all.add(listener, name_bits).add(route, name_bits).add(upstream, name_bits);
    all.add(static_cast<std::uint64_t>(protocol), 2).add(code_class, 4);
    all.add(static_cast<std::uint64_t>(why), reason_bits);
    return all.key();
}

request_labels request_labels::coarse() const noexcept {
    request_labels made;
    made.listener = made.route = made.upstream = other_name;
    made.protocol = proxy::protocol::other;
    // RFC 9110 §15: a status of no known class counts as 5xx.
    made.code_class = std::min<std::uint8_t>(code_class, 5);
    made.why = why;
    return made;
}

request_labels request_labels::from_key(std::uint64_t key) noexcept {
    unpacker all(key);
    request_labels made;
    made.listener = all.take_name();
    made.route = all.take_name();
    made.upstream = all.take_name();
    made.protocol = static_cast<proxy::protocol>(all.take(2));
    made.code_class = static_cast<std::uint8_t>(all.take(4));
    made.why = static_cast<exchange::reason>(all.take(reason_bits));
    return made;
}

std::uint64_t attempt_labels::key() const noexcept {
    packer all;
    all.add(upstream, name_bits).add(endpoint, name_bits).add(ok ? 1 : 0, 1);
    all.add(static_cast<std::uint64_t>(why), reason_bits);
    return all.key();
}

attempt_labels attempt_labels::coarse() const noexcept { return {other_name, other_name, ok, why}; }

attempt_labels attempt_labels::from_key(std::uint64_t key) noexcept {
    unpacker all(key);
    attempt_labels made;
    made.upstream = all.take_name();
    made.endpoint = all.take_name();
    made.ok = all.take(1) == 1;
    made.why = static_cast<exchange::reason>(all.take(reason_bits));
    return made;
}

worker_metrics::worker_metrics() : requests_(series_max), attempts_(series_max) {
    PENSTOCK_CHECK(request_labels::coarse_max <= requests_.coarse_max());
    PENSTOCK_CHECK(attempt_labels::coarse_max <= attempts_.coarse_max());
}

void worker_metrics::count(const exchange::record& of) {
    request_labels labels;
    labels.listener = of.listener;
    labels.route = of.route;
    labels.upstream = of.upstream;
    labels.protocol = protocol_of(of);
    labels.code_class = static_cast<std::uint8_t>(of.status / 100);
    labels.why = of.why;
    requests_.add(labels.key(), labels.coarse().key());
    durations_.at(of.route)[0].observe(of.ledger.total());
    auto& phases = phases_.at(of.upstream);
    for (std::size_t i = 0; i < exchange::phase_count; ++i) {
        const nanoseconds spent = of.ledger.spent(static_cast<exchange::phase>(i));
        if (spent > nanoseconds{0})
            phases[i].observe(spent);
    }
}

}  // namespace penstock::proxy
