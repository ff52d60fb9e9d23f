#include "net/tls_records.hpp"
#include "unit/net/tls_sealed.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace penstock::net {
namespace {

using event = tls_records::event;
using test::sealing_client;

constexpr unsigned char change_cipher_spec = SSL3_RT_CHANGE_CIPHER_SPEC;
constexpr unsigned char alert = SSL3_RT_ALERT;
constexpr unsigned char handshake = SSL3_RT_HANDSHAKE;
constexpr unsigned char data = SSL3_RT_APPLICATION_DATA;
constexpr std::string_view update("\x18\0\0\1\0", 5);
constexpr std::string_view update_asked("\x18\0\0\1\1", 5);

// A server's side and a client that seals what it likes.
struct ends {
    explicit ends(unsigned char suite = 1, std::uint64_t records_max = 100) : client(suite) {
        server.emplace(tls_records::data_max, records_max);
        EXPECT_TRUE(client.good());
        EXPECT_TRUE(client.begin(*server));
    }
    tls_records::opened open(std::string record) {
        received = std::move(record);
        return server->open(received, room, now);
    }
    // What was sealed and of which type; empty if the client cannot read it.
    std::string sealed(const std::string& record) { return client.open(record).value_or(""); }
    std::string reply(std::string_view text) {
        std::string out(text.size() + server->overhead(), '\0');
        EXPECT_TRUE(server->seal(text, out.data()));
        return sealed(out);
    }
    std::string owed() {
        std::string out(tls_records::message_max, '\0');
        out.resize(server->seal_owed(out.data()));
        return sealed(out);
    }
    void expect_failure(std::string record, unsigned char code, std::string_view why) {
        EXPECT_EQ(open(std::move(record)).what, event::failed);
        EXPECT_EQ(server->failure(), why);
        std::string out(tls_records::message_max, '\0');
        out.resize(server->seal_alert(out.data()));
        if (code == 0)
            EXPECT_EQ(out, "");
        else
            EXPECT_EQ(sealed(out), std::string({2, static_cast<char>(code), alert}));
        // Said once.
        EXPECT_EQ(server->seal_alert(received.data()), 0U);
    }

    sealing_client client;
    std::optional<tls_records> server;
    std::string received;
    std::string room;
    time_point now{};
};

class TlsRecordsOf : public testing::TestWithParam<unsigned char> {};
INSTANTIATE_TEST_SUITE_P(Suites, TlsRecordsOf,
                         testing::Range<unsigned char>(1, 1 + sealing_client::suites));

// RFC 8446 §5.2, with the sequence numbers of §5.3.
TEST_P(TlsRecordsOf, CarriesDataBothWays) {
    ends both(GetParam());
    for (const std::size_t size : {std::size_t{1}, std::size_t{100}, tls_records::data_max}) {
        const std::string text(size, 'x');
        // Where it lies, and in the reader's room.
        both.room.clear();
        EXPECT_EQ(both.open(both.client.seal(data, text)).data, text);
        both.room.assign(20000, '\0');
        const tls_records::opened got = both.open(both.client.seal(data, text));
        EXPECT_EQ(got.what, event::data);
        EXPECT_EQ(got.data, text);
        EXPECT_EQ(got.data.data(), both.room.data());
        EXPECT_EQ(both.reply(text), text + '\x17');
    }
}

class TlsRecordsOf13 : public testing::TestWithParam<unsigned char> {};
INSTANTIATE_TEST_SUITE_P(Suites, TlsRecordsOf13, testing::Values(1, 2, 3));

TEST_P(TlsRecordsOf13, ChangesItsKeys) {
    ends both(GetParam());
    EXPECT_EQ(both.open(both.client.seal(handshake, update)).what, event::nothing);
    ASSERT_TRUE(both.client.update_sealing());
    EXPECT_FALSE(both.server->owes());
    EXPECT_EQ(both.open(both.client.seal(data, "new")).data, "new");
    EXPECT_EQ(both.open(both.client.seal(handshake, update_asked)).what, event::nothing);
    ASSERT_TRUE(both.client.update_sealing());
    EXPECT_TRUE(both.server->owes());
    EXPECT_EQ(both.owed(), std::string(update) + '\x16');
    ASSERT_TRUE(both.client.update_opening());
    EXPECT_FALSE(both.server->owes());
    EXPECT_EQ(both.reply("answer"), "answer\x17");
    EXPECT_EQ(both.open(both.client.seal(data, "newer")).data, "newer");
}

// RFC 8446 §5.5: before a key has protected as much as it may.
TEST(TlsRecords, ChangesItsOwnKeyInTime) {
    ends both(1, 3);
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(both.server->owes());
        EXPECT_EQ(both.reply("a"), "a\x17");
    }
    EXPECT_TRUE(both.server->owes());
    EXPECT_EQ(both.owed(), std::string(update) + '\x16');
    ASSERT_TRUE(both.client.update_opening());
    EXPECT_FALSE(both.server->owes());
    EXPECT_EQ(both.reply("b"), "b\x17");
}

