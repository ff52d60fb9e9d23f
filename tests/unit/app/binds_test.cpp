#include "app/binds.hpp"

#include <gtest/gtest.h>

namespace penstock::app {
namespace {

config::address at(std::uint16_t port) { return {"127.0.0.1", port}; }

net::socket_address socket(std::uint16_t port) {
    return *net::socket_address::parse("127.0.0.1", port);
}

config::listener listener(std::string name, std::vector<config::address> bind) {
    config::listener made;
    made.name = std::move(name);
    made.bind = std::move(bind);
    return made;
}

bound_server server(server_key key, std::string name, const std::vector<std::uint16_t>& ports) {
    bound_server made{key, std::move(name), {}};
    for (const std::uint16_t port : ports)
        made.binds.push_back({at(port), socket(port)});
    return made;
}

bind_plan plan(const std::vector<bound_server>& present,
               const std::vector<config::listener>& wanted) {
    auto made = plan_binds(present, wanted, 100);
    const auto* const conflict = std::get_if<bind_conflict>(&made);
    EXPECT_EQ(conflict, nullptr) << (conflict != nullptr ? conflict->message : "");
    return conflict != nullptr ? bind_plan() : std::get<bind_plan>(made);
}

TEST(BindPlan, OpensEverythingAtStart) {
    const bind_plan got = plan({}, {listener("a", {at(1), at(2)}), listener("b", {at(3)})});
    ASSERT_EQ(got.listeners.size(), 2U);
    EXPECT_TRUE(got.listeners[0].fresh);
    EXPECT_EQ(got.listeners[0].key, 100U);
    EXPECT_EQ(got.listeners[0].opened.size(), 2U);
    EXPECT_EQ(got.listeners[1].key, 101U);
    EXPECT_TRUE(got.gone.empty());
}

TEST(BindPlan, KeepsAServerByItsName) {
    const bind_plan got = plan({server(7, "a", {1})}, {listener("a", {at(1)})});
    EXPECT_FALSE(got.listeners[0].fresh);
    EXPECT_EQ(got.listeners[0].key, 7U);
    EXPECT_EQ(got.listeners[0].kept.size(), 1U);
    EXPECT_TRUE(got.listeners[0].opened.empty());
    EXPECT_TRUE(got.listeners[0].closed.empty());
}

TEST(BindPlan, OpensAndClosesAddressesOfAServer) {
    const bind_plan got = plan({server(7, "a", {1, 2})}, {listener("a", {at(2), at(3)})});
    const listener_change& change = got.listeners[0];
    ASSERT_EQ(change.opened.size(), 1U);
    EXPECT_EQ(change.opened[0], at(3));
    ASSERT_EQ(change.closed.size(), 1U);
    EXPECT_EQ(change.closed[0], socket(1));
    ASSERT_EQ(change.kept.size(), 1U);
    EXPECT_EQ(change.kept[0].configured, at(2));
}

TEST(BindPlan, LetsGoOfServersWhoseListenerIsGone) {
    const bind_plan got =
        plan({server(7, "a", {1}), server(8, "b", {2})}, {listener("b", {at(2)})});
    EXPECT_EQ(got.gone, std::vector<server_key>{7});
    EXPECT_EQ(got.listeners[0].key, 8U);
}

TEST(BindPlan, KeepsTheServerOfARenamedListener) {
    const bind_plan got = plan({server(7, "a", {1})}, {listener("b", {at(1), at(2)})});
    EXPECT_EQ(got.listeners[0].key, 7U);
    EXPECT_EQ(got.listeners[0].kept.size(), 1U);
    EXPECT_EQ(got.listeners[0].opened.size(), 1U);
    EXPECT_TRUE(got.gone.empty());
}

TEST(BindPlan, PrefersTheNameToTheAddress) {
    // "b" has the address of the old "a", but "a" is still there: that is a conflict, not a swap.
    const auto made =
        plan_binds({server(7, "a", {1})}, {listener("b", {at(1)}), listener("a", {at(2)})}, 100);
    ASSERT_TRUE(std::holds_alternative<bind_conflict>(made));
    EXPECT_EQ(std::get<bind_conflict>(made).message,
              "listener 'b' cannot take 127.0.0.1:1 from listener 'a' in one reload; free it in a "
              "reload before");
}

TEST(BindPlan, MatchesPortZeroOneByOne) {
    bound_server present{7, "a", {}};
    present.binds.push_back({at(0), socket(5001)});
    present.binds.push_back({at(0), socket(5002)});
    EXPECT_EQ(plan({present}, {listener("a", {at(0), at(0)})}).listeners[0].kept.size(), 2U);
    const bind_plan more = plan({present}, {listener("a", {at(0), at(0), at(0)})});
    EXPECT_EQ(more.listeners[0].opened.size(), 1U);
    const bind_plan fewer = plan({present}, {listener("a", {at(0)})});
    ASSERT_EQ(fewer.listeners[0].closed.size(), 1U);
    EXPECT_EQ(fewer.listeners[0].closed[0], socket(5002));
    // A free port is nobody's.
    EXPECT_EQ(plan({present}, {listener("a", {at(0)}), listener("b", {at(0)})})
                  .listeners[1]
                  .opened.size(),
              1U);
}

}  // namespace
}  // namespace penstock::app
