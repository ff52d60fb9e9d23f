// Clients that offer an upgrade with an ordinary request: RFC 9110 §7.8 lets a server ignore it.
#include "support/probe.hpp"
#include "support/process.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::test {
namespace {

bool is_installed(const std::string& program) {
    return run({"sh", "-c", "command -v " + program}).status.code == 0;
}

// Answers each request with its own body.
class UpgradeClients : public testing::Test {
 protected:
    static void echo(peer& with) {
        while (std::optional<http_request> head = read_request_head(with)) {
            read_request_body(with, *head);
            with.send(ok_response(head->field("Upgrade") ? "upgrade" : head->body));
        }
    }
    scripted_origin origin{[](peer& with, int) { echo(with); }};
    daemon proxy{proxy_to(origin.address())};
};

TEST_F(UpgradeClients, CurlPostsWithAnOfferOfHttp2) {
    const std::vector<std::string> options{"--http2", "-w", " %{http_code}"};
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{"-d", "hello"},
          {"-d", "hello", "-H", "Transfer-Encoding: chunked"},
          {"-d", "hello", "-H", "Upgrade: TLS/1.2", "-H", "Connection: Upgrade"},
          {"-X", "PUT", "--data-binary", "hello"}}) {
        std::vector<std::string> arguments = options;
        arguments.insert(arguments.end(), more.begin(), more.end());
        arguments.push_back(proxy.url("web", "/"));
        const command_result got = curl(arguments);
        EXPECT_EQ(got.out, "hello 200") << got.err;
    }
}

TEST_F(UpgradeClients, JavaPostsOverPlainText) {
    if (!is_installed("java"))
        GTEST_SKIP() << "java is not installed";
    const std::string program = std::string(PENSTOCK_SOURCE_DIR) + "/tests/e2e/posts.java";
    const std::string base = "http://127.0.0.1:" + std::to_string(proxy.port("web"));
    const command_result got = run({"java", program, base, "20"}, 120s);
    EXPECT_EQ(got.status, (exit_status{0, 0})) << got.err;
    std::size_t served = 0;
    for (std::size_t at = 0; (at = got.out.find(" 200 HTTP_1_1\n", at)) != std::string::npos; ++at)
        ++served;
    EXPECT_EQ(served, 20U) << got.out;
}

}  // namespace
}  // namespace penstock::test