// Tickets that went out under the same key have taken the first numbers.
TEST(TlsRecords, GoesOnWhereTheHandshakeEnded) {
    sealing_client client(1);
    client.secrets.sealed = 2;
    tls_records server;
    ASSERT_TRUE(server.begin(client.cipher(), client.secrets));
    std::string out(1 + server.overhead(), '\0');
    ASSERT_TRUE(server.seal("a", out.data()));
    EXPECT_FALSE(client.open(out));
    EXPECT_FALSE(client.open(out));
    EXPECT_EQ(client.open(out), "a\x17");
}

TEST(TlsRecords, DropsPadding) {
    ends both;
    EXPECT_EQ(both.open(both.client.seal(data, "padded", 1000)).data, "padded");
    // As much as the record may be long, and no byte more.
    const std::size_t most = tls_records::data_max;
    for (const std::size_t padding : {most - 1, most})
        EXPECT_EQ(both.open(both.client.seal(data, "", padding)).what, event::nothing);
}

TEST(TlsRecords, RefusesWhatWasChanged) {
    for (const std::size_t at : {5U, 9U, 20U, 30U}) {
        ends both;
        std::string record = both.client.seal(data, "0123456789");
        record[at] = static_cast<char>(record[at] ^ 1);
        both.expect_failure(record, SSL_AD_BAD_RECORD_MAC, "decryption failed or bad record mac");
    }
    ends both;
    const std::string record = both.client.seal(data, "0123456789");
    EXPECT_EQ(both.open(record).what, event::data);
    both.expect_failure(record, SSL_AD_BAD_RECORD_MAC, "decryption failed or bad record mac");
}

TEST(TlsRecords, RefusesRecordsWithoutProtection) {
    for (const char type : {'\x14', '\x15', '\x16', '\x18'}) {
        ends both;
        both.expect_failure({type, 3, 3, 0, 2, 1, 0}, SSL_AD_UNEXPECTED_MESSAGE,
                            "a record without protection");
    }
    ends both;
    both.expect_failure(std::string("\x17\3\3\0\0", 5), SSL_AD_BAD_RECORD_MAC,
                        "decryption failed or bad record mac");
}

TEST(TlsRecords, RefusesRecordsThatAreTooLong) {
    ends both;
    const std::string header("\x17\3\3\x41\1", 5);
    EXPECT_EQ(tls_records::size_of(header), header.size());
    both.expect_failure(header, SSL_AD_RECORD_OVERFLOW, "a record is too long");
    ends other;
    other.expect_failure(other.client.seal(data, std::string(tls_records::data_max + 1, 'x')),
                         SSL_AD_RECORD_OVERFLOW, "a record is too long");
    // RFC 8446 §5.4: padding does not make it any longer.
    ends padded;
    padded.expect_failure(padded.client.seal(data, "", tls_records::data_max + 1),
                          SSL_AD_RECORD_OVERFLOW, "a record is too long");
}

