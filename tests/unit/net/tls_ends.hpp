// Two ends of one TLS connection for the tests of net: both ours in one worker, or ours against a
// client that the test drives through OpenSSL byte by byte.
#pragma once

#include "penstock/net/task_group.hpp"
#include "penstock/net/tls.hpp"
#include "unit/net/loop.hpp"

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>

namespace penstock::net::test {

struct ssl_deleter {
    void operator()(SSL* one) const noexcept { SSL_free(one); }
    void operator()(SSL_CTX* one) const noexcept { SSL_CTX_free(one); }
    void operator()(SSL_SESSION* one) const noexcept { SSL_SESSION_free(one); }
};
using raw_context = std::unique_ptr<SSL_CTX, ssl_deleter>;
using raw_session = std::unique_ptr<SSL_SESSION, ssl_deleter>;

inline raw_context raw_client_context() { return raw_context(SSL_CTX_new(TLS_client_method())); }

inline self_signed certificate_for(const std::vector<std::string>& names) {
    auto made = make_self_signed(names);
    if (!made)
        throw penstock::test::test_error("no certificate");
    return *made;
}

inline std::unique_ptr<tls_context> server_of(const self_signed& pair,
                                              tls_server_options options = {}) {
    options.certificates = {{pair.certificate_pem, pair.key_pem, ""}};
    options.ticket_secret = std::string(32, 's');
    std::string message;
    auto made = tls_context::server(options, message);
    if (!made)
        throw penstock::test::test_error(message);
    return std::move(*made);
}

inline std::unique_ptr<tls_context> client_of(const tls_client_options& options) {
    std::string message;
    auto made = tls_context::client(options, message);
    if (!made)
        throw penstock::test::test_error(message);
    return std::move(*made);
}

// What one end saw of a connection.
struct seen {
    result<void> handshake = error(errc::closed);
    tls_facts facts;
    std::string failure;
    tls_failure why = tls_failure::none;
    std::string phase;
    std::string text;
    error failed;
};

// What an end does after its handshake.
using play = task<> (*)(stream& over, seen& into);

inline task<> nothing(stream&, seen&) { co_return; }

// Reads to the end of the stream and sends it all back.
inline task<> echo(stream& over, seen& into) {
    into.text = co_await read_bytes(over, std::string().max_size(), into.failed);
    if (into.failed)
        co_return;
    const result<void> written = co_await write_text(over, into.text);
    if (!written)
        into.failed = written.error();
}

inline task<> serve_tls(worker& home, unique_fd fd, tls_context& context, play then, seen& into) {
    stream over(home, std::move(fd));
    over.read_deadline(home.now() + 10s, errc::handshake_timeout);
    into.handshake = co_await over.accept_tls(context);
    over.read_deadline_off();
    into.facts = over.tls();
    into.failure = over.tls_failure_text();
    if (!into.handshake)
        into.why = over.tls_failed();
    into.phase = over.handshake_phase();
    if (into.handshake)
        co_await then(over, into);
    co_await lingering_close(over, 5s, std::size_t{1} << 24);
}

struct client_plan {
    std::unique_ptr<tls_context> context;
    std::string server_name;
    play then = nothing;
};

inline task<> connect_tls(worker& home, socket_address to, client_plan& plan, seen& into) {
    result<unique_fd> begun = begin_connect(to, {});
    EXPECT_TRUE(begun);
    stream over(home, std::move(*begun));
    const error waited = co_await over.writable();
    EXPECT_FALSE(waited);
    std::string name = plan.server_name;
    into.handshake = co_await over.connect_tls(*plan.context, std::move(name), "origin");
    into.facts = over.tls();
    into.failure = over.tls_failure_text();
    if (into.handshake)
        co_await plan.then(over, into);
}

struct server_plan {
    std::unique_ptr<tls_context> context;
    play then = echo;
};

// Both ends at once in one worker.
struct both_ends {
    void connect(server_plan as_server, client_plan as_client) {
        run(home, go(*this, as_server, as_client));
        EXPECT_EQ(home.buffers().in_use(), 0U);
    }
    static task<> go(both_ends& self, server_plan& as_server, client_plan& as_client) {
        task_group group(self.home);
        group.start(connect_tls(self.home, self.door.address(), as_client, self.client));
        group.start(serve_tls(self.home, self.door.accept(), *as_server.context, as_server.then,
                              self.server));
        co_await group.join();
    }
    worker home{0};
    doorway door;
    seen server;
    seen client;
};

// A client made of OpenSSL over memory, whose bytes the test carries itself.
class raw_client {
 public:
    raw_client(std::uint16_t port, SSL_CTX* context, SSL_SESSION* resume = nullptr)
        : transport_(port), ssl_(SSL_new(context)) {
        BIO* const in = BIO_new(BIO_s_mem());
        BIO* const out = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(in, -1);
        SSL_set_bio(ssl_.get(), in, out);
        SSL_set_connect_state(ssl_.get());
        if (resume != nullptr)
            SSL_set_session(ssl_.get(), resume);
    }
    // Sends what it says in pieces of `piece` bytes; 0 = whole.
    // `more` is asked after each step for what leaves along with it.
    bool handshake(std::size_t piece = 0, const std::function<std::string()>& more = {}) {
        for (;;) {
            const int done = SSL_do_handshake(ssl_.get());
            const std::string last = more ? more() : std::string();
            BIO_write(SSL_get_wbio(ssl_.get()), last.data(), static_cast<int>(last.size()));
            carry(piece);
            if (done == 1)
                return true;
            if (SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ || !fetch())
                return false;
        }
    }
    void send(std::string_view text, std::size_t piece = 0) {
        EXPECT_GT(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())), 0);
        carry(piece);
    }
    // At least a byte; empty at the end.
    std::string read() {
        char bytes[16384];
        for (;;) {
            const int got = SSL_read(ssl_.get(), bytes, sizeof bytes);
            carry(0);
            if (got > 0)
                return {bytes, static_cast<std::size_t>(got)};
            if (SSL_get_error(ssl_.get(), got) != SSL_ERROR_WANT_READ || !fetch())
                return {};
        }
    }
    std::string read_exactly(std::size_t size) {
        std::string text;
        while (text.size() < size) {
            const std::string more = read();
            if (more.empty())
                break;
            text += more;
        }
        return text;
    }
    void say_close() {
        SSL_shutdown(ssl_.get());
        carry(0);
    }
    // True if close_notify came.
    [[nodiscard]] bool closed_cleanly() {
        while (!read().empty()) {
        }
        return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    }
    [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }
    [[nodiscard]] peer& transport() noexcept { return transport_; }
    [[nodiscard]] raw_session session() const { return raw_session(SSL_get1_session(ssl_.get())); }

 private:
    void carry(std::size_t piece) {
        char bytes[16384];
        int count = 0;
        while ((count = BIO_read(SSL_get_wbio(ssl_.get()), bytes, sizeof bytes)) > 0) {
            const std::string_view out(bytes, static_cast<std::size_t>(count));
            if (piece == 0)
                transport_.send(out);
            else
                transport_.send_in_pieces(out, piece);
        }
    }
    bool fetch() {
        const std::string bytes = transport_.read_some();
        if (bytes.empty())
            return false;
        BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
        return true;
    }

    peer transport_;
    std::unique_ptr<SSL, ssl_deleter> ssl_;
};

// Our server in the test's thread against a client in another.
struct server_end {
    explicit server_end(tls_server_options options = {})
        : pair(certificate_for({"site.test", "127.0.0.1"})), context(server_of(pair, options)) {}
    template <class Script>
    const seen& against(play then, Script script) {
        got = seen();
        other_side client([this, script] { script(door.port()); });
        run(home, serve_tls(home, door.accept(), *context, then, got));
        client.join();
        EXPECT_EQ(home.buffers().in_use(), 0U);
        return got;
    }
    worker home{0};
    doorway door;
    self_signed pair;
    std::unique_ptr<tls_context> context;
    seen got;
};

}  // namespace penstock::net::test
