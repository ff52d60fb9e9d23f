#include "penstock/net/tls.hpp"

#include "support/certificate.hpp"
#include "support/scripted_origin.hpp"
#include "unit/net/loop.hpp"

#include <ctime>

namespace penstock::net {
namespace {

using namespace test;
using penstock::test::closing;
using penstock::test::gate;
using penstock::test::scripted_origin;
using penstock::test::temp_dir;

constexpr std::size_t mib = std::size_t{1} << 20;

self_signed certificate_for(const std::string& name) {
    auto made = make_self_signed({name, "127.0.0.1"});
    EXPECT_TRUE(made);
    return *made;
}

std::unique_ptr<tls_context> server_context(const tls_server_options& options) {
    std::string message;
    auto made = tls_context::server(options, message);
    EXPECT_TRUE(made) << message;
    return made ? std::move(*made) : nullptr;
}

std::unique_ptr<tls_context> test_server() {
    const self_signed pair = certificate_for("site.test");
    tls_server_options options;
    options.certificate_pem = pair.certificate_pem;
    options.key_pem = pair.key_pem;
    return server_context(options);
}

[[maybe_unused]] std::unique_ptr<tls_context> client_context(const tls_client_options& options) {
    std::string message;
    auto made = tls_context::client(options, message);
    EXPECT_TRUE(made) << message;
    return made ? std::move(*made) : nullptr;
}

// What one end saw of a connection.
struct seen {
    result<void> handshake = error(errc::closed);
    tls_facts facts;
    std::string failure;
    std::string text;
    error failed;
};

// Reads `size` bytes and sends them back.
task<> echo(worker& home, unique_fd fd, tls_context& context, std::size_t size, seen& into) {
    stream over(home, std::move(fd));
    into.handshake = co_await over.accept_tls(context);
    into.facts = over.tls();
    into.failure = over.tls_failure();
    if (!into.handshake)
        co_return;
    into.text = co_await read_bytes(over, size, into.failed);
    const result<void> written = co_await write_text(over, into.text);
    EXPECT_TRUE(written);
    co_await lingering_close(over, 5s, mib);
}

TEST(TlsServer, TakesAndGivesAMebibyte) {
    worker home(0);
    const doorway door;
    const auto context = test_server();
    const std::string sent = pattern(mib);
    std::string back;
    other_side client([&] {
        peer with(door.port(), {.tls = true, .server_name = "site.test", .alpn = "http/1.1"});
        EXPECT_EQ(with.alpn(), "http/1.1");
        with.send(sent);
        back = with.read_to_end();
    });
    seen got;
    run(home, echo(home, door.accept(), *context, mib, got));
    client.join();
    EXPECT_TRUE(got.handshake) << got.failure;
    EXPECT_EQ(got.text, sent);
    EXPECT_EQ(back, sent);
    EXPECT_EQ(got.facts.version, "TLSv1.3");
    EXPECT_EQ(got.facts.alpn, "http/1.1");
    EXPECT_EQ(got.facts.server_name, "site.test");
    EXPECT_FALSE(got.facts.cipher.empty());
    EXPECT_EQ(home.buffers().in_use(), 0U);
}

}  // namespace
}  // namespace penstock::net
