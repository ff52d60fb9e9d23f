// Paths: what came is what leaves, escaped delimiters are data, and no reading that an origin may
// have of a path gets it past a rule of the configuration.
#include "support/http_reader.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::test {
namespace {

// An origin that answers with the target that it was asked for.
class path_site {
 public:
    explicit path_site(const std::string& listener, const std::string& routes)
        : origin_([](peer& proxy, int) {
              while (const auto request = read_request_head(proxy))
                  proxy.send(ok_response(request->target));
          }),
          proxy_("listeners: {web: {bind: \"127.0.0.1:0\"" + listener +
                 "}}\nupstreams: {app: {endpoints: [\"" + origin_.address() + "\"]}}\nroutes:\n" +
                 routes) {}

    http_response ask(const std::string& target) {
        peer client(proxy_.port("web"));
        client.send("GET " + target + " HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        return read_response(client);
    }
    // What the origin was asked for, or the status and token of a reply of our own.
    std::string outcome(const std::string& target) {
        const http_response got = ask(target);
        if (got.status == 200)
            return got.body;
        return std::to_string(got.status) + " " + got.field("proxy-status").value_or("");
    }
    [[nodiscard]] std::uint16_t port() const { return proxy_.port("web"); }

 private:
    scripted_origin origin_;
    daemon proxy_;
};

const std::string ambiguous = "400 penstock; error=ambiguous_path";

TEST(Paths, ArriveAsTheyCame) {
    path_site site("", "  - upstream: app\n");
    for (const char* const target :
         {"/@scope%2fpkg", "/api/queues/%2F/jobs", "/files/D%5Cu", "/bucket/a//b",
          "/img/https://host/x.png", "/%7Eu/%e4", "/%2F", "/a//?q=//..%2f", "/a%2f%2fb"})
        EXPECT_EQ(site.outcome(target), target);
    EXPECT_EQ(site.outcome("/a/%2e./b//c"), "/b//c");
    EXPECT_EQ(site.outcome("//a"), "/a");
    EXPECT_EQ(site.outcome("/admin//../secret"), ambiguous);
    EXPECT_EQ(site.outcome("/a%2f..%2fb"), ambiguous);
}

// Over HTTP/2 the same.
TEST(Paths, ArriveAsTheyCameOverHttp2) {
    path_site site("", "  - upstream: app\n");
    const auto asked = [&](const std::string& target) {
        return run({"curl", "-s", "--http2-prior-knowledge", "--path-as-is",
                    "http://127.0.0.1:" + std::to_string(site.port()) + target})
            .out;
    };
    EXPECT_EQ(asked("/bucket/a//b%2fc/%7e"), "/bucket/a//b%2fc/%7e");
    EXPECT_NE(asked("/a%2f..").find("ambiguous_path"), std::string::npos);
}

TEST(Paths, EscapedSlashesChooseNoOtherRoute) {
    path_site site("", R"(
  - {match: {path: {prefix: "/files/secret/"}}, respond: {status: 403, body: no}}
  - {match: {path: {exact: "/ping"}}, respond: {status: 204}}
  - {match: {path: {prefix: "/files/"}}, upstream: app}
  - {upstream: app}
)");
    EXPECT_EQ(site.outcome("/files/a%2fb"), "/files/a%2fb");
    EXPECT_EQ(site.outcome("/other%2fa%5Cb"), "/other%2fa%5Cb");
    for (const char* const target : {"/files/secret%2fa", "/files%2fsecret/a", "/files%2Fa",
                                     "/files/secret%5ca", "/files%5csecret%2fa", "/%2fping",
                                     "/%5Cping", "/files%2f%2fsecret/a", "/files//secret%2fa"})
        EXPECT_EQ(site.outcome(target), ambiguous) << target;
    EXPECT_EQ(site.ask("/files/secret/%2f").status, 403);
}

// The operator says that there they are data; what stands behind is looked at as ever.
TEST(Paths, EscapesThatARouteNamesAreData) {
    path_site site("", R"(
  - {match: {path: {prefix: "/api/queues/%2f/"}}, upstream: app}
  - {match: {path: {exact: "/@scope%2Fpkg"}}, upstream: app}
  - {match: {path: {prefix: "/%61dmin/"}}, respond: {status: 403, body: no}}
  - {match: {path: {prefix: "/api/queues/%2F/secret/"}}, respond: {status: 403, body: no}}
  - {respond: {status: 404, body: none}}
)");
    EXPECT_EQ(site.outcome("/api/queues/%2F/jobs"), "/api/queues/%2F/jobs");
    EXPECT_EQ(site.outcome("/api/queues/%2f/a%2fb"), "/api/queues/%2f/a%2fb");
    EXPECT_EQ(site.outcome("/@scope%2fpkg"), "/@scope%2fpkg");
    EXPECT_EQ(site.outcome("/api/queues/%2F/secret%2fa"), ambiguous);
    EXPECT_EQ(site.ask("/admin/x").status, 403);
    EXPECT_EQ(site.ask("/%61dmin/x").status, 403);
}

TEST(Paths, RefuseEscapedSlashesWhereTheListenerSaysSo) {
    path_site site(", paths: {encoded_slash: refuse}", "  - upstream: app\n");
    for (const char* const target : {"/a%2fb", "/a%2Fb", "/a%5cb", "/%5C"})
        EXPECT_EQ(site.outcome(target), ambiguous) << target;
    for (const char* const target : {"/a%252fb", "/a?b=%2f", "/%7e//a"})
        EXPECT_EQ(site.outcome(target), target);
    const std::string got = run({"curl", "-s", "--http2-prior-knowledge",
                                 "http://127.0.0.1:" + std::to_string(site.port()) + "/a%2fb"})
                                .out;
    EXPECT_NE(got.find("ambiguous_path"), std::string::npos) << got;
}

// Over both versions the log and trusted peers learn which rule struck.
TEST(Paths, SayWhyTheyWereRefused) {
    daemon proxy(
        "listeners: {web: {bind: \"127.0.0.1:0\", paths: {encoded_slash: refuse}}}\n"
        "log: {access: {path: \"-\"}}\ntrust: [127.0.0.1]\nroutes: [{respond: {}}]\n");
    const std::string url = proxy.url("web", "/a%2fb");
    for (const std::string version : {"--http1.1", "--http2-prior-knowledge"}) {
        const std::string got = run({"curl", "-si", version, url}).out;
        EXPECT_NE(got.find(R"(details="encoded '/' or '\\' in the path")"), std::string::npos)
            << got;
        EXPECT_FALSE(proxy.running()
                         .wait_for(R"("penstock.detail":"encoded '/' or '\\' in the path")")
                         .empty());
    }
}

TEST(Paths, AreMergedOnTheWayOutWhereTheListenerSaysSo) {
    path_site site(", paths: {merge_slashes: forward}", "  - upstream: app\n");
    EXPECT_EQ(site.outcome("/bucket/a//b///"), "/bucket/a/b/");
    EXPECT_EQ(site.outcome("//%7Eu//%e4?a//b"), "/%7Eu/%e4?a//b");
    EXPECT_EQ(site.outcome("/a//../b"), ambiguous);
}

// `${path}` is the path as it is forwarded.
TEST(Paths, AreMergedInVariablesWhereTheListenerSaysSo) {
    path_site site(", paths: {merge_slashes: forward}",
                   "  - {match: {path: {prefix: /rw/}}, upstream: app, rewrite: {path: "
                   "\"/app${path}\"}}\n  - {redirect: {scheme: https}}\n");
    EXPECT_EQ(site.outcome("/rw/a//b"), "/app/rw/a/b");
    EXPECT_EQ(site.ask("/x//y?a//b").field("location"), "https://a.test/x/y?a//b");
    const std::string got = run({"curl", "-s", "--http2-prior-knowledge",
                                 "http://127.0.0.1:" + std::to_string(site.port()) + "/rw/a//b"})
                                .out;
    EXPECT_EQ(got, "/app/rw/a/b");
}

}  // namespace
}  // namespace penstock::test
