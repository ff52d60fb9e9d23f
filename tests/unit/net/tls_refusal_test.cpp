// What a server refuses within a handshake, and goes on behind: early data. What it refuses for
// good: the alert that says why, which every such end has.
#include "unit/net/tls_ends.hpp"

#include <openssl/err.h>

#include <optional>
#include <ostream>

namespace penstock::net {
namespace {

using namespace test;
using penstock::test::closing;

constexpr std::size_t kib = 1024;

std::string record(char type, const std::string& content) {
    const std::size_t size = content.size();
    return std::string{type, 3, 3, static_cast<char>(size >> 8), static_cast<char>(size & 0xff)} +
           content;
}

// Records that look like data, `each` bytes at most, of which `uncounted` don't count.
std::string records_of_data(std::size_t counted, std::size_t uncounted) {
    std::string all;
    const std::size_t each = 16 * kib;
    for (std::size_t left = counted; left > 0;) {
        const std::size_t part = std::min(left, each - uncounted);
        all += record(0x17, std::string(part + uncounted, 'e'));
        left -= part;
    }
    return all;
}

// ---- Early data

// A session that claims that its server takes early data.
raw_session session_of(server_end& from) {
    raw_session found;
    from.against(nothing, [&](std::uint16_t port) {
        const raw_context context = raw_client_context();
        raw_client client(port, context.get());
        ASSERT_TRUE(client.handshake());
        EXPECT_TRUE(client.closed_cleanly());
        client.say_close();
        found = client.session();
    });
    SSL_SESSION_set_max_early_data(found.get(), 1024 * kib);
    return found;
}

struct early_case {
    const char* name;
    bool other_server;  // which does not know the ticket
    bool retry;         // the hello is answered with a HelloRetryRequest
};
std::ostream& operator<<(std::ostream& out, const early_case& of) { return out << of.name; }

class TlsRefusedEarlyData : public testing::TestWithParam<early_case> {
 protected:
    // Sends `size` bytes that nobody takes, and `more` behind them; then goes on as if nothing had
    // been said. True if the connection works.
    bool survives(std::size_t size, const std::string& more = {}) {
        const early_case& how = GetParam();
        server_end& server = how.other_server ? other_ : first_;
        if (!session_)
            session_ = session_of(first_);
        std::string answer;
        alert_.reset();
        server.against(echo, [&](std::uint16_t port) {
            const raw_context context = raw_client_context();
            if (how.retry)
                SSL_CTX_set1_groups_list(context.get(), "P-521:X25519");
            // One that has met a failure is not offered again.
            const raw_session mine(SSL_SESSION_dup(session_.get()));
            raw_client client(port, context.get(), mine.get());
            const std::string early(size, 'e');
            std::size_t written = 0;
            ASSERT_EQ(SSL_write_early_data(client.ssl(), early.data(), early.size(), &written), 1);
            BIO_write(SSL_get_wbio(client.ssl()), more.data(), static_cast<int>(more.size()));
            ERR_clear_error();
            if (client.handshake()) {
                EXPECT_EQ(SSL_get_early_data_status(client.ssl()), SSL_EARLY_DATA_REJECTED);
                client.send("again");
                client.say_close();
                answer = client.read_exactly(5);
            }
            const int reason = ERR_GET_REASON(ERR_peek_last_error());
            if (reason > SSL_AD_REASON_OFFSET)
                alert_ = reason - SSL_AD_REASON_OFFSET;
        });
        return answer == "again";
    }
    server_end first_;
    server_end other_;
    raw_session session_;
    std::optional<int> alert_;
};

INSTANTIATE_TEST_SUITE_P(H4, TlsRefusedEarlyData,
                         testing::Values(early_case{"OfAKnownTicket", false, false},
                                         early_case{"OfAnUnknownTicket", true, false},
                                         early_case{"OfAKnownTicketBeforeARetry", false, true},
                                         early_case{"OfAnUnknownTicketBeforeARetry", true, true}),
                         [](const auto& param) { return std::string(param.param.name); });

// RFC 8446 §4.2.10.
TEST_P(TlsRefusedEarlyData, IsSkipped) {
    for (const std::size_t size :
         {std::size_t{1}, kib, 14 * kib, 16 * kib, 17 * kib, 64 * kib, 128 * kib, 250 * kib}) {
        SCOPED_TRACE(size);
        EXPECT_TRUE(survives(size)) << first_.got.failure << other_.got.failure;
    }
}

// The client's own byte takes 18 on the wire. Before a retry all of a record counts; behind an
// answered hello OpenSSL counts without the tag of 16 bytes, and grants 104 bytes more.
TEST_P(TlsRefusedEarlyData, F8_IsBounded) {
    const bool retry = GetParam().retry;
    const std::size_t uncounted = retry ? 0 : 16;
    const std::size_t most = 256 * kib + (retry ? 0 : 104) - (18 - uncounted);
    for (const std::size_t within : {most - 1, most}) {
        EXPECT_TRUE(survives(1, records_of_data(within, uncounted))) << within;
        EXPECT_FALSE(alert_);
    }
    EXPECT_FALSE(survives(1, records_of_data(most + 1, uncounted)));
    EXPECT_EQ(alert_, SSL_AD_UNEXPECTED_MESSAGE);
    EXPECT_EQ((GetParam().other_server ? other_ : first_).got.failure, "too much early data");
    EXPECT_EQ((GetParam().other_server ? other_ : first_).got.why, tls_failure::protocol_error);
}

// A client that has announced none may not send it.
TEST(TlsEarlyData, IsNotSkippedUnannounced) {
    server_end server;
    server.against(nothing, [](std::uint16_t port) {
        const raw_context context = raw_client_context();
        SSL_CTX_set1_groups_list(context.get(), "P-521:X25519");
        raw_client client(port, context.get());
        int steps = 0;
        ERR_clear_error();
        EXPECT_FALSE(client.handshake(0, [&] {
            if (++steps == 2) {
                static_cast<void>(BIO_reset(SSL_get_wbio(client.ssl())));
                client.transport().send(record(0x17, "e"));
            }
            return std::string();
        }));
        EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()),
                  SSL_AD_REASON_OFFSET + SSL_AD_UNEXPECTED_MESSAGE);
    });
    EXPECT_EQ(server.got.handshake.error(), errc::tls_failed);
}

