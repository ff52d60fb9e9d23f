#include "unit/admin/stand_in.hpp"

#include "penstock/upstream/failure.hpp"
#include "unit/net/loop.hpp"

namespace penstock::admin {
namespace {

using namespace test;
using exchange::reason;

struct answer {
    int status = 0;
    std::string type;
    std::string cache;
    std::string allow;
    std::string body;
};

answer read(const exchange::response& from) {
    const auto field = [&](std::string_view name) {
        return std::string(from.head.fields.find(name).value_or(""));
    };
    answer made{
        from.head.status, field("content-type"), field("cache-control"), field("allow"), {}};
    while (from.body && !from.body->finished())
        made.body += from.body->take(1000).value();
    return made;
}

class AdminHandler : public testing::Test {
 protected:
    net::task<> handle(exchange::request& from, answer& into) {
        exchange::response made = co_await handler->handle(from);
        into = read(made);
        if (made.body)
            co_await made.body->close();
    }
    answer get(std::string_view path, std::string_view method = "GET") {
        exchange::request from;
        from.head.verb = http::method_of(method);
        from.head.method_text = method;
        from.head.path = path;
        answer got;
        net::worker home(0);
        net::test::run(home, handle(from, got));
        return got;
    }

    stand_in process;
    const std::shared_ptr<exchange::handler> handler = make_handler(process);
};

TEST_F(AdminHandler, ServesMetrics) {
    const answer got = get("/metrics");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(got.cache, "no-store");
    EXPECT_NE(got.body.find("\npenstock_config_generation 1\n"), std::string::npos);
    process.shown.generation = 2;
    EXPECT_NE(get("/metrics").body.find("\npenstock_config_generation 2\n"), std::string::npos);
}

TEST_F(AdminHandler, ServesStatus) {
    const answer got = get("/status");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.type, "application/json");
    EXPECT_EQ(got.cache, "no-store");
    EXPECT_TRUE(got.body.starts_with('{'));
}

TEST_F(AdminHandler, IsHealthyWhateverItsState) {
    for (const bool draining : {false, true}) {
        process.shown.ready = !draining;
        process.shown.draining = draining;
        const answer got = get("/healthz");
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.body, "ok\n");
        EXPECT_EQ(got.type, "text/plain; charset=utf-8");
    }
}

TEST_F(AdminHandler, IsReadyWhileItServes) {
    EXPECT_EQ(get("/readyz").status, 200);
    EXPECT_EQ(get("/readyz").body, "ready\n");
    process.shown.ready = false;
    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_EQ(get("/readyz").body, "starting\n");
    process.shown.draining = true;
    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_EQ(get("/readyz").body, "draining\n");
    EXPECT_EQ(get("/readyz").cache, "no-store");
}

TEST_F(AdminHandler, ListsWhatItServes) {
    const answer got = get("/");
    EXPECT_EQ(got.status, 200);
    for (const char* const path : {"/metrics", "/healthz", "/readyz", "/status"}) {
        EXPECT_NE(got.body.find(path), std::string::npos) << path;
        EXPECT_EQ(get(path).status, 200) << path;
    }
}

TEST_F(AdminHandler, AnswersHeadAsGet) {
    for (const char* const path : {"/", "/metrics", "/healthz", "/readyz", "/status"}) {
        const answer got = get(path, "HEAD");
        EXPECT_EQ(got.status, 200) << path;
        EXPECT_EQ(got.type, get(path).type) << path;
    }
}

TEST_F(AdminHandler, KnowsNoOtherPath) {
    for (const char* const path :
         {"/metrics/", "/metric", "/Status", "/healthz/x", "/favicon.ico", "*", ""}) {
        const answer got = get(path);
        EXPECT_EQ(got.status, 404) << path;
        EXPECT_EQ(got.cache, "no-store") << path;
        EXPECT_EQ(got.type, "application/problem+json") << path;
    }
}

TEST_F(AdminHandler, OnlyReads) {
    for (const char* const method :
         {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"}) {
        for (const char* const path : {"/metrics", "/status", "/nowhere"}) {
            const answer got = get(path, method);
            EXPECT_EQ(got.status, 405) << method << path;
            EXPECT_EQ(got.allow, "GET, HEAD") << method << path;
        }
    }
}

TEST_F(AdminHandler, RefusesWithTheStatusOfTheReason) {
    struct row {
        reason why;
        int status;
    };
    for (const row& one : {row{reason::http_request_error, 400},
                           {reason::head_timeout, 408},
                           {reason::body_too_large, 413},
                           {reason::uri_too_long, 414},
                           {reason::request_header_too_large, 431},
                           {reason::connection_cap, 503}}) {
        exchange::request from;
        const answer got = read(handler->refuse(from, one.why));
        EXPECT_EQ(got.status, one.status);
        EXPECT_NE(got.body.find(exchange::token(one.why)), std::string::npos);
        EXPECT_LT(got.body.size(), 1000U);
    }
}

TEST_F(AdminHandler, TakesSmallBodiesOnly) {
    EXPECT_EQ(handler->body_limit(exchange::request()), 64 * config::kib);
}

TEST_F(AdminHandler, NamesErrorsAsTheProxyDoes) {
    EXPECT_EQ(handler->reason_of(net::errc::body_timeout), reason::body_timeout);
    EXPECT_EQ(handler->reason_of(error()), reason::none);
    handler->finished(exchange::record());
}

}  // namespace
}  // namespace penstock::admin
