#include "net/tls_session_store.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::net {
namespace {

session_ptr session_of(int version) {
    session_ptr made(SSL_SESSION_new());
    EXPECT_EQ(SSL_SESSION_set_protocol_version(made.get(), version), 1);
    return made;
}

const time_point start = time_point() + 1h;

tls_session_store::kept kept_of(session_ptr session,
                                time_point until = start + tls_session_store::age_max) {
    return {std::move(session), until};
}

TEST(TlsSessionStore, GivesTheNewestOfTls13Once) {
    tls_session_store store;
    EXPECT_EQ(store.take("a", start).session, nullptr);
    session_ptr one = session_of(TLS1_3_VERSION);
    session_ptr two = session_of(TLS1_3_VERSION);
    SSL_SESSION* const older = one.get();
    SSL_SESSION* const newer = two.get();
    store.put("a", kept_of(std::move(one)), start);
    store.put("a", kept_of(std::move(two)), start);
    EXPECT_EQ(store.take("b", start).session, nullptr);
    EXPECT_EQ(store.take("a", start).session.get(), newer);
    EXPECT_EQ(store.take("a", start).session.get(), older);
    EXPECT_EQ(store.take("a", start).session, nullptr);
}

TEST(TlsSessionStore, GivesTls12AgainAndAgain) {
    tls_session_store store;
    store.put("a", kept_of(session_of(TLS1_2_VERSION)), start);
    session_ptr latest = session_of(TLS1_2_VERSION);
    SSL_SESSION* const newest = latest.get();
    store.put("a", kept_of(std::move(latest)), start);
    EXPECT_EQ(store.take("a", start).session.get(), newest);
    EXPECT_EQ(store.take("a", start).session.get(), newest);
}

TEST(TlsSessionStore, IsBounded) {
    tls_session_store store;
    for (std::size_t i = 0; i < tls_session_store::sessions_max + 1; ++i)
        store.put("a", kept_of(session_of(TLS1_3_VERSION)), start);
    std::size_t count = 0;
    while (store.take("a", start).session)
        ++count;
    EXPECT_EQ(count, tls_session_store::sessions_max);
    for (std::size_t i = 1; i <= tls_session_store::origins_max; ++i)
        store.put("x" + std::to_string(i), kept_of(session_of(TLS1_3_VERSION)), start);
    store.put("one more", kept_of(session_of(TLS1_3_VERSION)), start);
    EXPECT_EQ(store.take("one more", start).session, nullptr);
    EXPECT_NE(store.take("x1", start).session, nullptr);
}

TEST(TlsSessionStore, ForgetsWithAge) {
    tls_session_store store;
    store.put("a", kept_of(session_of(TLS1_3_VERSION)), start);
    EXPECT_EQ(store.take("a", start + tls_session_store::age_max).session, nullptr);
    store.put("a", kept_of(session_of(TLS1_3_VERSION)), start);
    EXPECT_NE(store.take("a", start + tls_session_store::age_max - 1ns).session, nullptr);
}

// However often it is resumed, the first handshake counts.
TEST(TlsSessionStore, KeepsTheTimeOfTheVerification) {
    tls_session_store store;
    store.put("a", kept_of(session_of(TLS1_3_VERSION), start + 10s), start);
    tls_session_store::kept taken = store.take("a", start + 5s);
    EXPECT_EQ(taken.until, start + 10s);
    store.put("a", std::move(taken), start + 5s);
    EXPECT_EQ(store.take("a", start + 10s).session, nullptr);
    store.put("a", kept_of(session_of(TLS1_3_VERSION), start), start);
    EXPECT_EQ(store.take("a", start).session, nullptr);
}

TEST(TlsSessionStore, KnowsChainsUntilTheyEnd) {
    tls_session_store store;
    tls_session_store::digest one{};
    one[0] = 1;
    EXPECT_FALSE(store.knows(one, start));
    store.note(one, start + 10s);
    EXPECT_TRUE(store.knows(one, start + 10s - 1ns));
    EXPECT_FALSE(store.knows(one, start + 10s));
    EXPECT_FALSE(store.knows(one, start));
    for (std::size_t i = 0; i < tls_session_store::chains_max; ++i) {
        tls_session_store::digest other{};
        other[1] = static_cast<unsigned char>(i);
        other[2] = static_cast<unsigned char>(i >> 8U);
        store.note(other, start + 10s);
    }
    store.note(one, start + 10s);
    EXPECT_TRUE(store.knows(one, start));
    EXPECT_FALSE(store.knows(tls_session_store::digest{}, start));
}

}  // namespace
}  // namespace penstock::net
