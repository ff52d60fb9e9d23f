// What refused a message can be found out: by the log, and by peers that are trusted. Nothing that
// was sent comes back.
#include "support/h2_client.hpp"
#include "support/http_reader.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"
#include "support/steered_origin.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::test {
namespace {

std::string configuration(bool trusted, const std::string& origin = "127.0.0.1:1") {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n" +
           std::string(trusted ? "trust: [127.0.0.0/8]\n" : "") +
           "listeners: {web: {bind: \"127.0.0.1:0\", protocols: [http/1.1, h2c]}}\n"
           "upstreams: {app: {endpoints: [\"" +
           origin +
           "\"]}}\n"
           "routes: [{upstream: app}]\n";
}

struct refused_request {
    std::string name;
    std::string bytes;
    int status;
    std::string detail;
    std::string path = "/marker";
};
void PrintTo(const refused_request& one, std::ostream* to) { *to << one.name; }

std::string request(const std::string& fields, const std::string& line = "GET /marker HTTP/1.1") {
    return line + "\r\n" + "User-Agent: old/1\r\n" + fields + "\r\n";
}

std::vector<refused_request> refused_requests() {
    const std::string host = "Host: a.test\r\n";
    const std::string long_path = "/" + std::string(9000, 'p');
    const std::string sized = host + "Content-Length: 2\r\n";
    return {
        {"nul_in_path", request(host, "GET /marker%00b?c HTTP/1.1"), 400, "encoded NUL in path",
         "/marker%00b"},
        {"escape", request(host, "GET /marker%zz HTTP/1.1"), 400, "malformed escape in path",
         "/marker%zz"},
        {"above_the_root", request(host, "GET /../marker HTTP/1.1"), 400, "path above its root",
         "/../marker"},
        {"no_host", request(""), 400, "no Host"},
        {"two_hosts", request(host + host), 400, "more than one Host"},
        {"two_lengths", request(sized + "Content-Length: 2\r\n"), 400, "malformed Content-Length"},
        {"length_and_coding", request(sized + "Transfer-Encoding: chunked\r\n"), 400,
         "contradicting body lengths"},
        {"control_byte", request(host + "X: \x01\r\n"), 400, "control byte in the value (field 3)"},
        {"bare_lf", request(host + "X: a\nY: b\r\n"), 400, "bare LF at the end (field 3)"},
        {"websocket_with_a_body",
         request(sized + "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "{}", 400,
         "Upgrade with a body"},
        {"bad_chunk", request(host + "Transfer-Encoding: chunked\r\n") + "xyz\r\n", 400,
         "malformed chunked coding"},
        {"max_forwards", request(host + "Max-Forwards: x\r\n", "OPTIONS /marker HTTP/1.1"), 400,
         "Max-Forwards is not one number"},
        {"uri_too_long", request(host, "GET " + long_path + " HTTP/1.1"), 414,
         "request line too long", long_path.substr(0, 8192)},
        {"field_too_large", request(host + "X: " + std::string(17000, 'x') + "\r\n"), 431,
         "header field too large (field 3)"},
        {"expectation", request(sized + "Expect: wonders\r\n") + "{}", 417,
         "expectation not supported"},
        {"coding", request(host + "Transfer-Encoding: gzip, chunked\r\n"), 501,
         "transfer coding not supported"},
        {"version", request(host, "GET /marker HTTP/2.0"), 505, "HTTP version not supported"},
    };
}

class RefusedHead : public testing::TestWithParam<refused_request> {
 protected:
    static void expect_log(daemon& proxy, const refused_request& of) {
        const std::string line =
            proxy.running().wait_for("\"penstock.detail\":\"" + of.detail + "\"");
        EXPECT_EQ(number_in(line, "http.response.status_code"), of.status) << line;
        EXPECT_EQ(text_in(line, "url.path"), of.path) << line;
        EXPECT_EQ(text_in(line, "user_agent.original"), "old/1") << line;
        EXPECT_EQ(text_in(line, "client.address"), "127.0.0.1") << line;
        EXPECT_FALSE(text_in(line, "http.request.method").empty()) << line;
    }
};

TEST_P(RefusedHead, IsExplainedInTheLogAndToTrustedPeersAlone) {
    const refused_request& of = GetParam();
    for (const bool trusted : {false, true}) {
        const steered_origin origin;
        daemon proxy(configuration(trusted, origin.address()));
        peer client(proxy.port("web"));
        client.send(of.bytes);
        const http_response got = read_response(client);
        EXPECT_EQ(got.status, of.status);
        const std::string status = got.field("Proxy-Status").value_or("");
        const std::string details = "; details=\"" + of.detail + "\"";
        EXPECT_EQ(status.ends_with(details), trusted) << status;
        EXPECT_EQ(status.find("details") != std::string::npos, trusted) << status;
        EXPECT_EQ(client.received().find("marker"), std::string::npos);
        EXPECT_EQ(client.received().find("old/1"), std::string::npos);
        expect_log(proxy, of);
    }
}

INSTANTIATE_TEST_SUITE_P(, RefusedHead, testing::ValuesIn(refused_requests()),
                         [](const auto& each) { return each.param.name; });

struct refused_stream {
    std::string name;
    h2::field_list fields;
    int status;
    std::string detail;
    std::string path = "/marker";
};

TEST(RefusedStream, IsExplainedInTheLogAndToTrustedPeersAlone) {
    const h2::field_list user_agent{{"user-agent", "old/1"}};
    const auto with = [&](h2::field_list more) {
        more.insert(more.begin(), user_agent.front());
        return more;
    };
    const std::vector<refused_stream> cases{
        {"nul", h2::get("/marker%00b", user_agent), 400, "encoded NUL in path", "/marker%00b"},
        {"host", h2::get("/marker", with({{"host", "other.test"}})), 400,
         "missing, differing or malformed host"},
        {"long", h2::get("/" + std::string(9000, 'p'), user_agent), 414, "request line too long",
         ""},
        {"fields", h2::get("/marker", with({{"x", std::string(17000, 'x')}})), 431,
         "header field too large"},
        {"expect", h2::post("/marker", with({{"expect", "wonders"}})), 417,
         "expectation not supported"},
    };
    for (const refused_stream& one : cases) {
        for (const bool trusted : {false, true}) {
            SCOPED_TRACE(one.name);
            daemon proxy(configuration(trusted));
            h2_client client(proxy.port("web"));
            client.send(h2::head(1, one.fields));
            const h2_response& got = client.response(1);
            EXPECT_EQ(got.status(), one.status);
            const std::string status = got.field("proxy-status");
            EXPECT_EQ(status.find("; details=\"" + one.detail + "\"") != std::string::npos, trusted)
                << status;
            EXPECT_EQ(got.body.find("marker"), std::string::npos) << got.body;
            const std::string line =
                proxy.running().wait_for("\"penstock.detail\":\"" + one.detail + "\"");
            EXPECT_EQ(number_in(line, "http.response.status_code"), one.status) << line;
            EXPECT_EQ(text_in(line, "url.path"), one.path) << line;
            EXPECT_EQ(text_in(line, "http.request.method").empty(), false) << line;
        }
    }
}

// A request that ends with its connection names what ended the connection, wherever it stood: here
// it waits for its origin.
TEST(RefusedStreamLog, NamesTheBreachThatEndedTheConnection) {
    const silent_port origin;
    daemon proxy(configuration(false, "127.0.0.1:" + std::to_string(origin.port())));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, h2::get("/marker")) +
                h2::frame(h2::type::ping, 0, 0, std::string(7, 'p')));
    const std::string line =
        proxy.running().wait_for("\"penstock.detail\":\"HTTP/2 connection: rules\"");
    EXPECT_EQ(text_in(line, "penstock.reason"), "client_protocol_error") << line;
    EXPECT_EQ(text_in(line, "url.path"), "/marker") << line;
    EXPECT_EQ(number_in(line, "http.response.status_code"), 499) << line;
}

