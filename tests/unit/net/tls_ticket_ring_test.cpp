#include "net/tls_ticket_ring.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::net {
namespace {

constexpr std::int64_t hour = 3600;
constexpr std::int64_t noon = 500'000 * hour;
const std::string secret(32, 's');

bool knows(tls_ticket_ring& ring, const tls_ticket_key& key, std::int64_t now) {
    const auto found = ring.find(key.name, now);
    EXPECT_TRUE(!found || (found->cipher == key.cipher && found->mac == key.mac));
    return found.has_value();
}

TEST(TlsTicketRing, KnowsTheEpochBeforeAndTheNext) {
    tls_ticket_ring ring(secret, "site", hour);
    const auto key = ring.current(noon);
    ASSERT_TRUE(key);
    EXPECT_TRUE(knows(ring, *key, noon + hour - 1));
    EXPECT_TRUE(knows(ring, *key, noon + hour));
    EXPECT_TRUE(knows(ring, *key, noon + 2 * hour - 1));
    EXPECT_FALSE(knows(ring, *key, noon + 2 * hour));
    // A clock that is behind.
    EXPECT_TRUE(knows(ring, *key, noon - 1));
    EXPECT_TRUE(knows(ring, *key, noon - hour));
    EXPECT_FALSE(knows(ring, *key, noon - hour - 1));
}

TEST(TlsTicketRing, ChangesItsKeyWithTheEpoch) {
    tls_ticket_ring ring(secret, "site", hour);
    const auto one = ring.current(noon);
    const auto same = ring.current(noon + hour - 1);
    const auto next = ring.current(noon + hour);
    ASSERT_TRUE(one && same && next);
    EXPECT_EQ(one->name, same->name);
    EXPECT_NE(one->name, next->name);
    EXPECT_NE(one->cipher, next->cipher);
    EXPECT_NE(one->mac, next->mac);
}

// D15: a fleet within five minutes, and nobody else.
TEST(TlsTicketRing, AgreesWithWhoHasTheSameSecret) {
    tls_ticket_ring ring(secret, "site", hour);
    const auto key = ring.current(noon);
    ASSERT_TRUE(key);
    tls_ticket_ring other(secret, "site", hour);
    EXPECT_TRUE(knows(other, *key, noon + 300));
    EXPECT_TRUE(knows(other, *key, noon - 300));
    tls_ticket_ring other_secret(std::string(32, 't'), "site", hour);
    EXPECT_FALSE(knows(other_secret, *key, noon));
    tls_ticket_ring other_scope(secret, "sitf", hour);
    EXPECT_FALSE(knows(other_scope, *key, noon));
    tls_ticket_ring other_epoch(secret, "site", 2 * hour);
    EXPECT_FALSE(knows(other_epoch, *key, noon));
}

TEST(TlsTicketRing, FindsNothingByAPartOfAName) {
    tls_ticket_ring ring(secret, "site", hour);
    const auto key = ring.current(noon);
    ASSERT_TRUE(key);
    EXPECT_FALSE(ring.find(std::span(key->name.data(), 15), noon));
    EXPECT_FALSE(ring.find({}, noon));
}

}  // namespace
}  // namespace penstock::net
