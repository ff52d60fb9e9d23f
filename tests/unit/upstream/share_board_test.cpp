#include "penstock/upstream/share_board.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::upstream {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1h};

net::address_key address(const std::string& text) {
    return net::address_key_of(*net::socket_address::parse(text, 0));
}

share_board::entry waiting(const std::string& who, std::uint32_t count, std::size_t endpoint = 0) {
    share_board::entry one;
    one.address = address(who);
    one.waiting = one.eligible = count;
    one.connections = 1;
    one.endpoints = mask_of(endpoint);
    return one;
}

TEST(ShareBoard, TellsEachWorkerWhatTheOthersSaid) {
    share_board tested;
    share_board::entry one;
    one.held = 3;
    tested.publish(0, {one});
    EXPECT_TRUE(tested.others(0).empty());
    ASSERT_EQ(tested.others(1).size(), 1U);
    EXPECT_EQ(tested.others(1)[0].held, 3U);
    tested.publish(0, {});
    EXPECT_TRUE(tested.others(1).empty());
}

TEST(ShareBoard, HearsOfOneMoreThatWaits) {
    share_board tested;
    share_board::entry known;
    known.address = address("10.0.0.1");
    known.held = 3;
    share_board::entry held_back = known;
    held_back.held = 0;
    held_back.most = 5;
    tested.publish(0, {held_back, known});
    share_board::entry waits;
    waits.address = known.address;
    waits.waiting = waits.eligible = waits.connections = 1;
    waits.least_held = 2;
    tested.add_waiting(0, waits);
    waits.connections = 0;
    waits.least_held = 1;
    tested.add_waiting(0, waits);
    waits.eligible = 0;
    waits.least_held = 0;
    tested.add_waiting(0, waits);
    waits.eligible = 1;
    waits.address = address("10.0.0.2");
    tested.add_waiting(0, waits);
    const std::vector<share_board::entry> said = tested.others(1);
    ASSERT_EQ(said.size(), 3U);
    EXPECT_EQ(said[0].waiting, 0U);
    EXPECT_EQ(said[1].held, 3U);
    EXPECT_EQ(said[1].waiting, 3U);
    EXPECT_EQ(said[1].eligible, 2U);
    EXPECT_EQ(said[1].least_held, 1U);
    EXPECT_EQ(said[1].connections, 1U);
    EXPECT_EQ(said[2].waiting, 1U);
    EXPECT_EQ(said[2].least_held, 0U);
    EXPECT_EQ(said[2].connections, 1U);
}

// However many workers could free a connection for it, one does.
TEST(ShareBoard, PromisesToEachExchangeOnce) {
    share_board tested;
    tested.publish(0, {waiting("10.0.0.1", 2)});
    const share_board::promise made{address("10.0.0.1"), start + 100ms};
    EXPECT_TRUE(tested.make_promise(0, made, 0));
    ASSERT_EQ(tested.others(2).size(), 1U);
    EXPECT_EQ(tested.others(2)[0].worker, 0);
    EXPECT_EQ(tested.others(2)[0].waiting, 1U);
    EXPECT_EQ(tested.others(2)[0].eligible, 1U);
    EXPECT_EQ(tested.others(2)[0].held, 1U);
    // No worker may take the place for another in the meantime.
    EXPECT_EQ(tested.others(2)[0].promised, 1U);
    EXPECT_TRUE(tested.make_promise(0, made, 0));
    EXPECT_FALSE(tested.make_promise(0, made, 0));
    EXPECT_FALSE(tested.make_promise(1, made, 0));
    EXPECT_EQ(tested.take_promises(0).size(), 2U);
    EXPECT_TRUE(tested.take_promises(0).empty());
}

TEST(ShareBoard, PromisesWhatServesTheExchange) {
    share_board tested;
    tested.publish(0, {waiting("10.0.0.1", 1, 1)});
    const share_board::promise made{address("10.0.0.1"), start + 100ms};
    EXPECT_FALSE(tested.make_promise(0, made, 0));
    EXPECT_TRUE(tested.make_promise(0, made, 1));
}

// What a worker says in between must not bring a promised one back.
TEST(ShareBoard, RemembersPromisesUntilTheyAreTaken) {
    share_board tested;
    tested.publish(0, {waiting("10.0.0.1", 1)});
    const share_board::promise made{address("10.0.0.1"), start + 100ms};
    ASSERT_TRUE(tested.make_promise(0, made, 0));
    tested.publish(0, {waiting("10.0.0.1", 1)});
    EXPECT_EQ(tested.others(1)[0].eligible, 0U);
    EXPECT_EQ(tested.take_promises(0).size(), 1U);
    tested.publish(0, {waiting("10.0.0.1", 1)});
    EXPECT_EQ(tested.others(1)[0].eligible, 1U);
}

TEST(ShareBoard, ForgetsPromisesOfAWorkerWithNothingToSay) {
    share_board tested;
    tested.publish(0, {waiting("10.0.0.1", 1)});
    ASSERT_TRUE(tested.make_promise(0, {address("10.0.0.1"), start + 100ms}, 0));
    tested.publish(0, {});
    EXPECT_TRUE(tested.take_promises(0).empty());
}

TEST(ShareBoard, KeepsAsManyPromisesAsItMay) {
    share_board tested;
    tested.publish(0, {waiting("10.0.0.1", 2 * share_board::promises_max)});
    const share_board::promise made{address("10.0.0.1"), start + 100ms};
    for (std::size_t i = 0; i < share_board::promises_max; ++i)
        ASSERT_TRUE(tested.make_promise(0, made, 0)) << i;
    EXPECT_FALSE(tested.make_promise(0, made, 0));
    EXPECT_EQ(tested.take_promises(0).size(), share_board::promises_max);
    EXPECT_TRUE(tested.make_promise(0, made, 0));
}

}  // namespace
}  // namespace penstock::upstream