// ATTACKS G10: what is shown of it can forge no line, and is cut.
TEST(RefusedHeadLog, EscapesAndCutsWhatWasSent) {
    daemon proxy(configuration(false));
    peer client(proxy.port("web"));
    const std::string user_agent = "\"}\x1b[2J" + std::string(20'000, 'a');
    client.send(
        "GET /a\"}\x01{\"b%00 HTTP/1.1\r\n"
        "User-Agent: " +
        user_agent.substr(0, 9000) + "\r\nHost: a\"\r\n\r\n");
    EXPECT_EQ(read_response(client).status, 400);
    const std::string line = proxy.running().wait_for("\"penstock.reason\":\"http_request_error\"");
    EXPECT_NE(line.find(R"("url.path":"/a\"}\u0001{\"b%00")"), std::string::npos)
        << line.substr(0, 600);
    EXPECT_NE(line.find(R"("user_agent.original":"\"}\u001b[2Ja)"), std::string::npos);
    EXPECT_LT(line.size(), 10'000U);
}

// A head that does not come to its end says as much as it can.
TEST(RefusedHeadLog, ShowsAsMuchAsHasCome) {
    daemon proxy(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\", timeouts: {head: 300ms}}}\n"
        "routes: [{respond: {body: pong}}]\n");
    peer client(proxy.port("web"));
    client.send(
        "POST /slow HTTP/1.1\r\n"
        "User-Agent: old/1\r\nX-Half");
    EXPECT_EQ(read_response(client).status, 408);
    const std::string line = proxy.running().wait_for("\"penstock.reason\":\"head_timeout\"");
    EXPECT_EQ(text_in(line, "http.request.method"), "POST") << line;
    EXPECT_EQ(text_in(line, "url.path"), "/slow") << line;
    EXPECT_EQ(text_in(line, "user_agent.original"), "old/1") << line;
}

}  // namespace
}  // namespace penstock::test
