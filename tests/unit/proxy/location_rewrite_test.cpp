#include "proxy/location_rewrite.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::proxy {
namespace {

constexpr origin_names names{"http", "10.0.0.2:8080", "https", "shop.test"};

std::string rewritten(std::string_view value, const origin_names& by = names,
                      std::string_view name = "Location") {
    http::response_head head;
    head.fields.add("X-Before", "1");
    head.fields.add(name, value);
    std::string scratch;
    rewrite_locations(head, by, scratch);
    return std::string(head.fields.find(name).value_or("absent"));
}

TEST(LocationRewrite, GivesTheEndpointsAddressTheClientsName) {
    EXPECT_EQ(rewritten("http://10.0.0.2:8080/a?b#c"), "https://shop.test/a?b#c");
    EXPECT_EQ(rewritten("HTTP://10.0.0.2:8080/"), "https://shop.test/");
    EXPECT_EQ(rewritten("http://10.0.0.2:8080"), "https://shop.test");
    EXPECT_EQ(rewritten("http://10.0.0.2:8080?a"), "https://shop.test?a");
    EXPECT_EQ(rewritten("http://10.0.0.2:8080/a", names, "Content-Location"),
              "https://shop.test/a");
}

TEST(LocationRewrite, LeavesEverythingElse) {
    for (const char* const value :
         {"/a", "a", "", "//10.0.0.2:8080/", "https://10.0.0.2:8080/", "http://10.0.0.2/",
          "http://10.0.0.2:80801/", "http://10.0.0.20:8080/", "http://u@10.0.0.2:8080/",
          "http://other.test/?u=http://10.0.0.2:8080/", "http://"})
        EXPECT_EQ(rewritten(value), value);
    EXPECT_EQ(rewritten("http://10.0.0.2:8080/", names, "X-Location"), "http://10.0.0.2:8080/");
}

TEST(LocationRewrite, KnowsDefaultPortsAndNames) {
    const origin_names plain{"http", "app.internal:80", "http", "a.test:8080"};
    EXPECT_EQ(rewritten("http://App.Internal/x", plain), "http://a.test:8080/x");
    EXPECT_EQ(rewritten("http://app.internal:80/x", plain), "http://a.test:8080/x");
    EXPECT_EQ(rewritten("http://app.internal:81/x", plain), "http://app.internal:81/x");
    const origin_names secure{"https", "[::1]:443", "https", "a.test"};
    EXPECT_EQ(rewritten("https://[::1]/x", secure), "https://a.test/x");
    EXPECT_EQ(rewritten("https://[::1]:443/x", secure), "https://a.test/x");
    EXPECT_EQ(rewritten("http://[::1]/x", secure), "http://[::1]/x");
}

// HTTP/1.0 without Host: a path alone.
TEST(LocationRewrite, LeavesAPathToAClientThatNamedNoHost) {
    const origin_names nameless{"http", "10.0.0.2:8080", "http", ""};
    EXPECT_EQ(rewritten("http://10.0.0.2:8080/a", nameless), "/a");
    EXPECT_EQ(rewritten("http://10.0.0.2:8080", nameless), "/");
    EXPECT_EQ(rewritten("http://10.0.0.2:8080?a", nameless), "/?a");
}

TEST(LocationRewrite, FindsTheUrlOfRefresh) {
    const auto refresh = [](std::string_view value) { return rewritten(value, names, "Refresh"); };
    EXPECT_EQ(refresh("5; url=http://10.0.0.2:8080/a"), "5; url=https://shop.test/a");
    EXPECT_EQ(refresh("0;URL='http://10.0.0.2:8080/a'"), "0;URL='https://shop.test/a'");
    EXPECT_EQ(refresh("0; url=\"http://10.0.0.2:8080\""), "0; url=\"https://shop.test\"");
    EXPECT_EQ(refresh("0; url='http://10.0.0.2:8080'"), "0; url='https://shop.test'");
    EXPECT_EQ(refresh("0; url=http://10.0.0.2:8080 "), "0; url=https://shop.test ");
    EXPECT_EQ(refresh("0 ;  Url\t= \"http://10.0.0.2:8080/a\""),
              "0 ;  Url\t= \"https://shop.test/a\"");
    for (const char* const value : {"5; url", "5; url =", "5; url \"x\"", "0; url=\""})
        EXPECT_EQ(refresh(value), value);
    for (const char* const value : {"5", "5; url=/a", "5;", "http://10.0.0.2:8080/a", "5; u"})
        EXPECT_EQ(refresh(value), value);
}

}  // namespace
}  // namespace penstock::proxy
