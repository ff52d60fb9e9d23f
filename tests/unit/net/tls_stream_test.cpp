#include "support/scripted_origin.hpp"
#include "unit/net/tls_ends.hpp"

#include <sys/socket.h>

namespace penstock::net {
namespace {

using namespace test;
using penstock::test::closing;
using penstock::test::gate;

constexpr std::size_t mib = std::size_t{1} << 20;

std::string record(char type, std::size_t size) {
    return {type, 3, 1, static_cast<char>(size >> 8), static_cast<char>(size & 0xff)};
}

tls_client_options unverified(std::vector<std::string> alpn = {"http/1.1"}) {
    tls_client_options options;
    options.verify = false;
    options.alpn = std::move(alpn);
    return options;
}

task<> send_and_end(stream& over, seen& into) {
    const result<void> written = co_await write_text(over, pattern(mib));
    EXPECT_TRUE(written);
    over.shutdown_write();
    into.text = co_await read_bytes(over, 2 * mib, into.failed);
}

TEST(TlsStream, CarriesAMebibyteBothWays) {
    const self_signed pair = certificate_for({"site.test"});
    tls_client_options options;
    options.ca_pem = pair.certificate_pem;
    both_ends ends;
    ends.connect({server_of(pair), echo}, {client_of(options), "site.test", send_and_end});
    EXPECT_TRUE(ends.client.handshake) << ends.client.failure;
    EXPECT_TRUE(ends.server.handshake) << ends.server.failure;
    EXPECT_EQ(ends.server.text, pattern(mib));
    EXPECT_EQ(ends.client.text, pattern(mib));
    EXPECT_FALSE(ends.client.failed);
    EXPECT_EQ(ends.server.facts.version, "TLSv1.3");
    EXPECT_EQ(ends.server.facts.alpn, "http/1.1");
    EXPECT_EQ(ends.client.facts.alpn, "http/1.1");
    EXPECT_EQ(ends.server.facts.server_name, "site.test");
    EXPECT_FALSE(ends.server.facts.cipher.empty());
    EXPECT_FALSE(ends.server.facts.resumed);
}

TEST(TlsStream, SpeaksWithABlockingPeer) {
    server_end server;
    const seen& got = server.against(echo, [](std::uint16_t port) {
        peer with(port, {.tls = true, .server_name = "site.test", .alpn = "http/1.1"});
        EXPECT_EQ(with.alpn(), "http/1.1");
        with.send(pattern(mib));
        with.half_close();
        EXPECT_EQ(with.read_to_end(), pattern(mib));
    });
    EXPECT_TRUE(got.handshake) << got.failure;
    EXPECT_EQ(got.text, pattern(mib));
}

TEST(TlsStream, SpeaksWithABlockingOrigin) {
    const penstock::test::temp_dir dir;
    const auto files = penstock::test::write_certificate(dir, "origin.test");
    penstock::test::scripted_origin origin(
        [](peer& client, int) {
            client.send(client.read_exactly(mib));
            client.close();
        },
        files);
    struct flow {
        static task<> play(stream& over, seen& into) {
            const result<void> written = co_await write_text(over, pattern(mib));
            EXPECT_TRUE(written);
            into.text = co_await read_bytes(over, 2 * mib, into.failed);
        }
    };
    worker home(0);
    tls_client_options options;
    options.ca_pem = dir.read("origin.test.pem");
    client_plan plan{client_of(options), "origin.test", flow::play};
    seen got;
    run(home, connect_tls(home, *socket_address::parse("127.0.0.1", origin.port()), plan, got));
    EXPECT_TRUE(got.handshake) << got.failure;
    EXPECT_EQ(got.text, pattern(mib));
    EXPECT_FALSE(got.failed);
    EXPECT_TRUE(origin.failures().empty());
}

// Head, body and end leave together, and so do empty parts and parts that fill records.
TEST(TlsStream, WritesListsOfBuffersInOrder) {
    struct flow {
        static task<> go(stream& over, seen&) {
            const std::string head = "head";
            const std::string none;
            const std::string body = pattern(50000);
            const std::string dot = ".";
            std::vector<iovec> parts{part_of(none), part_of(head), part_of(none), part_of(body),
                                     part_of(none)};
            for (int i = 0; i < 3000; ++i)
                parts.push_back(part_of(dot));
            parts.push_back(part_of(body));
            const result<void> written = co_await over.write_all(parts, 10s, errc::write_timeout);
            EXPECT_TRUE(written);
            const result<std::size_t> nothing_written = over.write({});
            EXPECT_TRUE(nothing_written);
        }
    };
    server_end server;
    server.against(flow::go, [](std::uint16_t port) {
        peer with(port, {.tls = true});
        EXPECT_EQ(with.read_to_end(),
                  "head" + pattern(50000) + std::string(3000, '.') + pattern(50000));
    });
}

TEST(TlsStream, ReadsRecordsThatComeByteByByte) {
    server_end server;
    const seen& got = server.against(echo, [](std::uint16_t port) {
        const raw_context context = raw_client_context();
        raw_client with(port, context.get());
        ASSERT_TRUE(with.handshake(1));
        with.send("one, ", 1);
        with.send("two", 1);
        with.say_close();
        EXPECT_EQ(with.read_exactly(8), "one, two");
        EXPECT_TRUE(with.closed_cleanly());
    });
    EXPECT_TRUE(got.handshake) << got.failure;
    EXPECT_EQ(got.text, "one, two");
    EXPECT_FALSE(got.failed);
}

TEST(TlsStream, ReadsIntoOneByteAtATime) {
    struct flow {
        static task<> go(stream& over, seen& into) {
            while (into.text.size() < 5000) {
                into.failed = co_await over.readable();
                if (into.failed)
                    co_return;
                char byte = 0;
                const result<std::size_t> got = over.read({&byte, 1});
                if (got && *got == 0)
                    co_return;
                if (got)
                    into.text += byte;
            }
        }
    };
    server_end server;
    const seen& got = server.against(flow::go, [](std::uint16_t port) {
        peer with(port, {.tls = true});
        with.send(pattern(4000));
        with.send(pattern(1000));
        with.read_to_end();
    });
    EXPECT_EQ(got.text, pattern(4000) + pattern(1000));
}

TEST(TlsStream, H5_TellsCloseNotifyFromATornStream) {
    server_end server;
    const seen clean = server.against(echo, [](std::uint16_t port) {
        peer with(port, {.tls = true});
        with.send("ab");
        with.half_close();
        EXPECT_EQ(with.read_to_end(), "ab");
    });
    EXPECT_EQ(clean.text, "ab");
    EXPECT_FALSE(clean.failed);
    const seen torn = server.against(echo, [](std::uint16_t port) {
        peer with(port, {.tls = true});
        with.send("ab");
        ::shutdown(with.fd(), SHUT_WR);
        with.read_to_end();
    });
    EXPECT_EQ(torn.text, "ab");
    EXPECT_EQ(torn.failed, errc::end_of_stream);
}

TEST(TlsStream, ReportsAReset) {
    struct flow {
        static task<> go(stream& over, seen& into) {
            const result<void> written = co_await write_text(over, "hi");
            EXPECT_TRUE(written);
            co_await read_bytes(over, 10, into.failed);
        }
    };
    server_end server;
    const seen& got = server.against(flow::go, [](std::uint16_t port) {
        peer with(port, {.tls = true});
        EXPECT_EQ(with.read_exactly(2), "hi");
        with.reset();
    });
    EXPECT_EQ(got.failed, boost::system::errc::connection_reset);
}

TEST(TlsStream, SaysTheEndAgainAndAgain) {
    struct flow {
        static task<> read_twice(stream& over, seen& into) {
            for (int i = 0; i < 2; ++i) {
                into.failed = error();
                into.text += co_await read_bytes(over, 10, into.failed);
            }
        }
    };
    server_end server;
    const seen clean = server.against(flow::read_twice, [](std::uint16_t port) {
        peer with(port, {.tls = true});
        with.half_close();
        with.read_to_end();
    });
    EXPECT_FALSE(clean.failed);
    const seen torn = server.against(flow::read_twice, [](std::uint16_t port) {
        peer with(port, {.tls = true});
        ::shutdown(with.fd(), SHUT_WR);
        with.read_to_end();
    });
    EXPECT_EQ(torn.failed, errc::end_of_stream);
}

TEST(TlsStream, AnswersAPeerThatOnlyClosedItsTcpSide) {
    struct flow {
        static task<> go(stream& over, seen& into) {
            into.text = co_await read_bytes(over, 10, into.failed);
            EXPECT_EQ(into.failed, errc::end_of_stream);
            const result<void> written = co_await write_text(over, "answer");
            EXPECT_TRUE(written);
        }
    };
    server_end server;
    server.against(flow::go, [](std::uint16_t port) {
        peer with(port, {.tls = true});
        ::shutdown(with.fd(), SHUT_WR);
        EXPECT_EQ(with.read_to_end(), "answer");
    });
}

TEST(TlsStream, ReadsOnAfterItsOwnEnd) {
    struct flow {
        static task<> go(stream& over, seen& into) {
            over.shutdown_write();
            over.shutdown_write();
            into.text = co_await read_bytes(over, 10, into.failed);
        }
    };
    server_end server;
    const seen& got = server.against(flow::go, [](std::uint16_t port) {
        const raw_context context = raw_client_context();
        raw_client with(port, context.get());
        ASSERT_TRUE(with.handshake());
        EXPECT_TRUE(with.closed_cleanly());
        with.send("late");
        with.say_close();
    });
    EXPECT_EQ(got.text, "late");
    EXPECT_FALSE(got.failed);
}

TEST(TlsStream, HoldsNoSlabWhileItIsIdle) {
    struct flow {
        static task<> go(stream& over, seen&) {
            const result<void> written = co_await write_text(over, "ping");
            EXPECT_TRUE(written);
            error failed;
            EXPECT_EQ(co_await read_bytes(over, 4, failed), "ping");
            // The other end waits for more by now, and so could this one.
            EXPECT_EQ(over.home().buffers().in_use(), 0U);
            EXPECT_FALSE(over.maybe_readable());
        }
        static task<> pong(stream& over, seen& into) {
            into.text = co_await read_bytes(over, 4, into.failed);
            const result<void> written = co_await write_text(over, into.text);
            EXPECT_TRUE(written);
            co_await read_bytes(over, 1, into.failed);
        }
    };
    both_ends ends;
    ends.connect({server_of(certificate_for({"a.test"})), flow::pong},
                 {client_of(unverified()), "a.test", flow::go});
    EXPECT_EQ(ends.server.failed, errc::end_of_stream);
}

TEST(TlsStream, BoundsWhatItHoldsForASlowReader) {
    struct flow {
        static task<> go(stream& over, seen& into) {
            const std::string much(16 * mib, 'x');
            iovec part = part_of(much);
            const result<void> written =
                co_await over.write_all({&part, 1}, 60ms, errc::write_timeout);
            EXPECT_FALSE(written);
            into.failed = written.error();
            EXPECT_LE(over.home().buffers().in_use(), buffer_pool::large);
            over.reset_on_close();
        }
    };
    gate done;
    server_end server;
    other_side client([&] {
        peer with(server.door.port(), {.tls = true, .receive_buffer = 4096});
        with.wait_for(done);
    });
    seen got;
    run(server.home, serve_tls(server.home, server.door.accept(), *server.context, flow::go, got));
    done.open();
    EXPECT_EQ(got.failed, errc::write_timeout);
    EXPECT_EQ(server.home.buffers().in_use(), 0U);
}

TEST(TlsStream, H8_FailsOnceAndForAllOnABrokenRecord) {
    struct flow {
        static task<> go(stream& over, seen& into) {
            into.text = co_await read_bytes(over, 10, into.failed);
            EXPECT_EQ(into.failed, errc::tls_failed);
            EXPECT_FALSE(over.tls_failure_text().empty());
            char byte = 0;
            EXPECT_EQ(over.read({&byte, 1}).error(), errc::tls_failed);
            EXPECT_EQ(over.flush().error(), errc::tls_failed);
            const result<void> written = co_await write_text(over, "x");
            EXPECT_EQ(written.error(), errc::tls_failed);
            const error waited = co_await over.readable();
            EXPECT_FALSE(waited) << "a read has something to say";
        }
    };
    server_end server;
    const seen& got = server.against(flow::go, [](std::uint16_t port) {
        const raw_context context = raw_client_context();
        raw_client with(port, context.get());
        ASSERT_TRUE(with.handshake());
        with.send("ab");
        with.transport().send(record(0x17, 40) + std::string(40, '\0'));
        EXPECT_EQ(with.read(), "");
    });
    EXPECT_EQ(got.text, "ab");
}

TEST(TlsStream, AnswersKeyUpdates) {
    server_end server;
    const seen& got = server.against(echo, [](std::uint16_t port) {
        const raw_context context = raw_client_context();
        raw_client with(port, context.get());
        ASSERT_TRUE(with.handshake());
        for (int i = 0; i < 8; ++i) {
            SSL_key_update(with.ssl(), SSL_KEY_UPDATE_REQUESTED);
            with.send("0123456789");
        }
        with.say_close();
        EXPECT_EQ(with.read_exactly(80).size(), 80U);
    });
    EXPECT_EQ(got.text.size(), 80U);
}

TEST(TlsStream, F8_EndsWhenKeysAreUpdatedTooOften) {
    struct flow {
        static task<> go(stream& over, seen& into) {
            into.text = co_await read_bytes(over, 100000, into.failed);
            into.failure = over.tls_failure_text();
        }
    };
    for (const int type : {SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED}) {
        server_end server;
        const seen& got = server.against(flow::go, [type](std::uint16_t port) {
            const raw_context context = raw_client_context();
            raw_client with(port, context.get());
            ASSERT_TRUE(with.handshake());
            // Sent at once, so that they are all there when the limit is met.
            for (int i = 0; i < 200; ++i) {
                SSL_key_update(with.ssl(), type);
                SSL_write(with.ssl(), "x", 1);
            }
            with.send("end");
            (void)with.transport().wait_closed();
        });
        EXPECT_EQ(got.text, "xxxxxxxx");
        EXPECT_EQ(got.failed, errc::tls_failed);
        EXPECT_EQ(got.failure, "too many key updates");
    }
}

TEST(TlsStream, WakesItsReader) {
    struct flow {
        static task<> wake(stream& over) {
            co_await next_turn(over.home());
            over.wake_reader();
        }
        static task<> go(stream& over, seen&) {
            over.home().spawn(wake(over));
            const error waited = co_await over.readable();
            EXPECT_FALSE(waited);
            char byte = 0;
            EXPECT_EQ(over.read({&byte, 1}).error(), errc::would_block);
            over.abort(errc::draining);
            EXPECT_EQ(over.read({&byte, 1}).error(), errc::draining);
            const iovec part{&byte, 1};
            EXPECT_EQ(over.write({&part, 1}).error(), errc::draining);
        }
    };
    server_end server;
    server.against(flow::go, [](std::uint16_t port) {
        peer with(port, {.tls = true});
        with.wait_closed();
    });
}

TEST(TlsHandshake, ResumesWithATicketWithoutACache) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const raw_context context = raw_client_context();
        SSL_CTX_set_max_proto_version(context.get(), version);
        server_end server;
        raw_session session;
        for (const bool resumed : {false, true}) {
            const seen& got = server.against(echo, [&](std::uint16_t port) {
                raw_client with(port, context.get(), session.get());
                ASSERT_TRUE(with.handshake());
                with.send("x");
                with.say_close();
                EXPECT_EQ(with.read_exactly(1), "x");
                session = with.session();
                EXPECT_TRUE(with.closed_cleanly());
            });
            EXPECT_TRUE(got.handshake) << got.failure;
            EXPECT_EQ(got.facts.resumed, resumed);
        }
    }
}