// ---- Alerts

// Everything that a client hears that begins by sending `bytes`.
std::string reply_to(const std::string& bytes) {
    server_end server;
    std::string got;
    server.against(nothing, [&](std::uint16_t port) {
        peer client(port);
        client.send(bytes);
        EXPECT_EQ(client.wait_closed(), closing::eof);
        got = client.received();
    });
    EXPECT_FALSE(server.got.handshake);
    return got;
}

std::string fatal(int alert) { return record(0x15, {2, static_cast<char>(alert)}); }

// A hello that announces 60,000 bytes, in records of 16,000; the last of them says how much came.
std::string long_hello(std::size_t bytes) {
    std::string message("\1\0\xea\x60", 4);
    message.resize(bytes, '\0');
    std::string all;
    for (std::size_t at = 0; at < message.size(); at += 16000)
        all += record(0x16, message.substr(at, 16000));
    return all;
}

TEST(TlsAlert, F8_SaysThatAHelloIsTooLong) {
    for (const std::size_t bytes : {17000U, 60004U})
        EXPECT_EQ(reply_to(long_hello(bytes)), fatal(SSL_AD_ILLEGAL_PARAMETER)) << bytes;
    // What comes behind the limit is not waited for.
    EXPECT_EQ(reply_to(long_hello(17000).substr(0, 16000 + 5 + 5)),
              fatal(SSL_AD_ILLEGAL_PARAMETER));
    // Nor does it matter how many records it comes in.
    std::string small = record(0x16, std::string("\1\0\xea\x60", 4));
    while (small.size() <= 16 * kib)
        small += record(0x16, "x");
    EXPECT_EQ(reply_to(small), fatal(SSL_AD_ILLEGAL_PARAMETER));
}

TEST(TlsAlert, EndsEveryRefusalOfAHello) {
    struct refusal {
        std::string name;
        std::string bytes;
        int alert;
    };
    const refusal cases[] = {
        {"a record above the largest", std::string("\x16\3\1\x50\0", 5) + std::string(100, 'x'),
         SSL_AD_RECORD_OVERFLOW},
        {"a record of no known type", record(0x63, "x"), SSL_AD_UNEXPECTED_MESSAGE},
        {"data before anything else", record(0x17, "x"), SSL_AD_UNEXPECTED_MESSAGE},
        {"a Finished", record(0x16, std::string("\x14\0\0\1x", 5)), SSL_AD_UNEXPECTED_MESSAGE},
        {"an empty hello", record(0x16, std::string("\1\0\0\0", 4)), SSL_AD_DECODE_ERROR},
        {"a message above the largest", record(0x16, std::string("\1\x10\0\0", 4)),
         SSL_AD_ILLEGAL_PARAMETER},
    };
    for (const refusal& one : cases)
        EXPECT_EQ(reply_to(one.bytes), fatal(one.alert)) << one.name;
}

}  // namespace
}  // namespace penstock::net
