// How messages end that have no body bytes: with their head, with an empty DATA frame, or with
// trailers. An empty body that has trailers, or an end of its own, is not the same as no body.
#include "e2e/pair_site.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {
namespace {

using testing::ElementsAre;

constexpr std::string_view h1_get = "GET /x HTTP/1.1\r\nHost: a.test\r\n";
constexpr std::string_view accepts_trailers = "Connection: TE\r\nTE: trailers\r\n";

void send(peer& to, std::string_view bytes, bool whole) {
    if (whole)
        to.send(bytes);
    else
        to.send_in_pieces(bytes);
}

// A frame of a message: "HEADERS", "HEADERS END", "DATA 5" …
std::string name_of(const h2::read_frame& of) {
    std::string name =
        of.type == h2::headers ? "HEADERS" : "DATA " + std::to_string(of.payload.size());
    return of.has(h2::end_stream) ? name + " END" : name;
}

bool of_message(const h2::read_frame& of) { return of.type == h2::headers || of.type == h2::data; }

// A response of an origin that has trailers and no body bytes.
struct bodiless {
    std::string name;
    bool h2;
    std::string head;  // what stands behind the status
    bool empty_data;   // of HTTP/2, in front of the trailers
};

std::string response_of(const bodiless& shape, std::uint32_t stream) {
    if (!shape.h2)
        return "HTTP/1.1 200 OK\r\n" + shape.head + "\r\n0\r\nx-last: one\r\n\r\n";
    h2::field_list fields{{":status", "200"}};
    if (!shape.head.empty())
        fields.emplace_back(shape.head, "0");
    return h2::head(stream, fields, false) + (shape.empty_data ? h2::body(stream, "", false) : "") +
           h2::head(stream, {{"x-last", "one"}});
}

class TrailersAlone : public testing::TestWithParam<bodiless> {
 protected:
    // Every request is answered with the response, in one write or byte by byte.
    void start(bool whole) {
        origin_.emplace([whole](peer& wire, int) {
            if (GetParam().h2) {
                h2_server server(wire);
                while (const std::uint32_t stream = server.request())
                    send(wire, response_of(GetParam(), stream), whole);
                return;
            }
            while (read_request(wire))
                send(wire, response_of(GetParam(), 0), whole);
        });
        proxy_.emplace(pair_configuration({false, GetParam().h2}, origin_->address()));
    }
    [[nodiscard]] std::uint16_t port() const { return proxy_->port("web"); }