// RFC 6066 §4: what the client has negotiated binds it too.
TEST(TlsRecords, HoldsTheClientToItsFragments) {
    for (const unsigned char suite : {'\1', '\4'}) {
        ends both(suite);
        both.server.emplace(512);
        ASSERT_TRUE(both.client.begin(*both.server));
        EXPECT_EQ(both.open(both.client.seal(data, std::string(512, 'x'))).what, event::data);
        both.expect_failure(both.client.seal(data, std::string(513, 'x')), SSL_AD_RECORD_OVERFLOW,
                            "a record is too long");
    }
}

TEST(TlsRecords, KnowsHowLongARecordIs) {
    EXPECT_EQ(tls_records::size_of(std::string_view("\x17\3\3\1", 4)), 0U);
    EXPECT_EQ(tls_records::size_of(std::string_view("\x17\3\3\1\2", 5)), 5U + 258U);
    EXPECT_EQ(tls_records::size_of(std::string_view("\x17\3\3\x41\0", 5)), 5U + 16640U);
}

TEST(TlsRecords, RefusesWhatHasNoTypeOrAnUnknownOne) {
    ends both;
    both.expect_failure(both.client.seal(0, std::string(3, '\0')), SSL_AD_UNEXPECTED_MESSAGE,
                        "a record without a type");
    for (const int type : {20, 24, 99}) {
        ends other;
        other.expect_failure(other.client.seal(static_cast<unsigned char>(type), "x"),
                             SSL_AD_UNEXPECTED_MESSAGE, "a record of an unexpected type");
    }
}

TEST(TlsRecords, BoundsEmptyRecords) {
    ends both;
    for (int i = 0; i < tls_records::empty_max; ++i)
        EXPECT_EQ(both.open(both.client.seal(data, "")).what, event::nothing);
    EXPECT_EQ(both.open(both.client.seal(data, "x")).data, "x");
    for (int i = 0; i < tls_records::empty_max; ++i)
        EXPECT_EQ(both.open(both.client.seal(data, "")).what, event::nothing);
    both.expect_failure(both.client.seal(data, ""), SSL_AD_UNEXPECTED_MESSAGE,
                        "too many empty records");
}

// RFC 8446 §6.
TEST(TlsRecords, TellsTheEndFromAFailure) {
    ends both;
    EXPECT_EQ(both.open(both.client.seal(alert, std::string("\1\x5a", 2))).what, event::nothing);
    EXPECT_EQ(both.open(both.client.seal(alert, std::string("\1\0", 2))).what, event::closed);
    std::string out(tls_records::message_max, '\0');
    out.resize(both.server->seal_close(out.data()));
    EXPECT_EQ(both.sealed(out), std::string("\1\0\x15", 3));
    // Whatever level it claims.
    for (const char level : {'\1', '\2'}) {
        ends other;
        other.expect_failure(other.client.seal(alert, std::string{level, SSL_AD_BAD_CERTIFICATE}),
                             0, "bad certificate");
    }
    ends other;
    other.expect_failure(other.client.seal(alert, "x"), SSL_AD_DECODE_ERROR, "a malformed alert");
}

// RFC 8446 §5.4: data may be empty, and nothing else.
TEST(TlsRecords, RefusesEmptyRecordsOfOtherTypes) {
    for (const unsigned char type : {alert, handshake, change_cipher_spec}) {
        for (const std::size_t padding : {0U, 1U, 100U}) {
            ends both;
            both.expect_failure(both.client.seal(type, "", padding), SSL_AD_UNEXPECTED_MESSAGE,
                                "an empty record");
        }
    }
}

TEST(TlsRecords, BoundsKeyUpdates) {
    ends both;
    for (int i = 0; i < key_update_limit::updates_max; ++i) {
        EXPECT_EQ(both.open(both.client.seal(handshake, update)).what, event::nothing);
        ASSERT_TRUE(both.client.update_sealing());
    }
    both.expect_failure(both.client.seal(handshake, update), SSL_AD_UNEXPECTED_MESSAGE,
                        "too many key updates");
}

