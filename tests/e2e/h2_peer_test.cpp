// HTTP/2 with an implementation that shares nothing with ours or its library: python3-h2, whose
// state machine refuses whatever is not said as RFC 9113 has it (h2_shapes.py).
#include "support/probe.hpp"
#include "support/real_origin.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace penstock::test {
namespace {

constexpr const char* echo =
    "if (request.url === '/hints') {\n"
    "  response.writeEarlyHints({link: '</a.css>; rel=preload'});\n"
    "  return response.end('ok');\n"
    "}\n"
    "const pieces = [];\n"
    "request.on('data', (piece) => pieces.push(piece));\n"
    "request.on('end', () => {\n"
    "  const names = Object.keys(request.trailers);\n"
    "  if (names.length > 0) response.setHeader('Trailer', names.join(', '));\n"
    "  response.write(Buffer.concat(pieces));\n"
    "  response.addTrailers(request.trailers);\n"
    "  response.end();\n"
    "});";

// Node takes heads of 16 KiB at most, so the long ones are answered by the proxy itself.
struct site {
    node_origin origin{echo};
    daemon proxy{
        "admin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
        "routes: [{match: {path: {exact: /long}}, respond: {body: long}}, {upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"]}}\n"};
};

class H2Peer : public testing::TestWithParam<const char*> {
 public:
    static void SetUpTestSuite() { site_ = std::make_unique<site>(); }
    static void TearDownTestSuite() { site_.reset(); }

 protected:
    static inline std::unique_ptr<site> site_;
};

TEST_P(H2Peer, FindsNoFault) {
    const std::string script = std::string(PENSTOCK_SOURCE_DIR) + "/tests/e2e/h2_shapes.py";
    // Debian's, which has Debian's packages.
    const command_result got = run(
        {"/usr/bin/python3", script, std::to_string(site_->proxy.port("web")), GetParam()}, 60s);
    EXPECT_EQ(got.status, (exit_status{0, 0})) << got.err;
}

INSTANTIATE_TEST_SUITE_P(Shapes, H2Peer,
                         testing::Values("padded_bodies", "trailers", "interim",
                                         "long_head_in_continuations", "settings_that_change",
                                         "priorities_of_old", "streams_that_end_early",
                                         "many_at_once", "heads_that_are_none"),
                         [](const auto& of) { return std::string(of.param); });

}  // namespace
}  // namespace penstock::test
