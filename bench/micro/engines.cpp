// A bare relay on each of the engines that could stand behind net/stream: how much of a request's
// cost is the engine's. It moves bytes between a client and a connection of its own to the origin,
// and knows nothing of HTTP.
//
//   engines --engine asio|asio-wait|epoll-nested|epoll-driving|stream --origin PORT
//
// Prints its port, then serves until it is killed. bench/engines measures them side by side.
#include "macro/tool.hpp"
#include "micro/edge_loop.hpp"
#include "penstock/net/stream.hpp"
#include "penstock/net/worker.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <memory>
#include <string>

namespace penstock::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t block_size = 16 * 1024;

// ---- Asio, as it comes

using asio_executor = asio::io_context::executor_type;
using asio_socket = asio::basic_stream_socket<tcp, asio_executor>;
template <class T>
using asio_task = asio::awaitable<T, asio_executor>;
constexpr asio::use_awaitable_t<asio_executor> use_awaitable;

struct asio_pair {
    asio_socket client;
    asio_socket origin;
};

asio_task<void> pump_asio(std::shared_ptr<asio_pair> of, asio_socket& from, asio_socket& to) {
    std::array<char, block_size> block;
    boost::system::error_code failed;
    for (;;) {
        const std::size_t got = co_await from.async_read_some(
            asio::buffer(block), asio::redirect_error(use_awaitable, failed));
        if (failed)
            break;
        co_await asio::async_write(to, asio::buffer(block.data(), got),
                                   asio::redirect_error(use_awaitable, failed));
        if (failed)
            break;
    }
    of->client.close(failed);
    of->origin.close(failed);
}

// Waits by Asio, reads and writes directly: no read that finds nothing, but an epoll_ctl each time.
asio_task<void> pump_asio_wait(std::shared_ptr<asio_pair> of, asio_socket& from, asio_socket& to) {
    std::array<char, block_size> block;
    boost::system::error_code failed;
    for (;;) {
        co_await from.async_wait(asio_socket::wait_read,
                                 asio::redirect_error(use_awaitable, failed));
        if (failed)
            break;
        const ssize_t got = ::recv(from.native_handle(), block.data(), block.size(), MSG_DONTWAIT);
        if (got <= 0)
            break;
        ssize_t gone = 0;
        while (gone < got) {
            const ssize_t sent =
                ::send(to.native_handle(), block.data() + gone,
                       static_cast<std::size_t>(got - gone), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent > 0)
                gone += sent;
            else
                co_await to.async_wait(asio_socket::wait_write,
                                       asio::redirect_error(use_awaitable, failed));
            if (failed)
                break;
        }
    }
    of->client.close(failed);
    of->origin.close(failed);
}

asio_task<void> accept_asio(asio::io_context& on, int listening, int origin, bool waits) {
    asio::basic_socket_acceptor<tcp, asio_executor> acceptor(on.get_executor(), tcp::v4(),
                                                             listening);
    for (;;) {
        asio_socket client = co_await acceptor.async_accept(use_awaitable);
        client.set_option(tcp::no_delay(true));
        auto made = std::make_shared<asio_pair>(asio_pair{
            std::move(client), asio_socket(on.get_executor(), tcp::v4(), connect_to(origin))});
        asio_pair& of = *made;
        const auto start = [&](asio_socket& from, asio_socket& to) {
            asio::co_spawn(on.get_executor(),
                           waits ? pump_asio_wait(made, from, to) : pump_asio(made, from, to),
                           asio::detached);
        };
        start(of.client, of.origin);
        start(of.origin, of.client);
    }
}