TEST(TlsRecords, RefusesOtherHandshakeMessages) {
    for (const std::string& message : {std::string("\1\0\0\1\0", 5), std::string("\x14", 1)}) {
        ends both;
        both.expect_failure(both.client.seal(handshake, message), SSL_AD_UNEXPECTED_MESSAGE,
                            "an unexpected handshake message");
    }
}

// RFC 8446 §4.6.3.
TEST(TlsRecords, RefusesMalformedKeyUpdates) {
    for (const char wish : {'\2', '\3', '\xff'}) {
        ends both;
        std::string message(update);
        message.back() = wish;
        both.expect_failure(both.client.seal(handshake, message), SSL_AD_ILLEGAL_PARAMETER,
                            "a malformed key update");
    }
    for (const std::string& message :
         {std::string("\x18\0\0\0", 4), std::string("\x18\0\0\2\0\0", 6),
          std::string("\x18\0\1\1\0", 5), std::string("\x18\xff\xff\xff", 4),
          std::string("\x18\0\0\0", 4) + std::string(update)}) {
        ends both;
        both.expect_failure(both.client.seal(handshake, message), SSL_AD_DECODE_ERROR,
                            "a key update of a wrong length");
    }
}

// RFC 8446 §5.1: in as many records as the client likes, with nothing behind it in the last.
TEST(TlsRecords, PutsKeyUpdatesTogether) {
    for (std::size_t cut = 1; cut < update_asked.size(); ++cut) {
        ends both;
        for (const std::string_view part : {update_asked.substr(0, cut), update_asked.substr(cut)})
            EXPECT_EQ(both.open(both.client.seal(handshake, part)).what, event::nothing);
        ASSERT_TRUE(both.client.update_sealing());
        EXPECT_TRUE(both.server->owes());
        EXPECT_EQ(both.open(both.client.seal(data, "new")).data, "new");
    }
    for (const unsigned char type : {data, alert}) {
        ends both;
        EXPECT_EQ(both.open(both.client.seal(handshake, update.substr(0, 4))).what, event::nothing);
        both.expect_failure(both.client.seal(type, std::string("\1\0", 2)),
                            SSL_AD_UNEXPECTED_MESSAGE, "a record within a handshake message");
    }
    for (const std::string_view behind : {update, std::string_view("x")}) {
        ends both;
        both.expect_failure(both.client.seal(handshake, std::string(update) + std::string(behind)),
                            SSL_AD_UNEXPECTED_MESSAGE, "a message behind a key update");
    }
}

TEST(TlsRecords, BeginsWithWholeSecretsOnly) {
    sealing_client client(1);
    tls_records server;
    EXPECT_FALSE(server.begin(nullptr, client.secrets));
    client.secrets.server.size = 31;
    EXPECT_FALSE(server.begin(client.cipher(), client.secrets));
}

TEST(TlsTrafficSecrets, CountRecordsUnderTheLatestKey) {
    tls_traffic_secrets secrets;
    for (const bool written : {true, false}) {
        for (const unsigned char type :
             {handshake, handshake, change_cipher_spec, handshake, alert})
            secrets.count(written, type);
    }
    secrets.count(false, handshake);
    EXPECT_EQ(secrets.sealed, 2U);
    EXPECT_EQ(secrets.opened, 3U);
}

TEST(TlsTrafficSecrets, AreReadFromTheKeyLog) {
    tls_traffic_secrets secrets;
    secrets.sealed = 4;
    secrets.note("CLIENT_HANDSHAKE_TRAFFIC_SECRET aa 0102");
    secrets.note("EXPORTER_SECRET aa 0102");
    secrets.note("");
    EXPECT_EQ(secrets.client.size, 0U);
    EXPECT_EQ(secrets.server.size, 0U);
    EXPECT_EQ(secrets.sealed, 4U);
    secrets.note("CLIENT_TRAFFIC_SECRET_0 aa 0102ff");
    EXPECT_EQ(secrets.client.size, 3U);
    EXPECT_EQ(secrets.client.bytes[2], 0xff);
    EXPECT_EQ(secrets.sealed, 4U);
    secrets.note("SERVER_TRAFFIC_SECRET_0 aa a0");
    EXPECT_EQ(secrets.server.size, 1U);
    EXPECT_EQ(secrets.sealed, 0U);
    secrets.note("CLIENT_TRAFFIC_SECRET_0 aa 01x2");
    secrets.note("CLIENT_TRAFFIC_SECRET_0 aa " + std::string(98, '0'));
    EXPECT_EQ(secrets.client.size, 3U);
}

