#include "proxy/grpc.hpp"

#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using exchange::reason;

TEST(GrpcTimeout, IsReadWithEveryUnit) {
    struct {
        const char* text;
        nanoseconds expected;
    } const good[] = {
        {"1H", 1h},     {"2M", 2min},   {"3S", 3s},          {"4m", 4ms},
        {"5u", 5us},    {"6n", 6ns},    {"0n", 0ns},         {"99999999m", 99'999'999ms},
        {"720H", 720h}, {"721H", 720h}, {"99999999H", 720h}, {"99999999M", 720h},
    };
    for (const auto& item : good)
        EXPECT_EQ(parse_grpc_timeout(item.text), item.expected) << item.text;
    for (const char* const bad :
         {"", "1", "m", "1x", "-1m", "+1m", " 1m", "1 m", "1mm", "1.5S", "123456789m"})
        EXPECT_FALSE(parse_grpc_timeout(bad)) << bad;
}

TEST(GrpcStatus, IsOneOfTheErrorsForEveryReason) {
    for (std::size_t i = 1; i < exchange::reason_count; ++i) {
        const int status = grpc_status_of(static_cast<reason>(i));
        EXPECT_GE(status, 1) << exchange::token(static_cast<reason>(i));
        EXPECT_LE(status, 16);
    }
    EXPECT_EQ(grpc_status_of(reason::connection_refused), 14);
    EXPECT_EQ(grpc_status_of(reason::connection_terminated), 14);
    EXPECT_EQ(grpc_status_of(reason::deadline), 4);
    EXPECT_EQ(grpc_status_of(reason::shed_memory), 8);
    EXPECT_EQ(grpc_status_of(reason::queue_full), 8);
    EXPECT_EQ(grpc_status_of(reason::no_route), 12);
}

TEST(GrpcCall, IsToldByItsContentTypeOverHttp2) {
    struct {
        const char* type;
        bool expected;
    } const cases[] = {
        {"application/grpc", true},      {"application/grpc+proto", true},
        {"Application/gRPC; a=b", true}, {"application/grpc-web", false},
        {"application/json", false},     {"", false},
    };
    for (const auto& item : cases) {
        http::request_head head;
        head.version = http::version::http_2;
        head.fields.add("Content-Type", item.type);
        EXPECT_EQ(is_grpc_call(head), item.expected) << item.type;
        head.version = http::version::http_1_1;
        EXPECT_FALSE(is_grpc_call(head)) << item.type;
    }
}

}  // namespace
}  // namespace penstock::proxy