 private:
    std::optional<scripted_origin> origin_;
    std::optional<daemon> proxy_;
};

INSTANTIATE_TEST_SUITE_P(
    Shapes, TrailersAlone,
    testing::Values(bodiless{"H1", false, "Transfer-Encoding: chunked\r\n", false},
                    bodiless{"H2", true, "", false}, bodiless{"H2EmptyData", true, "", true},
                    bodiless{"H2LengthOf0", true, "content-length", false}),
    [](const auto& of) { return of.param.name; });

TEST_P(TrailersAlone, OfAResponseReachAnH2Client) {
    for (const bool whole : {true, false}) {
        start(whole);
        h2_client client(port());
        for (std::uint32_t stream = 1; stream < 20; stream += 2) {
            client.send(h2::head(stream, h2::get("/x")));
            const h2_response& seen = client.response(stream);
            EXPECT_EQ(seen.status(), 200);
            EXPECT_EQ(seen.body, "");
            EXPECT_TRUE(seen.ended);
            EXPECT_EQ(seen.trailer("x-last"), "one");
        }
    }
}

TEST_P(TrailersAlone, OfAResponseReachAnH1ClientThatTakesThem) {
    for (const bool whole : {true, false}) {
        start(whole);
        peer client(port());
        for (int i = 0; i < 10; ++i) {
            client.send(std::string(h1_get).append(accepts_trailers).append("\r\n"));
            const http_response seen = read_response(client);
            EXPECT_EQ(seen.status, 200);
            EXPECT_EQ(seen.body, "");
            // A length that has left already leaves no place for them.
            if (whole || GetParam().name != "H2LengthOf0") {
                EXPECT_EQ(find_field(seen.trailers, "x-last"), "one");
            }
            client.send(std::string(h1_get).append("\r\n"));
            const http_response other = read_response(client);
            EXPECT_EQ(other.status, 200);
            EXPECT_EQ(other.body, "");
            EXPECT_THAT(other.trailers, ElementsAre());
        }
    }
}

class DigestedAnswer : public testing::Test {
 protected:
    // What an HTTP/2 client gets of an HTTP/2 origin's answer, on a route with a digest.
    static h2_response ask(const std::function<std::string(std::uint32_t)>& answer) {
        scripted_origin origin([&answer](peer& wire, int) {
            h2_server server(wire);
            while (const std::uint32_t stream = server.request())
                wire.send(answer(stream));
        });
        const daemon proxy(
            "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
            "routes: [{upstream: app, digest: sha-256}]\nupstreams: {app: {endpoints: [\"" +
            origin.address() + "\"], protocol: h2}}\n");
        h2_client client(proxy.port("web"));
        client.send(h2::head(1, h2::get("/x")));
        return client.response(1);
    }
};

// The digest of a short body is taken before the head leaves; the trailers stand behind it.
TEST_F(DigestedAnswer, KeepsItsTrailers) {
    for (const std::string text : {"", "hi"}) {
        const h2_response seen = ask([&text](std::uint32_t s) {
            const std::string length = std::to_string(text.size());
            return h2::head(s, {{":status", "200"}, {"content-length", length}}, false) +
                   h2::body(s, text, false) + h2::head(s, {{"x-last", "one"}});
        });
        EXPECT_EQ(seen.body, text);
        EXPECT_NE(seen.field("content-digest"), "");
        EXPECT_EQ(seen.trailer("x-last"), "one");
    }
}

TEST_F(DigestedAnswer, HasNoneWithoutContent) {
    const h2_response seen = ask([](std::uint32_t s) {
        return h2::head(s, {{":status", "204"}}, false) + h2::body(s, "");
    });
    EXPECT_EQ(seen.status(), 204);
    EXPECT_EQ(seen.field("content-digest"), "");
    EXPECT_EQ(seen.field("trailer"), "");
    EXPECT_EQ(seen.heads.size(), 1U);
}

// Where the origin has put the end of a response without body bytes. To a gRPC client a head that
// ends the stream is a status, and one that does not is none.
TEST(H2ResponseEnd, StandsWhereTheOriginPutIt) {
    struct shape {
        std::function<std::string(std::uint32_t)> says;
        std::vector<std::string> expected;
    };
    const h2::field_list head{{":status", "200"}, {"content-type", "application/grpc"}};
    const std::vector<shape> shapes{
        {[&](auto s) { return h2::head(s, head); }, {"HEADERS END"}},
        {[&](auto s) { return h2::head(s, head, false) + h2::body(s, ""); },
         {"HEADERS", "DATA 0 END"}},
        {[&](auto s) {
             return h2::head(s, head, false) + h2::head(s, {{"grpc-status", "0"}});
         },
         {"HEADERS", "HEADERS END"}},
    };
    for (const shape& each : shapes) {
        scripted_origin origin([&each](peer& wire, int) {
            h2_server server(wire);
            while (const std::uint32_t stream = server.request())
                wire.send(each.says(stream));
        });
        const daemon proxy(pair_configuration({true, true}, origin.address()));
        h2_client client(proxy.port("web"));
        client.send(h2::head(1, h2::post("/x", {{"content-type", "application/grpc"}})));
        std::vector<std::string> seen;
        while (!client.responses[1].over()) {
            ASSERT_TRUE(client.read());
            if (of_message(client.last))
                seen.push_back(name_of(client.last));
        }
        EXPECT_EQ(seen, each.expected);
    }
}

// What a client sends of a request without body bytes; the second part once the origin has its
// head, or nothing.
struct question {
    std::string name;
    bool h2_client;
    std::string first;
    std::string then;
    std::vector<std::string> frames;  // as an HTTP/2 origin gets them
    std::string framing;              // the field that says it to an HTTP/1 origin, or nothing
};

constexpr const char* chunked = "transfer-encoding: chunked";

std::string h1_post(std::string_view rest) {
    return "POST /x HTTP/1.1\r\nHost: a.test\r\n" + std::string(rest);
}

std::vector<question> questions_of_h1() {
    const std::string te(accepts_trailers);
    const std::string trailers = "0\r\nx-last: one\r\n\r\n";
    return {
        {"H1Get", false, std::string(h1_get) + "\r\n", "", {"HEADERS END"}, ""},
        {"H1PostOfLength0",
         false,
         h1_post("Content-Length: 0\r\n\r\n"),
         "",
         {"HEADERS END"},
         "content-length: 0"},
        {"H1EmptyChunks",
         false,
         h1_post("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "",
         {"HEADERS", "DATA 0 END"},
         chunked},
        {"H1Trailers",
         false,
         h1_post(te + "Transfer-Encoding: chunked\r\n\r\n" + trailers),
         "",
         {"HEADERS", "HEADERS END"},
         chunked},
        {"H1TrailersWithoutTe",
         false,
         h1_post("Transfer-Encoding: chunked\r\n\r\n" + trailers),
         "",
         {"HEADERS", "HEADERS END"},
         chunked},
        {"H1TrailersApart",
         false,
         h1_post(te + "Transfer-Encoding: chunked\r\n\r\n"),
         trailers,
         {"HEADERS", "HEADERS END"},
         chunked},
    };
}

std::vector<question> questions_of_h2() {
    const std::string head = h2::head(1, h2::post("/x"), false);
    const std::string sized = h2::head(1, h2::post("/x", {{"content-length", "0"}}), false);
    const std::string get = h2::head(1, h2::get("/x"), false);
    const std::string end = h2::body(1, "");
    const std::string trailers = h2::head(1, {{"x-last", "one"}});
    const std::string empty = h2::body(1, "", false);
    const std::vector<std::string> with_data{"HEADERS", "DATA 0 END"};
    const std::vector<std::string> with_trailers{"HEADERS", "HEADERS END"};
    return {
        {"H2Get", true, h2::head(1, h2::get("/x")), "", {"HEADERS END"}, ""},
        {"H2Post", true, h2::head(1, h2::post("/x")), "", {"HEADERS END"}, "content-length: 0"},
        {"H2EmptyData", true, head + end, "", with_data, "content-length: 0"},
        {"H2EmptyDataOfAGet", true, get + end, "", with_data, ""},
        {"H2EmptyDataOfLength0", true, sized + end, "", with_data, "content-length: 0"},
        {"H2EmptyDataApart", true, head, end, with_data, chunked},
        {"H2Trailers", true, head + trailers, "", with_trailers, chunked},
        {"H2TrailersOfAGet", true, get + trailers, "", with_trailers, chunked},
        {"H2TrailersOfLength0", true, sized + trailers, "", with_trailers, chunked},
        {"H2EmptyDataAndTrailers", true, head + empty + trailers, "", with_trailers, chunked},
        {"H2TrailersApart", true, head, trailers, with_trailers, chunked},
        {"H2TrailersOfLength0Apart", true, sized, trailers, with_trailers, chunked},
        {"H2EmptyDataOfLength0Apart", true, sized, end, with_data, chunked},
    };
}

std::vector<question> questions() {
    std::vector<question> all = questions_of_h1();
    for (question& each : questions_of_h2())
        all.push_back(std::move(each));
    return all;
}

class RequestEnd : public testing::TestWithParam<question> {
 protected:
    [[nodiscard]] static bool has_trailers() {
        return GetParam().name.find("Trailers") != std::string::npos;
    }
    // Asks, and expects to be answered with 204.
    static void ask(const daemon& proxy, const gate& asked) {
        const question& what = GetParam();
        if (!what.h2_client) {
            peer client(proxy.port("web"));
            client.send(what.first);
            if (!what.then.empty()) {
                client.wait_for(asked);
                client.send(what.then);
            }
            EXPECT_EQ(read_response(client).status, 204);
            return;
        }
        h2_client client(proxy.port("web"));
        client.send(what.first);
        if (!what.then.empty()) {
            client.wire.wait_for(asked);
            client.send(what.then);
        }
        EXPECT_EQ(client.response(1).status(), 204);
    }
};

INSTANTIATE_TEST_SUITE_P(Shapes, RequestEnd, testing::ValuesIn(questions()),
                         [](const auto& of) { return of.param.name; });

// gRPC's servers, for one, wait for an end in DATA where the call may have messages.
TEST_P(RequestEnd, StandsWhereTheClientPutItAtAnH2Origin) {
    gate asked;
    std::vector<std::string> frames;
    std::string trailer;
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        h2::inflater inflater;
        while (server.read()) {
            if (!of_message(server.last))
                continue;
            frames.push_back(name_of(server.last));
            if (server.last.type == h2::headers)
                trailer = h2::value(inflater.decode(server.last.payload), "x-last");
            asked.open();
            if (server.ended)
                server.answer(server.last.stream, {{":status", "204"}});
        }
    });
    const daemon proxy(pair_configuration({GetParam().h2_client, true}, origin.address()));
    ask(proxy, asked);
    EXPECT_EQ(frames, GetParam().frames);
    EXPECT_EQ(trailer, has_trailers() ? "one" : "");
    EXPECT_THAT(origin.failures(), ElementsAre());
}

TEST_P(RequestEnd, IsFramedForAnH1Origin) {
    gate asked;
    std::optional<http_request> seen;
    scripted_origin origin([&](peer& wire, int) {
        while ((seen = read_request_head(wire))) {
            asked.open();
            read_request_body(wire, *seen);
            wire.send("HTTP/1.1 204 No Content\r\n\r\n");
            return;
        }
    });
    const daemon proxy(pair_configuration({GetParam().h2_client, false}, origin.address()));
    ask(proxy, asked);
    ASSERT_TRUE(seen);
    const std::string length = seen->field("content-length") ? "content-length: 0" : "";
    EXPECT_EQ(seen->field("transfer-encoding") ? chunked : length, GetParam().framing);
    EXPECT_EQ(seen->body, "");
    EXPECT_EQ(find_field(seen->trailers, "x-last").value_or(""), has_trailers() ? "one" : "");
    EXPECT_THAT(origin.failures(), ElementsAre());
}

}  // namespace
}  // namespace penstock::test
