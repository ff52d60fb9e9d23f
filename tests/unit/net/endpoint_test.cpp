#include "penstock/net/endpoint.hpp"

#include "penstock/net/listener.hpp"
#include "support/scripted_origin.hpp"
#include "support/temp_dir.hpp"
#include "unit/net/loop.hpp"

#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>

namespace penstock::net {
namespace {

using namespace test;

struct parse_case {
    const char* name;
    const char* host;
    const char* printed;  // empty = refused
};

class SocketAddressParse : public ::testing::TestWithParam<parse_case> {};

TEST_P(SocketAddressParse, ReadsAndPrints) {
    const parse_case& one = GetParam();
    const auto parsed = socket_address::parse(one.host, 80);
    ASSERT_EQ(parsed.has_value(), *one.printed != '\0');
    if (!parsed)
        return;
    EXPECT_EQ(parsed->to_string(), one.printed);
    EXPECT_EQ(parsed->port(), 80);
}

INSTANTIATE_TEST_SUITE_P(
    All, SocketAddressParse,
    ::testing::Values(parse_case{"V4", "127.0.0.1", "127.0.0.1:80"},
                      parse_case{"V6", "::1", "[::1]:80"},
                      parse_case{"V6Bracketed", "[::1]", "[::1]:80"},
                      parse_case{"V6Shortened", "2001:DB8:0:0::5", "[2001:db8::5]:80"},
                      parse_case{"V4Mapped", "::ffff:10.0.0.1", "[::ffff:10.0.0.1]:80"},
                      parse_case{"V4Bracketed", "[127.0.0.1]", ""},
                      parse_case{"V4Short", "127.1", ""}, parse_case{"V4Octal", "0127.0.0.1", ""},
                      parse_case{"V4Large", "127.0.0.256", ""}, parse_case{"Name", "localhost", ""},
                      parse_case{"Nothing", "", ""}, parse_case{"Brackets", "[]", ""},
                      parse_case{"HalfBracketed", "[::1", ""}, parse_case{"Space", " ::1", ""}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(SocketAddress, ComparesFamilyHostAndPort) {
    const auto of = [](const char* host, std::uint16_t port) {
        return *socket_address::parse(host, port);
    };
    EXPECT_EQ(of("10.0.0.1", 80), of("10.0.0.1", 80));
    EXPECT_NE(of("10.0.0.1", 80), of("10.0.0.1", 81));
    EXPECT_NE(of("10.0.0.1", 80), of("10.0.0.2", 80));
    EXPECT_NE(of("10.0.0.1", 80), of("::ffff:10.0.0.1", 80));
    EXPECT_EQ(of("::1", 80), of("[0::1]", 80));
    EXPECT_EQ(socket_address(), socket_address());
    EXPECT_NE(socket_address(), of("0.0.0.0", 0));
    EXPECT_EQ(socket_address().port(), 0);
    EXPECT_EQ(socket_address().host(), "");
}

TEST(SocketAddress, NamesUnixSockets) {
    const socket_address one = *socket_address::unix_at("/run/a.sock");
    EXPECT_TRUE(one.is_unix());
    EXPECT_EQ(one.to_string(), "unix:/run/a.sock");
    EXPECT_EQ(one.unix_path(), "/run/a.sock");
    EXPECT_EQ(one.host(), "");
    EXPECT_EQ(one.port(), 0);
    EXPECT_EQ(one, *socket_address::unix_at(std::string("/run/") + "a.sock"));
    EXPECT_NE(one, *socket_address::unix_at("/run/b.sock"));
    EXPECT_TRUE(socket_address::unix_at(std::string(107, 'x')));
    EXPECT_FALSE(socket_address::unix_at(std::string(108, 'x')));
    sockaddr_storage raw{};
    raw.ss_family = AF_UNIX;
    EXPECT_EQ(socket_address::from(raw).to_string(), "unix:");
}

TEST(SocketAddress, TakesTheMappingOff) {
    EXPECT_EQ(socket_address::parse("::ffff:10.0.0.1", 80)->unmapped().to_string(), "10.0.0.1:80");
    EXPECT_EQ(socket_address::parse("2001:db8::1", 80)->unmapped().to_string(), "[2001:db8::1]:80");
    EXPECT_EQ(socket_address::parse("10.0.0.1", 80)->unmapped().to_string(), "10.0.0.1:80");
}

TEST(SocketAddress, MapsV4IntoV6) {
    std::uint8_t v4[16];
    std::uint8_t v6[16];
    socket_address::parse("10.1.2.3", 0)->mapped(v4);
    socket_address::parse("::ffff:10.1.2.3", 0)->mapped(v6);
    EXPECT_TRUE(std::equal(v4, v4 + 16, v6));
    EXPECT_EQ(v4[10], 0xff);
    EXPECT_EQ(v4[15], 3);
}

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

TEST(TcpOptions, AreSet) {
    const unique_fd fd(::socket(AF_INET, SOCK_STREAM, 0));
    tcp_options options;
    options.keepalive_idle = 41;
    options.keepalive_interval = 7;
    options.keepalive_count = 5;
    options.user_timeout = 76'000;
    apply(fd.get(), options);
    EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(fd.get(), SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE), 41);
    EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_KEEPINTVL), 7);
    EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_KEEPCNT), 5);
    EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 76'000);
    options.receive_buffer = 100'000;
    options.send_buffer = 150'000;
    options.notsent_lowat = 16384;
    options.user_timeout = 12'345;
    options.nodelay = options.keepalive = false;
    apply(fd.get(), options);
    // The kernel doubles sizes, for what it keeps beside the bytes (socket(7)).
    EXPECT_EQ(option(fd.get(), SOL_SOCKET, SO_RCVBUF), 200'000);
    EXPECT_EQ(option(fd.get(), SOL_SOCKET, SO_SNDBUF), 300'000);
    EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT), 16384);
    EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 12'345);
    EXPECT_EQ(option(fd.get(), IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(option(fd.get(), SOL_SOCKET, SO_KEEPALIVE), 0);
    apply(-1, options);
}

TEST(TcpOptions, AreInheritedFromTheListeningSocket) {
    socket_address bound;
    const auto made = open_listeners(*socket_address::parse("127.0.0.1", 0), 1, {}, bound);
    ASSERT_TRUE(made);
    const int listening = made->front().get();
    tcp_options options;
    options.user_timeout = 7000;
    options.notsent_lowat = 20'000;
    apply_listening(listening, options, 0ms, 16);
    EXPECT_EQ(option(listening, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
    const auto accept_one = [&] {
        peer client(bound.port());
        pollfd wait{listening, POLLIN, 0};
        EXPECT_EQ(::poll(&wait, 1, 10'000), 1);
        return unique_fd(::accept(listening, nullptr, nullptr));
    };
    const unique_fd first = accept_one();
    EXPECT_EQ(option(first.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
    EXPECT_EQ(option(first.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT), 20'000);
    // What a reload takes away is gone.
    apply_listening(listening, {}, 0ms, 16);
    const unique_fd second = accept_one();
    EXPECT_EQ(option(second.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    apply_listening(listening, {}, 1ms, 16);
    EXPECT_GE(option(listening, IPPROTO_TCP, TCP_DEFER_ACCEPT), 1);
}

TEST(TcpOptions, ChangeTheQueueOfASocketThatListensAlready) {
    socket_address bound;
    listen_options small;
    small.backlog = 1;
    const auto made = open_listeners(*socket_address::parse("127.0.0.1", 0), 1, small, bound);
    ASSERT_TRUE(made);
    const int listening = made->front().get();
    const auto queue_size = [listening] {
        tcp_info info{};
        socklen_t size = sizeof info;
        EXPECT_EQ(::getsockopt(listening, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
        return info.tcpi_sacked;  // of a listening socket: the backlog (ss(8), Send-Q)
    };
    EXPECT_EQ(queue_size(), 1U);
    apply_listening(listening, {}, 0ms, 77);
    EXPECT_EQ(queue_size(), 77U);
    apply_listening(listening, {}, 0ms, 5);
    EXPECT_EQ(queue_size(), 5U);
}

// The result of a connect with the stream's deadline, as the connector does it.
task<> connect_to(worker& home, socket_address to, milliseconds limit, error& outcome) {
    result<unique_fd> begun = begin_connect(to, {});
    if (!begun) {
        outcome = begun.error();
        co_return;
    }
    stream over(home, std::move(*begun));
    over.write_deadline(home.now() + limit, errc::connect_timeout);
    outcome = co_await over.writable();
    over.write_deadline_off();
    if (!outcome)
        outcome = finish_connect(over.fd());
}

TEST(Connect, Succeeds) {
    worker home(0);
    const doorway door;
    error outcome = errc::closed;
    run(home, connect_to(home, door.address(), 10s, outcome));
    EXPECT_FALSE(outcome) << outcome.message();
    EXPECT_TRUE(door.accept());
}

TEST(Connect, OverAUnixSocket) {
    worker home(0);
    const penstock::test::temp_dir dir;
    const socket_address at = *socket_address::unix_at(dir.path("app.sock"));
    const auto outcome_of = [&] {
        error outcome = errc::closed;
        run(home, connect_to(home, at, 10s, outcome));
        return outcome;
    };
    EXPECT_EQ(outcome_of(), boost::system::errc::connection_refused) << "no file";
    {
        listen_options options;
        options.backlog = 1;
        socket_address bound;
        const auto made = open_listeners(at, 1, options, bound);
        ASSERT_TRUE(made);
        EXPECT_FALSE(outcome_of());
    }
    EXPECT_EQ(outcome_of(), boost::system::errc::connection_refused) << "nobody listens";
    dir.write("app.sock2", "no socket");
    const socket_address file = *socket_address::unix_at(dir.path("app.sock2"));
    EXPECT_EQ(begin_connect(file, {}).error(), boost::system::errc::connection_refused);
}

TEST(Connect, IsRefused) {
    worker home(0);
    const penstock::test::refusing_port nobody;
    error outcome;
    run(home, connect_to(home, *socket_address::parse("127.0.0.1", nobody.port()), 10s, outcome));
    EXPECT_EQ(outcome, boost::system::errc::connection_refused);
}

TEST(Connect, EndsAtItsDeadline) {
    worker home(0);
    const penstock::test::silent_port nobody;
    error outcome;
    run(home, connect_to(home, *socket_address::parse("127.0.0.1", nobody.port()), 50ms, outcome));
    EXPECT_EQ(outcome, errc::connect_timeout);
}

// TCP lets a socket connect to the port that it is bound to itself; that is nobody's server.
TEST(Connect, DoesNotTakeItselfForAServer) {
    const unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const socket_address::raw any = socket_address::parse("127.0.0.1", 0)->to_raw();
    ASSERT_EQ(::bind(fd.get(), any.data(), any.size), 0);
    sockaddr_storage raw{};
    socklen_t size = sizeof raw;
    ASSERT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&raw), &size), 0);
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&raw), size), 0);
    EXPECT_EQ(finish_connect(fd.get()), boost::system::errc::connection_refused);
}

TEST(ResolveBlocking, TakesNumericHostsAsTheyAre) {
    const auto v4 = resolve_blocking("192.0.2.7", 8080, 0ms);
    ASSERT_TRUE(v4);
    ASSERT_EQ(v4->size(), 1U);
    EXPECT_EQ((*v4)[0].to_string(), "192.0.2.7:8080");
    const auto v6 = resolve_blocking("[2001:db8::1]", 443, 0ms);
    ASSERT_TRUE(v6);
    EXPECT_EQ((*v6)[0].to_string(), "[2001:db8::1]:443");
}

TEST(ResolveBlocking, ReadsTheHostsFile) {
    const auto found = resolve_blocking("localhost", 81, 5s);
    ASSERT_TRUE(found);
    const auto loopback = *socket_address::parse("127.0.0.1", 81);
    EXPECT_NE(std::find(found->begin(), found->end(), loopback), found->end());
}

TEST(ResolveBlocking, RefusesWhatIsNoName) {
    using namespace std::string_literals;
    EXPECT_EQ(resolve_blocking("", 80, 1s).error(), errc::name_not_resolved);
    EXPECT_EQ(resolve_blocking("a\0b"s, 80, 1s).error(), errc::name_not_resolved);
    EXPECT_EQ(resolve_blocking(std::string(300, 'a'), 80, 1s).error(), errc::name_not_resolved);
}

// Whatever resolver there is or is not: a reserved name has no address, and the time is kept.
TEST(ResolveBlocking, EndsInTime) {
    const time_point before = worker::clock();
    EXPECT_EQ(resolve_blocking("nowhere.invalid", 80, 200ms).error(), errc::name_not_resolved);
    EXPECT_LT(worker::clock() - before, 10s);
}

}  // namespace
}  // namespace penstock::net
