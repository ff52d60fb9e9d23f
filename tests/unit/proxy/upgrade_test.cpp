#include "proxy/upgrade.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::proxy {
namespace {

// A body that is announced, or ends here.
class announced_body final : public exchange::body_source {
 public:
    bool ended = false;
    std::optional<std::uint64_t> announced;

    result<std::string_view> take(std::size_t) override { return std::string_view(); }
    net::task<result<void>> wait() override { co_return result<void>(); }
    bool finished() const noexcept override { return ended; }
    std::optional<std::uint64_t> length() const noexcept override { return announced; }
    const http::fields& trailers() const noexcept override { return none_; }
    void stop() noexcept override {}
    net::task<> close() override { co_return; }

 private:
    http::fields none_;
};

config::route listing(std::vector<std::string> protocols) {
    config::route by;
    by.upgrade = std::move(protocols);
    return by;
}

struct choice {
    const char* name;
    const char* verb;
    const char* offered;
    config::route by;
    const char* chosen;
};

TEST(ChooseUpgrade, TakesTheFirstThatTheRouteFollows) {
    config::route plain;
    config::route off;
    off.websocket = false;
    const choice cases[] = {
        {"default", "GET", "websocket", plain, "websocket"},
        {"any case", "GET", "WebSocket", plain, "websocket"},
        {"switched off", "GET", "websocket", off, ""},
        {"other", "GET", "tcp", plain, ""},
        {"behind another", "GET", "h2c, websocket", plain, "websocket"},
        {"websocket by POST", "POST", "websocket", plain, ""},
        {"listed", "POST", "tcp", listing({"tcp"}), "tcp"},
        {"as it is written there", "GET", "SPDY/3.1", listing({"spdy/3.1"}), "spdy/3.1"},
        {"version counts", "GET", "spdy/3", listing({"spdy/3.1"}), ""},
        {"the client's order", "GET", "tcp, websocket", listing({"websocket", "tcp"}), "tcp"},
        {"only the list counts", "GET", "websocket", listing({"tcp"}), ""},
        {"empty list", "GET", "websocket", listing({}), ""},
        {"websocket by POST, then another", "POST", "websocket, tcp", listing({"websocket", "tcp"}),
         "tcp"},
        {"nothing", "GET", "", plain, ""},
        {"commas", "GET", ", ,websocket,", plain, "websocket"},
    };
    for (const choice& item : cases) {
        exchange::request from;
        from.head.verb = http::method_of(item.verb);
        from.upgrade = item.offered;
        from.wants_websocket = true;
        choose_upgrade(from, item.by);
        EXPECT_EQ(from.protocol(), item.chosen) << item.name;
        EXPECT_EQ(from.wants_websocket, item.chosen == std::string("websocket")) << item.name;
    }
}

TEST(ForbiddenBody, LeavesPlaceForAWholeOneBeforeOtherProtocols) {
    struct {
        const char* name;
        const char* protocol;
        bool ended;
        std::optional<std::uint64_t> length;
        const char* rule;
    } const cases[] = {
        {"no body", "tcp", true, 0, ""},
        {"small", "tcp", false, 1, ""},
        {"a byte less", "tcp", false, upgrade_body_max - 1, ""},
        {"64 KiB", "tcp", false, upgrade_body_max, ""},
        {"a byte more", "tcp", false, upgrade_body_max + 1, "Upgrade with a body above 64 KiB"},
        {"chunked", "tcp", false, {}, "Upgrade with a body of unknown length"},
        {"websocket", "websocket", true, 0, ""},
        {"websocket with a body", "websocket", false, 1, "Upgrade with a body"},
        {"no upgrade", "", false, upgrade_body_max + 1, ""},
    };
    for (const auto& item : cases) {
        announced_body body;
        body.ended = item.ended;
        body.announced = item.length;
        exchange::request from;
        from.body = &body;
        from.wants_websocket = item.protocol == std::string("websocket");
        if (!from.wants_websocket)
            from.upgrade = item.protocol;
        EXPECT_EQ(forbidden_body(from), item.rule) << item.name;
    }
}

}  // namespace
}  // namespace penstock::proxy
