// Responses that break off before anything of them has left: one status and one reason to clients
// of both versions, whatever version the origin speaks, and in the log.
#include "support/h2_frames.hpp"
#include "support/h2_server.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace penstock::test {
namespace {

struct broken {
    const char* name;
    const char* protocol;
    scripted_origin::script origin;
    const char* reason;
};
std::ostream& operator<<(std::ostream& out, const broken& of) { return out << of.name; }

scripted_origin::script says(std::string bytes) {
    return [bytes = std::move(bytes)](peer& client, int) {
        while (read_request_head(client))
            client.send(bytes);
    };
}

// A head, and behind it in one go what ends the stream.
scripted_origin::script resets_behind(h2::field_list head) {
    return [head = std::move(head)](peer& wire, int) {
        h2_server server(wire);
        while (const std::uint32_t stream = server.request())
            wire.send(h2::head(stream, head, false) +
                      h2::frame(h2::rst_stream, 0, stream, h2::number(2)));
    };
}

class BrokenResponse : public testing::TestWithParam<broken> {};

TEST_P(BrokenResponse, IsA502ToClientsOfBothVersions) {
    for (const std::string version : {"--http1.1", "--http2-prior-knowledge"}) {
        SCOPED_TRACE(version);
        const scripted_origin origin(GetParam().origin);
        daemon proxy(
            "workers: 1\nlog: {access: {path: \"-\"}}\n"
            "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
            "upstreams: {app: {endpoints: [\"" +
            origin.address() + "\"], protocol: " + GetParam().protocol + "}}\n");
        const command_result got = curl({version, "-X", "POST", "-o", "/dev/null", "-w",
                                         "%{http_code} %header{proxy-status}", proxy.url("web")});
        EXPECT_EQ(got.status.code, 0) << got.err;
        EXPECT_EQ(got.out, std::string("502 penstock; error=") + GetParam().reason);
        const std::string line = proxy.running().wait_for("\"penstock.reason\":\"");
        EXPECT_NE(line.find(std::string("\"penstock.reason\":\"") + GetParam().reason + '"'),
                  std::string::npos)
            << line;
        EXPECT_EQ(number_in(line, "http.response.status_code"), 502) << line;
        EXPECT_NE(line.find("\"penstock.complete\":true"), std::string::npos) << line;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Origins, BrokenResponse,
    testing::Values(
        broken{"ChunkThatIsNone", "http/1.1",
               says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n"),
               "http_response_transfer_coding"},
        broken{"Reset", "h2", resets_behind({{":status", "200"}}), "stream_reset"},
        broken{"ResetOfAKnownLength", "h2",
               resets_behind({{":status", "200"}, {"content-length", "10"}}), "stream_reset"},
        broken{"ResetOfALargeLength", "h2",
               resets_behind({{":status", "200"}, {"content-length", "100000"}}), "stream_reset"}),
    [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace penstock::test
