// A request as a handler has it, for what is made of one without a connection.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/http/path.hpp"
#include "proxy/text_pattern.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace penstock::proxy::test {

struct asked {
    explicit asked(std::string_view target = "/a/b?c=d&e=%20f", std::string_view host = "a.test",
                   std::string_view scheme = "http") {
        request.record = &record;
        request.local = &local;
        request.head.scheme = scheme;
        request.head.authority = host;
        request.head.method_text = "GET";
        EXPECT_TRUE(http::normalize_target(target, request.head)) << target;
        record.method = "GET";
        record.host = host;
        record.path = request.head.forwarded_path() + request.head.query;
        record.client = "192.0.2.7:40000";
        record.request_id = "id1";
        record.listener = intern_name("web");
        record.route = intern_name("all");
    }
    [[nodiscard]] text_facts facts() const { return {request, "app"}; }

    exchange::record record;
    net::socket_address local = *net::socket_address::parse("192.0.2.1", 8080);
    exchange::request request;
};

}  // namespace penstock::proxy::test
