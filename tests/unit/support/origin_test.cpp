#include "support/process.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

namespace penstock::test {
namespace {

scripted_origin::script echo_body() {
    return scripted_origin::answer([](const http_request& in) { return ok_response(in.body); });
}

TEST(ScriptedOrigin, KeepsConnectionsAndRecordsBytes) {
    scripted_origin origin(echo_body());
    const std::string first = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    const std::string second =
        "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2;x=y\r\nde\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n";
    {
        peer client(origin.port());
        client.send(first);
        EXPECT_EQ(read_response(client).body, "abc");
        client.send_in_pieces(second);
        EXPECT_EQ(read_response(client).body, "de0123456789");
        client.half_close();
        EXPECT_EQ(client.wait_closed(), closing::eof);
    }
    EXPECT_EQ(origin.received(0), first + second);
    EXPECT_EQ(origin.connections(), 1);
    EXPECT_TRUE(origin.failures().empty());
}

TEST(ScriptedOrigin, SpeaksTls) {
    const temp_dir dir;
    scripted_origin origin(echo_body(), write_certificate(dir, "origin.test"));
    peer client(origin.port(), {.tls = true, .server_name = "origin.test", .alpn = "http/1.1"});
    EXPECT_EQ(client.alpn(), "http/1.1");
    EXPECT_TRUE(client.stays_quiet(10ms));
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_EQ(read_response(client).body, "hi");
    const command_result answer =
        curl({"--cacert", dir.path("origin.test.pem"), "-d", "curl", "--resolve",
              "origin.test:" + std::to_string(origin.port()) + ":127.0.0.1",
              "https://origin.test:" + std::to_string(origin.port()) + "/"});
    EXPECT_EQ(answer.out, "curl") << answer.err;
}

TEST(ScriptedOrigin, TellsResetFromEnd) {
    scripted_origin origin([](peer& client, int index) {
        client.send("x");
        index == 0 ? client.reset() : client.close();
    });
    peer reset(origin.port());
    EXPECT_EQ(reset.wait_closed(), closing::reset);
    peer closed(origin.port());
    EXPECT_EQ(closed.wait_closed(), closing::eof);
    EXPECT_EQ(closed.pending(), "x");
}

TEST(ScriptedOrigin, WaitsForTheTest) {
    const gate go;
    scripted_origin origin([&go](peer& client, int) {
        client.wait_for(go);
        client.send("late");
    });
    peer client(origin.port());
    EXPECT_TRUE(client.stays_quiet(20ms));
    go.open();
    EXPECT_EQ(client.read_to_end(), "late");
}

TEST(ScriptedOrigin, EndsWithScriptsStillWaiting) {
    const gate never_opened;
    scripted_origin origin([&](peer& client, int) { client.wait_for(never_opened, 1h); });
    peer client(origin.port());
    origin.wait_for_connections(1);
}

TEST(HttpReader, RejectsWhatNoSenderMayProduce) {
    const struct {
        const char* name;
        const char* bytes;
    } cases[] = {
        {"bare line feed", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"},
        {"space before colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"},
        {"folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n"},
        {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n"},
        {"both framings",
         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"bad chunk size",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n"},
        {"long chunk",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"},
        {"truncated body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"},
        {"old version", "HTTP/1.0 200 OK\r\n\r\n"},
    };
    for (const auto& test : cases) {
        scripted_origin origin([&](peer& client, int) { client.send(test.bytes); });
        peer client(origin.port());
        EXPECT_THROW(static_cast<void>(read_response(client)), test_error) << test.name;
    }
}

TEST(HttpReader, CollectsInterimResponses) {
    scripted_origin origin([](peer& client, int) {
        client.send("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + ok_response("x"));
    });
    peer client(origin.port());
    const http_response response = read_response(client);
    EXPECT_EQ(response.interim, std::vector<int>{103});
    EXPECT_EQ(response.body, "x");
}

TEST(Ports, RefuseAndStaySilent) {
    const refusing_port refusing;
    EXPECT_THROW(peer{refusing.port()}, test_error);
    const silent_port silent;
    const std::string url = "http://127.0.0.1:" + std::to_string(silent.port());
    EXPECT_EQ(curl({"--connect-timeout", "0.3", url}).status.code, 28);
}

TEST(RealOrigin, NginxServes) {
    const nginx_origin nginx("location / { return 200 'from nginx'; }");
    EXPECT_EQ(curl({"http://" + nginx.address() + "/"}).out, "from nginx");
}

TEST(RealOrigin, NodeServes) {
    const node_origin node("response.end('from node ' + request.url);");
    EXPECT_EQ(curl({"http://" + node.address() + "/x"}).out, "from node /x");
}

}  // namespace
}  // namespace penstock::test
