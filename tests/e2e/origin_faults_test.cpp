// What a client sees, and what the log and the metrics say, when an origin fails: one status and
// one reason for each way to fail.
#include "support/certificate.hpp"
#include "support/peer.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"
#include "support/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>

namespace penstock::test {
namespace {

// Reads a request head, then does as told.
scripted_origin::script after_head(std::function<void(peer&)> act) {
    return [act = std::move(act)](peer& client, int) {
        while (read_request_head(client)) {
            act(client);
        }
    };
}

scripted_origin::script reply_and_close(std::string bytes) {
    return [bytes = std::move(bytes)](peer& client, int) {
        (void)read_request_head(client);
        client.send(bytes);
    };
}

struct fault {
    std::string name;
    std::string upstream;  // settings of the upstream
    scripted_origin::script origin;
    int status;
    std::string reason;
};

std::string long_head() {
    return "HTTP/1.1 200 OK\r\nX-Long: " + std::string(70'000, 'x') + "\r\n\r\n";
}

std::vector<fault> faults_before_the_head() {
    const std::string hurry = "timeouts: {connect: 300ms, first_byte: 300ms, idle: 300ms}";
    return {
        {"ClosesBeforeTheHead", "", reply_and_close(""), 502, "connection_terminated"},
        {"ClosesWithinTheHead", "", reply_and_close("HTTP/1.1 200 OK\r\nCont"), 502,
         "connection_terminated"},
        {"Resets", "", after_head([](peer& client) {
             client.reset();
             throw stopped();
         }),
         502, "connection_terminated"},
        {"NeverAnswers", hurry, after_head([](peer& client) { client.wait_closed(); }), 504,
         "connection_read_timeout"},
        {"SpeaksSomethingElse", "", reply_and_close("SSH-2.0-OpenSSH_9.2\r\n"), 502,
         "http_protocol_error"},
        {"SendsABadFieldLine", "", reply_and_close("HTTP/1.1 200 OK\r\nbad line\r\n\r\n"), 502,
         "http_protocol_error"},
        {"SendsTwoLengths", "",
         reply_and_close("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
         502, "http_protocol_error"},
        {"SendsAnUnknownCoding", "",
         reply_and_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 502,
         "http_response_transfer_coding"},
        {"SendsTooLargeAHead", "", reply_and_close(long_head()), 502,
         "http_response_header_section_size"},
        {"SwitchesProtocolsUnasked", "",
         reply_and_close("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: upgrade\r\n\r\n"),
         502, "unexpected_upgrade"},
        {"SendsOnlyInterimHeads", "", after_head([](peer& client) {
             const std::string early = "HTTP/1.1 103 Early Hints\r\n\r\n";
             client.send(repeat(early, 101));
             client.wait_closed();
         }),
         502, "interim_flood"},
    };
}

// The log line and the counter of the one request that was made.
void expect_reason(daemon& proxy, int status, const std::string& reason) {
    const std::string line = proxy.running().wait_for("\"penstock.reason\":\"" + reason + "\"");
    EXPECT_EQ(number_in(line, "http.response.status_code"), status) << line;
    const samples found = wait_for_sum(proxy, "penstock_requests_total", {}, 1);
    EXPECT_EQ(sum(found, "penstock_requests_total", {"reason=\"" + reason + "\""}), 1);
}

void expect_own_reply(daemon& proxy, int status, const std::string& reason) {
    peer client(proxy.port("web"));
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, status);
    const std::string proxy_status = got.field("proxy-status").value_or("");
    EXPECT_EQ(proxy_status, "penstock; error=" + reason);
    EXPECT_EQ(got.field("content-type"), "application/problem+json");
    EXPECT_NE(got.body.find("\"reason\":\"" + reason + "\""), std::string::npos) << got.body;
    EXPECT_TRUE(got.field("x-request-id").has_value());
    EXPECT_EQ(got.field("retry-after").has_value(), status == 503);
    expect_reason(proxy, status, reason);
}

class OriginFault : public testing::TestWithParam<fault> {};

TEST_P(OriginFault, IsAnsweredWithItsStatusAndReason) {
    scripted_origin origin(GetParam().origin);
    daemon proxy(proxy_to(origin.address(), GetParam().upstream));
    expect_own_reply(proxy, GetParam().status, GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(BeforeTheHead, OriginFault, testing::ValuesIn(faults_before_the_head()),
                         [](const auto& chosen) { return chosen.param.name; });

TEST(OriginFaults, RefusedConnectionIs502) {
    const refusing_port origin;
    daemon proxy(proxy_to("127.0.0.1:" + std::to_string(origin.port())));
    expect_own_reply(proxy, 502, "connection_refused");
}

TEST(OriginFaults, UnansweredConnectionIs504) {
    const silent_port origin;
    daemon proxy(
        proxy_to("127.0.0.1:" + std::to_string(origin.port()), "timeouts: {connect: 300ms}"));
    expect_own_reply(proxy, 504, "connection_timeout");
}

TEST(OriginFaults, UntrustedCertificateIs502) {
    const temp_dir dir;
    scripted_origin origin(reply_and_close(ok_response("never")), write_certificate(dir, "a.test"));
    daemon proxy(proxy_to(origin.address(), "tls: {verify: true}"));
    expect_own_reply(proxy, 502, "tls_certificate_error");
}

TEST(OriginFaults, OriginWithoutTlsIs502) {
    scripted_origin origin([](peer& client, int) {
        client.read_some();
        client.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    daemon proxy(proxy_to(origin.address(), "tls: {verify: false}"));
    expect_own_reply(proxy, 502, "tls_protocol_error");
}

TEST(OriginFaults, FullPoolIs503AfterTheQueueTimeout) {
    const gate answered;
    scripted_origin origin(after_head([&](peer& client) {
        client.wait_for(answered);
        client.send(ok_response("late"));
    }));
    daemon proxy(proxy_to(origin.address(), "pool: {connections: 1, queue_timeout: 200ms}"));
    peer first(proxy.port("web"));
    first.send("GET /first HTTP/1.1\r\nHost: a.test\r\n\r\n");
    origin.wait_for_connections(1);
    peer second(proxy.port("web"));
    second.send("GET /second HTTP/1.1\r\nHost: a.test\r\n\r\n");
    const http_response refused = read_response(second);
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.field("proxy-status"), "penstock; error=connection_limit_reached");
    EXPECT_TRUE(refused.field("retry-after").has_value());
    answered.open();
    EXPECT_EQ(read_response(first).body, "late");
}

TEST(OriginFaults, CloseWithinABodyOfKnownLengthIsVisible) {
    scripted_origin origin(
        reply_and_close("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"));
    daemon proxy(proxy_to(origin.address()));
    EXPECT_EQ(curl({proxy.url("web")}).status.code, 18);  // transfer closed with bytes outstanding
    expect_reason(proxy, 200, "http_response_incomplete");
}

TEST(OriginFaults, CloseWithinAChunkedBodyIsVisible) {
    scripted_origin origin(
        reply_and_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
    daemon proxy(proxy_to(origin.address()));
    const command_result got = curl({proxy.url("web")});
    EXPECT_EQ(got.status.code, 18) << got.err;
    EXPECT_EQ(got.out, "hello");
    expect_reason(proxy, 200, "http_response_incomplete");
}

TEST(OriginFaults, BadChunkBreaksTheBodyOff) {
    scripted_origin origin(
        reply_and_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX"));
    daemon proxy(proxy_to(origin.address()));
    EXPECT_NE(curl({proxy.url("web")}).status.code, 0);
    expect_reason(proxy, 200, "http_response_transfer_coding");
}

TEST(OriginFaults, SilenceWithinABodyIsCutAfterTheIdleTimeout) {
    scripted_origin origin(after_head([](peer& client) {
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        client.wait_closed();
    }));
    daemon proxy(proxy_to(origin.address(), "timeouts: {idle: 300ms}"));
    EXPECT_EQ(curl({proxy.url("web")}).status.code, 18);
    expect_reason(proxy, 200, "connection_read_timeout");
}

TEST(OriginFaults, EarlyAnswerReachesAClientThatIsStillSending) {
    scripted_origin origin(after_head([](peer& client) {
        client.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n\r\nenough");
        client.wait_closed();
    }));
    daemon proxy(proxy_to(origin.address()));
    peer client(proxy.port("web"));
    client.send("POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10000000\r\n\r\nbeginning");
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 413);
    EXPECT_EQ(got.body, "enough");
    EXPECT_EQ(got.field("connection"), "close");
    EXPECT_EQ(client.wait_closed(), closing::eof);
    // The half-sent request has spoilt the origin's connection: the next one gets another.
    EXPECT_EQ(curl({"-o", "/dev/null", "-w", "%{http_code}", proxy.url("web")}).out, "413");
    EXPECT_EQ(origin.connections(), 2);
}

std::string counting_node(const std::string& body) {
    return "response.setHeader('x-pid', process.pid); response.end('" + body + "');";
}

// wrk's own count of answers that were neither 2xx nor 3xx.
double failures_of(const std::string& output) {
    const std::size_t at = output.find("Non-2xx or 3xx responses: ");
    return at == std::string::npos ? 0 : std::atof(output.c_str() + at + 26);
}

TEST(OriginFaults, KilledOriginUnderLoadGivesOnly502AndComesBack) {
    std::optional<node_origin> origin(std::in_place, counting_node("first"));
    const std::uint16_t port = origin->port();
    daemon proxy(proxy_to(origin->address()));
    const std::vector<std::string> load{"wrk", "-t1", "-c16", "-d3s", proxy.url("web")};
    process wrk(load);
    wait_for_sum(proxy, "penstock_requests_total", {"code_class=\"2xx\""}, 500);
    origin->running().signal(SIGKILL);
    origin->running().wait();
    wait_for_sum(proxy, "penstock_requests_total", {"code_class=\"5xx\""}, 100);
    origin.emplace(counting_node("second"), "", port);
    const double before = sum(scrape(proxy), "penstock_requests_total", {"code_class=\"2xx\""});
    wait_for_sum(proxy, "penstock_requests_total", {"code_class=\"2xx\""}, before + 1);
    EXPECT_EQ(wrk.wait().code, 0);
    // Every answer was whole: wrk saw statuses, never a broken connection.
    EXPECT_EQ(wrk.out().find("Socket errors"), std::string::npos) << wrk.out();
    EXPECT_GT(failures_of(wrk.out()), 0) << wrk.out();
    EXPECT_EQ(curl({proxy.url("web")}).out, "second");

    const samples found = scrape(proxy);
    double allowed = 0;
    for (const char* reason :
         {"none", "connection_refused", "connection_terminated", "client_gone"}) {
        allowed +=
            sum(found, "penstock_requests_total", {"reason=\"" + std::string(reason) + "\""});
    }
    EXPECT_EQ(allowed, sum(found, "penstock_requests_total"));
}

TEST(OriginFaults, RestartedOriginCostsNoRequestOfAQuietClient) {
    std::optional<node_origin> origin(std::in_place, counting_node("first"));
    const std::uint16_t port = origin->port();
    daemon proxy(proxy_to(origin->address()));
    EXPECT_EQ(curl({proxy.url("web")}).out, "first");
    origin.reset();
    origin.emplace(counting_node("second"), "", port);
    EXPECT_EQ(curl({proxy.url("web")}).out, "second");
}

TEST(OriginFaults, OriginThatRetiresIdleConnectionsCostsNoRequest) {
    node_origin origin(counting_node("here"),
                       "server.keepAliveTimeout = 1000; server.keepAliveTimeoutBuffer = 0;");
    daemon proxy(proxy_to(origin.address()));
    // Requests around the moment at which Node closes; what decides is when the origin's FIN comes.
    for (const milliseconds pause : {980ms, 990ms, 1000ms, 1010ms, 1020ms}) {
        EXPECT_EQ(curl({proxy.url("web")}).out, "here");
        hold_for(pause);
        EXPECT_EQ(curl({"-d", "x", proxy.url("web")}).out, "here") << pause.count();
    }
    EXPECT_EQ(sum(scrape(proxy), "penstock_requests_total", {"code_class=\"5xx\""}), 0);
}

}  // namespace
}  // namespace penstock::test
