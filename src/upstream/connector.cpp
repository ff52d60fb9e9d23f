#include "upstream/connector.hpp"

#include "penstock/net/error.hpp"
#include "upstream/counting.hpp"
#include "upstream/phase_wait.hpp"
#include "upstream/stream_abort.hpp"

#include <algorithm>

namespace penstock::upstream {
namespace {

net::tcp_options options_of(const config::upstream& settings) noexcept {
    net::tcp_options options;
    options.receive_buffer = static_cast<int>(settings.kernel.receive_buffer);
    options.send_buffer = static_cast<int>(settings.kernel.send_buffer);
    options.notsent_lowat = static_cast<int>(settings.kernel.notsent_lowat);
    options.keepalive = settings.keep.enabled;
    options.keepalive_idle = static_cast<int>(settings.keep.idle.count());
    options.keepalive_interval = static_cast<int>(settings.keep.interval.count());
    options.keepalive_count = settings.keep.count;
    // None by default. Linux counts a receiver that confirms everything and has no room, as an
    // origin of HTTP/1 may be for as long as `timeouts` and the client's `tunnel_idle` say.
    options.user_timeout = static_cast<int>(settings.kernel.user_timeout.count());
    return options;
}

struct tcp_attempt {
    const net::socket_address& address;
    time_point until;
};

net::task<result<std::unique_ptr<connection>>> connect_tcp(connect_target to, tcp_attempt how,
                                                           exchange::request& from) {
    result<net::unique_fd> begun = net::begin_connect(how.address, options_of(to.settings));
    if (!begun)
        co_return begun.error();
    auto made = std::make_unique<connection>(to.home, std::move(*begun), to.index);
    net::stream& stream = made->stream();
    stream_abort aborting(from.aborted, stream);
    stream.write_deadline(how.until, net::errc::connect_timeout);
    error failed;
    {
        const phase_wait charged(from.record->ledger, exchange::phase::connect, to.home);
        failed = co_await stream.writable();
    }
    stream.write_deadline_off();
    if (!failed)
        failed = net::finish_connect(stream.fd());
    if (failed)
        co_return failed;
    aborting.detach();
    co_return std::move(made);
}

net::task<result<void>> begin_tls(connect_target to, connection& over, time_point until,
                                  exchange::request& from) {
    net::stream& stream = over.stream();
    const stream_abort aborting(from.aborted, stream);
    stream.read_deadline(until, net::errc::connect_timeout);
    std::string name = to.settings.tls ? to.settings.tls->server_name : std::string();
    if (name.empty())
        name = to.endpoint.host;
    result<void> done;
    {
        const phase_wait charged(from.record->ledger, exchange::phase::upstream_tls, to.home);
        // A session says that this name was verified, so it is of use for no other.
        std::string origin = name + ' ' + to.endpoint.name;
        done = co_await stream.connect_tls(*to.tls, std::move(name), std::move(origin));
    }
    stream.read_deadline_off();
    // A deadline or an abort ends the handshake too; the one who caused it is who is reported.
    if (!done && stream.aborted())
        co_return stream.aborted();
    co_return done;
}

}  // namespace

net::task<result<std::unique_ptr<connection>>> connect(connect_target to, exchange::request& from) {
    const time_point until = to.home.now() + to.settings.timeouts.connect;
    std::size_t left = to.endpoint.addresses.size();
    error failed = net::errc::name_not_resolved;
    for (const net::socket_address& address : to.endpoint.addresses) {
        // An address that does not answer may use its share of what is left, no more.
        const time_point now = to.home.now();
        const tcp_attempt how{address, now + (until - now) / static_cast<std::int64_t>(left--)};
        result<std::unique_ptr<connection>> made = co_await connect_tcp(to, how, from);
        if (!made) {
            failed = made.error();
            if (from.aborted != nullptr && from.aborted->fired())
                break;
            continue;
        }
        if (to.tls == nullptr)
            co_return made;
        const result<void> secured = co_await begin_tls(to, **made, until, from);
        if (!secured)
            co_return secured.error();
        co_return made;
    }
    co_return failed;
}

milliseconds user_timeout_of(const config::upstream& settings) noexcept {
    if (settings.kernel.user_timeout > 0ms)
        return settings.kernel.user_timeout;
    const milliseconds waited = std::max(settings.timeouts.idle, settings.timeouts.first_byte);
    const config::keepalive& keep = settings.keep;
    if (!keep.enabled)
        return waited;
    const milliseconds asked = keep.idle + keep.interval * keep.count;
    return asked >= waited ? asked : 0ms;
}

void count_handshake(cluster_counters& in, connection& made) noexcept {
    if (made.stream().is_tls())
        add(made.stream().tls().resumed ? in.tls_resumed : in.tls_full);
}

}  // namespace penstock::upstream