TEST(TlsHandshake, KeepsItsLowestVersion) {
    tls_server_options options;
    options.min_version = "1.3";
    server_end server(options);
    const seen& got = server.against(nothing, [](std::uint16_t port) {
        const raw_context context = raw_client_context();
        SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
        raw_client with(port, context.get());
        EXPECT_FALSE(with.handshake());
    });
    ASSERT_FALSE(got.handshake);
    EXPECT_EQ(got.handshake.error(), errc::tls_failed);
    EXPECT_EQ(got.failure, "unsupported protocol");
}

TEST(TlsHandshake, H5_RefusesOldVersionsAndWeakCiphers) {
    const auto refused = [](void (*weaken)(SSL_CTX*)) {
        server_end server;
        const seen& got = server.against(nothing, [weaken](std::uint16_t port) {
            const raw_context context = raw_client_context();
            weaken(context.get());
            raw_client with(port, context.get());
            EXPECT_FALSE(with.handshake());
        });
        return !got.handshake && got.handshake.error() == errc::tls_failed;
    };
    EXPECT_TRUE(refused([](SSL_CTX* context) {
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    }));
    EXPECT_TRUE(refused([](SSL_CTX* context) {
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-SHA256:AES128-GCM-SHA256");
    }));
}

TEST(TlsHandshake, ChoosesTheProtocolThatTheServerPrefers) {
    const self_signed pair = certificate_for({"a.test"});
    tls_server_options options;
    options.alpn = {"second", "first"};
    both_ends ends;
    ends.connect({server_of(pair, options), nothing},
                 {client_of(unverified({"none", "first", "second"})), "a.test"});
    EXPECT_EQ(ends.server.facts.alpn, "second");
    EXPECT_EQ(ends.client.facts.alpn, "second");
}