void serve_asio(int listening, int origin, bool waits) {
    asio::io_context on(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
    asio::co_spawn(on.get_executor(), accept_asio(on, listening, origin, waits), asio::detached);
    on.run();
}

// ---- An edge-triggered epoll set of our own

struct edge_pair {
    edge_socket client;
    edge_socket origin;
};

edge_task pump_edge(std::shared_ptr<edge_pair> of, edge_socket& from, edge_socket& to) {
    std::array<char, block_size> block;
    for (;;) {
        co_await from.readable();
        const ssize_t got = from.read(block.data(), block.size());
        if (got == 0)
            break;
        ssize_t gone = 0;
        while (gone < got) {
            const ssize_t sent =
                to.write(block.data() + gone, static_cast<std::size_t>(got - gone));
            if (sent < 0)
                co_await to.writable();
            else
                gone += sent;
        }
    }
    of->client.shut();
    of->origin.shut();
}

void serve_edge(int listening, int origin, bool nested) {
    asio::io_context on(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
    edge_loop loop;
    const auto accept = [&] {
        for (;;) {
            const int fd = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                return;
            without_delay(fd);
            auto made = std::make_shared<edge_pair>();
            made->client.open(loop, fd);
            made->origin.open(loop, connect_to(origin));
            pump_edge(made, made->client, made->origin);
            pump_edge(made, made->origin, made->client);
        }
    };
    loop.on_listener(listening, accept);
    if (!nested) {
        for (;;)
            loop.turn(-1);
    }
    // Between two waits there is no work, at which an io_context would end.
    const auto guard = asio::make_work_guard(on);
    asio::posix::basic_stream_descriptor<asio_executor> set(on.get_executor(), loop.fd());
    for (;;) {
        set.async_wait(asio::posix::descriptor_base::wait_read,
                       [&loop](const boost::system::error_code&) { loop.turn(0); });
        on.run_one();
    }
}

// ---- net/stream, as Penstock has it

struct stream_pair {
    stream_pair(net::worker& on, int client_fd, int origin_fd)
        : client(on, net::unique_fd(client_fd)), origin(on, net::unique_fd(origin_fd)) {}
    net::stream client;
    net::stream origin;
};

net::task<> pump_stream(std::shared_ptr<stream_pair> of, net::stream& from, net::stream& to) {
    std::array<char, block_size> block;
    for (;;) {
        if (co_await from.readable())
            break;
        const result<std::size_t> got = from.read(block);
        if (!got && got.error() == net::errc::would_block)
            continue;
        if (!got || *got == 0)
            break;
        iovec part{block.data(), *got};
        const auto sent = to.write({&part, 1});
        if (sent && *sent == *got)
            continue;
        const std::size_t gone = sent ? *sent : 0;
        part = iovec{block.data() + gone, *got - gone};
        if (!co_await to.write_all({&part, 1}, std::chrono::seconds(30), net::errc::closed))
            break;
    }
    of->client.abort(net::errc::closed);
    of->origin.abort(net::errc::closed);
}

net::task<> accept_streams(net::worker& on, int listening, int origin) {
    net::socket listener(on, net::unique_fd(listening));
    for (;;) {
        (void)co_await listener.readable();
        for (;;) {
            const int fd = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                break;
            without_delay(fd);
            auto made = std::make_shared<stream_pair>(on, fd, connect_to(origin));
            on.spawn(pump_stream(made, made->client, made->origin));
            on.spawn(pump_stream(made, made->origin, made->client));
        }
        listener.drained(false);
    }
}

void serve_stream(int listening, int origin) {
    net::worker on(0);
    on.post([&] { on.spawn(accept_streams(on, listening, origin)); });
    on.run();
}

void serve(const arguments& given) {
    const std::string engine = given.text("--engine", "stream");
    const int origin = static_cast<int>(given.number("--origin", 0));
    given.check();
    int port = 0;
    const int listening = listen_somewhere(port);
    std::printf("%d\n", port);
    std::fflush(stdout);
    if (engine == "asio" || engine == "asio-wait")
        return serve_asio(listening, origin, engine == "asio-wait");
    if (engine == "epoll-nested" || engine == "epoll-driving")
        return serve_edge(listening, origin, engine == "epoll-nested");
    if (engine == "stream")
        return serve_stream(listening, origin);
    throw std::runtime_error("unknown engine: " + engine);
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
    return penstock::bench::run_tool(
        [argc, argv] { penstock::bench::serve(penstock::bench::arguments(argc, argv)); });
}