class TlsRecordsOf12 : public testing::TestWithParam<unsigned char> {};
INSTANTIATE_TEST_SUITE_P(Suites, TlsRecordsOf12, testing::Values(4, 5, 6));

// RFC 5246 §6.2.3.3: the sequence number is not sent, and goes into what is checked.
TEST_P(TlsRecordsOf12, RefusesWhatWasChanged) {
    for (const std::size_t at : {4U, 6U, 13U, 30U}) {
        ends both(GetParam());
        std::string record = both.client.seal(data, "0123456789");
        if (at == 4) {
            // Shorter, as its header says.
            record.pop_back();
            --record[4];
        } else {
            record[at] = static_cast<char>(record[at] ^ 1);
        }
        both.expect_failure(record, SSL_AD_BAD_RECORD_MAC, "decryption failed or bad record mac");
    }
    ends again(GetParam());
    const std::string record = again.client.seal(data, "0123456789");
    EXPECT_EQ(again.open(record).what, event::data);
    again.expect_failure(record, SSL_AD_BAD_RECORD_MAC, "decryption failed or bad record mac");
    // The type is no secret, but nobody else's choice.
    ends other(GetParam());
    std::string alerted = other.client.seal(data, std::string("\1\0", 2));
    alerted[0] = alert;
    other.expect_failure(alerted, SSL_AD_BAD_RECORD_MAC, "decryption failed or bad record mac");
}

TEST_P(TlsRecordsOf12, HasNoShortRecords) {
    const std::size_t overhead = ends(GetParam()).client.overhead();
    for (std::size_t size = 0; size < overhead - tls_record_key::header_size; ++size) {
        ends both(GetParam());
        const std::string header{'\x17', 3, 3, 0, static_cast<char>(size)};
        both.expect_failure(header + std::string(size, 'x'), SSL_AD_BAD_RECORD_MAC,
                            "decryption failed or bad record mac");
    }
    ends both(GetParam());
    EXPECT_EQ(both.open(both.client.seal(data, "")).what, event::nothing);
    EXPECT_EQ(both.open(both.client.seal(data, "x")).data, "x");
}

TEST(TlsRecords12, RefusesOtherVersionsAndTypes) {
    ends both(4);
    std::string record = both.client.seal(data, "x");
    record[2] = 2;
    both.expect_failure(record, SSL_AD_PROTOCOL_VERSION, "a record of another version");
    // ChangeCipherSpec, a heartbeat, nothing that is known.
    for (const int type : {20, 24, 99}) {
        ends other(4);
        other.expect_failure(other.client.seal(static_cast<unsigned char>(type), "x"),
                             SSL_AD_UNEXPECTED_MESSAGE, "a record of an unexpected type");
    }
    ends large(4);
    large.expect_failure(large.client.seal(data, std::string(tls_records::data_max + 1, 'x')),
                         SSL_AD_RECORD_OVERFLOW, "a record is too long");
}

