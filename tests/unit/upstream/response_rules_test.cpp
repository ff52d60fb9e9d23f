#include "upstream/response_rules.hpp"

#include <gtest/gtest.h>

namespace penstock::upstream {
namespace {

TEST(ResponseRules, AcceptsAnUpgradeOnlyWithBothFields) {
    struct {
        const char* name;
        const char* upgrade;
        const char* connection;
        bool expected;
    } const cases[] = {
        {"plain", "websocket", "Upgrade", true},
        {"case and list", "WebSocket", "keep-alive, upgrade", true},
        {"no token", "websocket", "keep-alive", false},
        {"no connection", "websocket", nullptr, false},
        {"no upgrade", nullptr, "Upgrade", false},
        {"other protocol", "h2c", "Upgrade", false},
        {"a list", "websocket, h2c", "Upgrade", false},
    };
    for (const auto& item : cases) {
        http::response_head head;
        head.status = 101;
        if (item.upgrade != nullptr)
            head.fields.add("Upgrade", item.upgrade);
        if (item.connection != nullptr)
            head.fields.add("Connection", item.connection);
        EXPECT_EQ(accepts_upgrade(head, "websocket"), item.expected) << item.name;
        EXPECT_FALSE(accepts_upgrade(head, "websocket/13")) << item.name;
        EXPECT_EQ(accepts_upgrade(head, "h2c"), item.name == std::string("other protocol"));
    }
}

TEST(ResponseRules, KeepsAuthenticatedConnectionsToTheirClient) {
    struct {
        const char* name;
        const char* request;
        const char* response;
        bool expected;
    } const cases[] = {
        {"nothing", nullptr, nullptr, true},
        {"basic", "Basic eDp5", "Basic realm=\"x\"", true},
        {"ntlm", nullptr, "NTLM", false},
        {"ntlm with token", nullptr, "ntlm TlRMTVNTUAAC", false},
        {"negotiate", nullptr, "Negotiate", false},
        {"second of a list", nullptr, "Basic realm=\"x\", Negotiate", false},
        {"request only", "Negotiate YII=", nullptr, false},
        {"a longer word", nullptr, "NegotiateX", true},
    };
    for (const auto& item : cases) {
        http::request_head request;
        http::response_head response;
        if (item.request != nullptr)
            request.fields.add("Authorization", item.request);
        if (item.response != nullptr)
            response.fields.add("WWW-Authenticate", item.response);
        EXPECT_EQ(may_be_shared(request, response), item.expected) << item.name;
    }
}

TEST(ResponseRules, LooksAtEveryChallengeField) {
    http::response_head response;
    response.fields.add("WWW-Authenticate", "Basic realm=\"x\"");
    response.fields.add("WWW-Authenticate", "NTLM");
    EXPECT_FALSE(may_be_shared(http::request_head(), response));
}

TEST(ResponseRules, ReadsTheKeepAliveTimeout) {
    struct {
        const char* value;
        std::optional<int> expected;
    } const cases[] = {
        {"timeout=5", 5},
        {"timeout=5, max=100", 5},
        {"max=100,  Timeout=72 ", 72},
        {"max=100", std::nullopt},
        {"timeout=", std::nullopt},
        {"timeout=5s", std::nullopt},
        {"timeout=-1", std::nullopt},
        {"timeout=99999999999", std::nullopt},
        {"", std::nullopt},
    };
    for (const auto& item : cases) {
        http::response_head head;
        head.fields.add("Keep-Alive", item.value);
        const auto read = keep_alive_timeout(head);
        ASSERT_EQ(read.has_value(), item.expected.has_value()) << item.value;
        if (read) {
            EXPECT_EQ(read->count(), *item.expected) << item.value;
        }
    }
    EXPECT_FALSE(keep_alive_timeout(http::response_head()));
}

}  // namespace
}  // namespace penstock::upstream