TEST(TlsHandshake, DoesWithoutAProtocol) {
    const self_signed pair = certificate_for({"a.test"});
    both_ends silent_client;
    silent_client.connect({server_of(pair), nothing}, {client_of(unverified({})), "a.test"});
    EXPECT_TRUE(silent_client.server.handshake);
    EXPECT_EQ(silent_client.server.facts.alpn, "");
    tls_server_options options;
    options.alpn = {};
    both_ends silent_server;
    silent_server.connect({server_of(pair, options), nothing}, {client_of(unverified()), "a.test"});
    EXPECT_TRUE(silent_server.client.handshake);
    EXPECT_EQ(silent_server.client.facts.alpn, "");
}

TEST(TlsHandshake, H6_EndsWithAnAlertWhenNoProtocolIsShared) {
    both_ends ends;
    ends.connect({server_of(certificate_for({"a.test"})), nothing},
                 {client_of(unverified({"h2", "http/1.0", "http/1.11"})), "a.test"});
    ASSERT_FALSE(ends.server.handshake);
    EXPECT_EQ(ends.server.handshake.error(), errc::tls_failed);
    ASSERT_FALSE(ends.client.handshake);
    EXPECT_NE(ends.client.failure.find("no application protocol"), std::string::npos)
        << ends.client.failure;
}