// F-8, RFC 5246 §7.2.2.
TEST(TlsRecords12, MakesNoHandshakeAgain) {
    const std::string hello("\1\0\0\2\3\3", 6);
    ends both(5);
    for (int i = 0; i < tls_records::empty_max; ++i) {
        EXPECT_EQ(both.open(both.client.seal(handshake, hello)).what, event::nothing);
        ASSERT_TRUE(both.server->owes());
        EXPECT_EQ(both.owed(), std::string({1, SSL_AD_NO_RENEGOTIATION, alert}));
        EXPECT_FALSE(both.server->owes());
        EXPECT_EQ(both.reply("goes on"), "goes on\x17");
    }
    both.expect_failure(both.client.seal(handshake, hello), SSL_AD_UNEXPECTED_MESSAGE,
                        "too many warnings");
    ends silent(5);
    silent.expect_failure(silent.client.seal(handshake, ""), SSL_AD_UNEXPECTED_MESSAGE,
                          "an empty record");
    // Nor is there anything else to say: new keys, a part, two at once.
    for (const std::string& message : {std::string(update), hello.substr(0, 5), hello + hello}) {
        ends other(5);
        other.expect_failure(other.client.seal(handshake, message), SSL_AD_UNEXPECTED_MESSAGE,
                             "an unexpected handshake message");
    }
}

// RFC 5288 §3: the same key never meets the same nonce twice.
TEST(TlsRecords12, SendsANonceOnce) {
    ends both(4);
    std::set<std::string> nonces;
    for (int i = 0; i < 300; ++i) {
        std::string out(1 + both.server->overhead(), '\0');
        ASSERT_TRUE(both.server->seal("a", out.data()));
        nonces.insert(out.substr(tls_record_key::header_size, 8));
        EXPECT_EQ(both.sealed(out), "a\x17");
    }
    EXPECT_EQ(nonces.size(), 300U);
}

TEST(TlsRecords12, NeverOwesNewKeys) {
    ends both(6, 2);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(both.reply("a"), "a\x17");
        EXPECT_FALSE(both.server->owes());
    }
}

// RFC 5246 §7.2.2: warnings are no end, a bounded number of them; what is fatal is one.
TEST(TlsRecords12, TellsWarningsFromFailures) {
    ends both(4);
    const std::string warning{1, SSL_AD_NO_RENEGOTIATION};
    for (int i = 0; i < tls_records::empty_max; ++i)
        EXPECT_EQ(both.open(both.client.seal(alert, warning)).what, event::nothing);
    EXPECT_EQ(both.open(both.client.seal(data, "x")).data, "x");
    both.expect_failure(both.client.seal(alert, warning), SSL_AD_UNEXPECTED_MESSAGE,
                        "too many warnings");
    ends other(4);
    other.expect_failure(other.client.seal(alert, std::string{2, SSL_AD_NO_RENEGOTIATION}), 0,
                         "no renegotiation");
    ends ended(4);
    EXPECT_EQ(ended.open(ended.client.seal(alert, std::string("\1\0", 2))).what, event::closed);
    std::string out(tls_records::message_max, '\0');
    out.resize(ended.server->seal_close(out.data()));
    EXPECT_EQ(ended.sealed(out), std::string("\1\0\x15", 3));
    ends malformed(4);
    malformed.expect_failure(malformed.client.seal(alert, "x"), SSL_AD_DECODE_ERROR,
                             "a malformed alert");
    ends empty(4);
    empty.expect_failure(empty.client.seal(alert, ""), SSL_AD_UNEXPECTED_MESSAGE,
                         "an empty record");
}

TEST(TlsRecords12, BeginsWithAeadSuitesOnly) {
    const sealing_client client(4);
    const ssl_context_ptr context(SSL_CTX_new(TLS_method()));
    const ssl_ptr ssl(SSL_new(context.get()));
    // ECDHE-RSA-AES128-SHA256, and AES128-CCM.
    for (const std::array<unsigned char, 2> number :
         {std::array<unsigned char, 2>{0xc0, 0x27}, std::array<unsigned char, 2>{0xc0, 0x9e}}) {
        const SSL_CIPHER* const suite = SSL_CIPHER_find(ssl.get(), number.data());
        ASSERT_NE(suite, nullptr);
        tls_records server;
        EXPECT_FALSE(server.begin(suite, client.secrets12));
    }
    tls_records server;
    EXPECT_FALSE(server.begin(nullptr, client.secrets12));
}

}  // namespace
}  // namespace penstock::net
