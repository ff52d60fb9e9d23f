#include "downstream/serving.hpp"

#include <gtest/gtest.h>

namespace penstock::downstream {
namespace {

std::shared_ptr<const listener_state> some_state() { return std::make_shared<listener_state>(); }

TEST(ServingPool, GivesTheSameOneOutAgainClean) {
    serving_pool pool;
    const auto state = some_state();
    std::unique_ptr<serving> taken = pool.take(state);
    serving* const first = taken.get();
    taken->request.head.path = "/secret";
    taken->request.head.fields.add("Cookie", "secret");
    taken->record.path = "/secret";
    taken->record.status = 200;
    taken->text = "HTTP/1.1 200";
    taken->head_sent = true;
    taken->aborted->fire(make_error_code(boost::system::errc::io_error));
    pool.give_back(std::move(taken), state);
    taken = pool.take(state);
    EXPECT_EQ(taken.get(), first);
    EXPECT_TRUE(taken->request.head.path.empty());
    EXPECT_TRUE(taken->request.head.fields.empty());
    EXPECT_TRUE(taken->record.path.empty());
    EXPECT_EQ(taken->record.status, 0);
    EXPECT_TRUE(taken->text.empty());
    EXPECT_FALSE(taken->head_sent);
    EXPECT_FALSE(taken->aborted->fired());
    EXPECT_FALSE(taken->body);
}

TEST(ServingPool, HoldsNothingOfAnOlderState) {
    serving_pool pool;
    auto old = some_state();
    const std::weak_ptr<const listener_state> watched = old;
    std::unique_ptr<serving> taken = pool.take(old);
    const auto fresh = some_state();
    old.reset();
    pool.give_back(std::move(taken), fresh);
    EXPECT_TRUE(watched.expired());
    EXPECT_EQ(pool.cached(), 0U);
}

TEST(ServingPool, KeepsNoMoreThanItsCap) {
    serving_pool pool;
    const auto state = some_state();
    std::vector<std::unique_ptr<serving>> taken;
    for (std::size_t i = 0; i < serving_pool::cached_max + 1; ++i)
        taken.push_back(pool.take(state));
    for (std::size_t i = 0; i < taken.size(); ++i) {
        pool.give_back(std::move(taken[i]), state);
        EXPECT_EQ(pool.cached(), std::min(i + 1, serving_pool::cached_max));
    }
}

TEST(ServingPool, KeepsNoLargeText) {
    serving_pool pool;
    const auto state = some_state();
    std::unique_ptr<serving> taken = pool.take(state);
    taken->text.reserve(serving_pool::bytes_kept_max + 1);
    pool.give_back(std::move(taken), state);
    EXPECT_EQ(pool.cached(), 0U);
}

}  // namespace
}  // namespace penstock::downstream