TEST(TlsHandshake, NamesWhatIsNoTls) {
    server_end server;
    const seen& got = server.against(nothing, [](std::uint16_t port) {
        peer with(port);
        with.send("GET / HTTP/1.1\r\n\r\n");
        with.wait_closed();
    });
    ASSERT_FALSE(got.handshake);
    EXPECT_EQ(got.handshake.error(), errc::tls_failed);
    EXPECT_EQ(got.failure, "http request");
}

// One below the bound is only refused for what it says, one above for its size.
TEST(TlsHandshake, F8_RefusesAHelloThatIsTooLarge) {
    const auto outcome = [](std::size_t body) {
        server_end server;
        return server.against(nothing, [body](std::uint16_t port) {
            peer with(port);
            // A ClientHello that announces 100,000 bytes, in records of at most 16,000.
            std::string hello = {1, 1, static_cast<char>(0x86), static_cast<char>(0xa0)};
            hello.resize(body);
            std::string bytes;
            for (std::size_t at = 0; at < hello.size(); at += 16000) {
                const std::string part = hello.substr(at, 16000);
                bytes += record(0x16, part.size()) + part;
            }
            with.send(bytes);
            with.half_close();
            with.wait_closed();
        });
    };
    const std::size_t headers = 2 * 5;
    const seen within = outcome(std::size_t{16} * 1024 - headers);
    EXPECT_EQ(within.handshake.error(), errc::end_of_stream) << within.failure;
    const seen above = outcome(std::size_t{16} * 1024 - headers + 1);
    EXPECT_EQ(above.handshake.error(), errc::too_large) << above.failure;
}

