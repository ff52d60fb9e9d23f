// What the suites of hostile peers share: one daemon on its default configuration in front of one
// steered origin, for all tests of a suite. It has one worker, so that who comes next meets the
// connections of who came before.
#pragma once

#include "support/probe.hpp"
#include "support/steered_origin.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace penstock::test {

inline std::string attack_configuration(std::string_view routes, std::string_view upstreams) {
    return "workers: 1\n"
           "admin: {bind: \"127.0.0.1:0\"}\n"
           "log: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
           "routes: [" +
           std::string(routes) + "{upstream: app}]\nupstreams: {" + std::string(upstreams) + "}\n";
}

// `more` stands for upstreams of a suite's own, each with its route.
struct attack_site {
    explicit attack_site(std::string_view routes = {}, std::string_view upstreams = {})
        : proxy(attack_configuration(routes, "app: {endpoints: [\"" + origin.address() + "\"]}" +
                                                 std::string(upstreams))) {}

    [[nodiscard]] peer client() const { return peer(proxy.port("web")); }

    // Whatever happened before: the next request is answered as it should be, over `on` if that
    // still serves, and nothing stands behind the answer.
    void expect_clean(peer* on, std::string_view marker) {
        const std::string target = "/echo/" + std::string(marker);
        std::optional<peer> other;
        if (on == nullptr)
            on = &other.emplace(client());
        on->send("GET " + target + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
        const seen_response seen = see_response(*on);
        EXPECT_TRUE(seen.whole) << seen.fault;
        EXPECT_EQ(seen.head.status, 200);
        EXPECT_EQ(seen.head.body, target);
        EXPECT_EQ(seen.left_over, "");
    }

    steered_origin origin;
    daemon proxy;
};

inline std::string get(std::string_view target, std::string_view method = "GET") {
    return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: a.test\r\n\r\n";
}

// One site for all tests of a suite.
template <typename Site>
class attack_suite : public testing::Test {
 public:
    static void SetUpTestSuite() { site_ = std::make_unique<Site>(); }
    static void TearDownTestSuite() { site_.reset(); }
    [[nodiscard]] static Site& site() { return *site_; }

 private:
    static inline std::unique_ptr<Site> site_;
};

}  // namespace penstock::test
