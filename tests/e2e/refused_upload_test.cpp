// RFC 9113 §8.7, §6.8: an origin refuses a request that it has not looked at, while the request's
// body is still to come. The request is sent again for as long as its body is whole.
#include "e2e/pair_site.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

using testing::ElementsAre;

constexpr std::uint32_t refused_stream = 7;

std::string rst_refused(std::uint32_t stream) {
    return h2::frame(h2::rst_stream, 0, stream, h2::number(refused_stream));
}

// Nothing was taken up.
std::string goaway_refused(std::uint32_t) {
    return h2::frame(h2::goaway, 0, 0, h2::number(0) + h2::number(0));
}

struct refusal {
    std::string name;
    bool h2_client;
    std::function<std::string(std::uint32_t)> says;
};

std::string site(const std::string& endpoints) {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
           "upstreams: {app: {endpoints: [" +
           endpoints + "], protocol: h2}}\n";
}

std::string quoted(const scripted_origin& of) { return '"' + of.address() + '"'; }

class RefusedUpload : public testing::TestWithParam<refusal> {
 protected:
    [[nodiscard]] static version_pair versions() { return {GetParam().h2_client, true}; }
    // Takes every upload of five bytes.
    static void accept(h2_server& server, std::uint32_t stream, const gate& asked) {
        asked.open();
        if (!server.body_of(5))
            return;
        EXPECT_EQ(server.body, "hello");
        server.wire.send(h2::head(stream, {{":status", "200"}, {"content-length", "6"}}, false) +
                         h2::body(stream, "thanks"));
    }
    static void expect_thanks(pair_client& client, const gate& asked, const field_list& more) {
        field_list fields{{"content-length", "5"}};
        fields.insert(fields.end(), more.begin(), more.end());
        client.ask("POST", fields, false);
        client.wire().wait_for(asked);
        client.body("hello", true);
        const http_response got = client.response();
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.body, "thanks");
    }
};

INSTANTIATE_TEST_SUITE_P(Refusals, RefusedUpload,
                         testing::Values(refusal{"H1ByReset", false, rst_refused},
                                         refusal{"H1ByGoaway", false, goaway_refused},
                                         refusal{"H2ByReset", true, rst_refused},
                                         refusal{"H2ByGoaway", true, goaway_refused}),
                         [](const auto& of) { return of.param.name; });

TEST_P(RefusedUpload, IsSentAgainWhileItsBodyIsWhole) {
    for (const field_list& more : std::vector<field_list>{{}, {{"expect", "100-continue"}}}) {
        std::atomic<int> requests{0};
        gate asked;
        scripted_origin origin([&](peer& wire, int) {
            h2_server server(wire);
            while (const std::uint32_t stream = server.request()) {
                if (requests++ == 0)
                    wire.send(GetParam().says(stream));
                else
                    accept(server, stream, asked);
            }
        });
        daemon proxy(site(quoted(origin)));
        pair_client client(versions(), proxy.port("web"));
        expect_thanks(client, asked, more);
        EXPECT_EQ(requests.load(), 2);
        const std::string line = proxy.running().wait_for("\"http.response.status_code\":200");
        EXPECT_EQ(text_in(line, "penstock.reason"), "none") << line;
        EXPECT_THAT(origin.failures(), ElementsAre());
    }
}

TEST_P(RefusedUpload, GoesToAnotherEndpointWhereOneAlwaysRefuses) {
    scripted_origin refuses([](peer& wire, int) {
        h2_server server(wire);
        while (const std::uint32_t stream = server.request())
            wire.send(GetParam().says(stream));
    });
    gate asked;
    scripted_origin takes([&](peer& wire, int) {
        h2_server server(wire);
        while (const std::uint32_t stream = server.request())
            accept(server, stream, asked);
    });
    // The first endpoint has the first turn.
    const daemon proxy(site(quoted(refuses) + ", " + quoted(takes)));
    pair_client client(versions(), proxy.port("web"));
    expect_thanks(client, asked, {});
    EXPECT_GE(refuses.connections(), 1);
    EXPECT_THAT(takes.failures(), ElementsAre());
    EXPECT_THAT(refuses.failures(), ElementsAre());
}

// With the reason of the origin, and the client's connection serves what comes next.
TEST_P(RefusedUpload, Is503WhereNobodyTakesIt) {
    std::atomic<int> requests{0};
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        while (const std::uint32_t stream = server.request()) {
            if (++requests <= 2)
                wire.send(GetParam().says(stream));
            else
                server.answer(stream, {{":status", "204"}});
        }
    });
    daemon proxy(site(quoted(origin)));
    pair_client client(versions(), proxy.port("web"));
    client.ask("POST", {{"content-length", "5"}}, false);
    const http_response got = client.response();
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(got.field("proxy-status"), "penstock; error=stream_refused");
    EXPECT_EQ(requests.load(), 2);
    client.body("hello", true);
    client.ask("GET");
    EXPECT_EQ(client.response().status, 204);
    const std::string line = proxy.running().wait_for("\"http.response.status_code\":503");
    EXPECT_EQ(text_in(line, "penstock.reason"), "stream_refused") << line;
    EXPECT_THAT(origin.failures(), ElementsAre());
}

// Bytes that were taken are gone.
TEST_P(RefusedUpload, Is503OnceItsBodyIsNotWhole) {
    std::atomic<int> requests{0};
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        while (const std::uint32_t stream = server.request()) {
            ++requests;
            if (server.body_of(4))
                wire.send(GetParam().says(stream));
        }
    });
    daemon proxy(site(quoted(origin)));
    pair_client client(versions(), proxy.port("web"));
    client.ask("POST", {{"content-length", "8"}}, false);
    client.body("part", false);
    const http_response got = client.response();
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(got.field("proxy-status"), "penstock; error=stream_refused");
    client.body("rest", true);
    const std::string line = proxy.running().wait_for("\"http.response.status_code\":503");
    EXPECT_EQ(text_in(line, "penstock.reason"), "stream_refused") << line;
    EXPECT_EQ(requests.load(), 1);
    EXPECT_THAT(origin.failures(), ElementsAre());
}

}  // namespace
}  // namespace penstock::test