TEST(TlsHandshake, ReportsAPeerThatLeaves) {
    server_end server;
    const seen closed = server.against(nothing, [](std::uint16_t port) {
        peer with(port);
        with.send(record(0x16, 100));
        with.close();
    });
    EXPECT_EQ(closed.handshake.error(), errc::end_of_stream);
    EXPECT_EQ(closed.failure, "the peer closed the connection");
    const seen reset = server.against(nothing, [](std::uint16_t port) {
        peer with(port);
        with.reset();
    });
    EXPECT_EQ(reset.handshake.error(), boost::system::errc::connection_reset);
}

TEST(TlsHandshake, F8_EndsAtItsDeadline) {
    struct flow {
        static task<> go(worker& home, unique_fd fd, tls_context& context, seen& into) {
            stream over(home, std::move(fd));
            over.read_deadline(home.now() + 40ms, errc::handshake_timeout);
            into.handshake = co_await over.accept_tls(context);
            into.why = over.tls_failed();
        }
    };
    server_end server;
    other_side client([&] {
        peer with(server.door.port());
        with.send(record(0x16, 100));
        with.wait_closed();
    });
    seen got;
    run(server.home, flow::go(server.home, server.door.accept(), *server.context, got));
    EXPECT_EQ(got.handshake.error(), errc::handshake_timeout);
    EXPECT_EQ(got.why, tls_failure::timeout);
}

}  // namespace
}  // namespace penstock::net
