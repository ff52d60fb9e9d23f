// TLS with the implementations that users have on the other side: Python's ssl (tls_shapes.py), and
// nginx, as a proxy before ours and as an origin behind it.
#include "support/certificate.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace penstock::test {
namespace {

constexpr const char* echo =
    "const pieces = [];\n"
    "request.on('data', (piece) => pieces.push(piece));\n"
    "request.on('end', () => response.end(Buffer.concat(pieces)));";

struct site {
    temp_dir dir;
    certificate_files files = write_certificate(dir, "a.test");
    node_origin origin{echo};
    daemon proxy{
        "workers: 2\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\", tls: {certificates: [{cert: \"" +
        files.cert + "\", key: \"" + files.key +
        "\"}]}}}\n"
        "routes: [{match: {path: {exact: /echo}}, upstream: app}, {respond: {body: pong}}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"]}}\n"};
};

class PythonTls : public testing::TestWithParam<const char*> {
 public:
    static void SetUpTestSuite() { site_ = std::make_unique<site>(); }
    static void TearDownTestSuite() { site_.reset(); }

 protected:
    static inline std::unique_ptr<site> site_;
};

TEST_P(PythonTls, FindsNoFault) {
    const std::string script = std::string(PENSTOCK_SOURCE_DIR) + "/tests/e2e/tls_shapes.py";
    const command_result got =
        run({"/usr/bin/python3", script, std::to_string(site_->proxy.port("web")),
             site_->files.cert, GetParam()},
            60s);
    EXPECT_EQ(got.status, (exit_status{0, 0})) << got.err;
}

INSTANTIATE_TEST_SUITE_P(Shapes, PythonTls,
                         testing::Values("verified", "resumed", "closed", "uploaded"),
                         [](const auto& of) { return std::string(of.param); });

// openssl's own load, for a second: nothing fails, and who wants to resumes.
TEST(OpensslTime, CountsWholeConnections) {
    const site here;
    const std::string address = "127.0.0.1:" + std::to_string(here.proxy.port("web"));
    for (const bool reuse : {false, true}) {
        const command_result got =
            run({"openssl", "s_time", "-connect", address, "-www", "/", "-time", "1", "-tls1_2",
                 "-verify", "1", "-CAfile", here.files.cert, reuse ? "-reuse" : "-new"});
        EXPECT_EQ(got.status, (exit_status{0, 0})) << got.out << got.err;
        const std::string made = got.out + got.err;
        EXPECT_NE(made.find("connections in"), std::string::npos) << made;
        const samples found = scrape(here.proxy);
        EXPECT_EQ(sum(found, "penstock_tls_handshakes_total", {"result=\"failed\""}), 0);
        const double resumed =
            sum(found, "penstock_tls_handshakes_total", {"result=\"ok\"", "resumed=\"true\""});
        EXPECT_EQ(resumed > 0, reuse) << resumed;
    }
}

// It verifies us, asks for our name, and resumes its sessions.
TEST(NginxTls, MayStandBeforeUs) {
    const site here;
    for (const std::string version : {"TLSv1.2", "TLSv1.3"}) {
        SCOPED_TRACE(version);
        const nginx_origin front(
            "location / { proxy_pass https://127.0.0.1:" + std::to_string(here.proxy.port("web")) +
            "; proxy_ssl_protocols " + version +
            "; proxy_ssl_server_name on; proxy_ssl_name a.test; proxy_ssl_verify on;"
            " proxy_ssl_trusted_certificate " +
            here.files.cert + "; proxy_set_header Host a.test; }");
        const auto handshakes = [&](const std::string& resumed) {
            return sum(
                scrape(here.proxy), "penstock_tls_handshakes_total",
                {"result=\"ok\"", "version=\"" + version + "\"", "resumed=\"" + resumed + "\""});
        };
        for (int i = 0; i < 5; ++i)
            EXPECT_EQ(curl({"http://" + front.address() + "/"}).out, "pong");
        const std::string body(200'000, 'x');
        const std::string file = here.dir.write("body", body);
        EXPECT_EQ(curl({"http://" + front.address() + "/echo", "--data-binary", "@" + file}).out,
                  body);
        EXPECT_EQ(handshakes("false"), 1);
        EXPECT_EQ(handshakes("true"), 5);
    }
}

// We verify it, and resume for every connection that it does not keep.
TEST(NginxTls, MayStandBehindUs) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "b.test");
    for (const std::string version : {"TLSv1.2", "TLSv1.3"}) {
        SCOPED_TRACE(version);
        const nginx_origin origin("ssl on; ssl_protocols " + version + "; ssl_certificate " +
                                  files.cert + "; ssl_certificate_key " + files.key +
                                  "; ssl_session_tickets on; keepalive_timeout 0;"
                                  " location / { return 200 'from nginx'; }");
        const daemon proxy(
            "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlisteners: {web: {bind: "
            "\"127.0.0.1:0\"}}\n"
            "routes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" +
            origin.address() + "\"], tls: {ca: \"" + files.cert +
            "\", server_name: b.test, verify: true}}}\n");
        for (int i = 0; i < 5; ++i)
            EXPECT_EQ(curl({proxy.url("web", "/")}).out, "from nginx");
        const samples found = scrape(proxy);
        const std::string family = "penstock_upstream_tls_handshakes_total";
        EXPECT_EQ(sum(found, family, {"resumed=\"false\""}), 1);
        EXPECT_EQ(sum(found, family, {"resumed=\"true\""}), 4);
    }
}

}  // namespace
}  // namespace penstock::test
