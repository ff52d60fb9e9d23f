// Two messages, one connection, and every way to lose count between them: expectations, answers
// before their request, bytes that nobody asked for, connections that die when they are needed.
#include "e2e/attack_site.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

struct desync_site : attack_site {};
class AttackDesync : public attack_suite<desync_site> {
 protected:
    // The proxy ends this connection of the origin.
    static void expect_closed(int connection) { (void)site().origin.raw().received(connection); }
    static std::size_t heard(std::string_view key) { return site().origin.heard(key).size(); }
    // Makes the origin's connection that the next request of `client` is sent over an old one.
    static int warm(peer& client) {
        site().expect_clean(&client, "warm");
        return site().origin.heard("echo").back().connection;
    }
};

std::string post(std::string_view target, std::string_view fields, std::string_view body) {
    return "POST " + std::string(target) + " HTTP/1.1\r\nHost: a.test\r\n" + std::string(fields) +
           "\r\n" + std::string(body);
}

std::string length_of(std::size_t size) {
    return "Content-Length: " + std::to_string(size) + "\r\n";
}

TEST_F(AttackDesync, B1_Expectations_that_are_not_100_continue_are_refused) {
    const std::vector<std::string> expectations{
        "Expect: y 100-continue\r\n",
        "Expect: 100-continue y\r\n",
        "Expect: 100-continue, 100-continue\r\n",
        "Expect: 100-continue\r\nExpect: 100-continue\r\n",
        "Expect: 100-continue\r\nexpect: 200-ok\r\n",
        "Expect: 100-continue;q=1\r\n",
        "Expect: \"100-continue\"\r\n",
        "Expect: 100\r\n",
        "Expect:\r\n",
        "Expect: ,100-continue\r\n",
        "Expect: 200-ok\r\n",
    };
    for (const std::string& expectation : expectations) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(expectation + name(how));
            peer client = site().client();
            const std::string smuggled = get("/b1-smuggled");
            const std::string fields = expectation + length_of(smuggled.size());
            say(client, post("/b1", fields, smuggled), how);
            const seen_response seen = see_response(client);
            EXPECT_EQ(seen.head.status, 417);
            EXPECT_TRUE(seen.closes);
            client.half_close();
            EXPECT_EQ(client.read_to_end(), "");
        }
    }
    EXPECT_EQ(heard("b1"), 0U);
    EXPECT_EQ(heard("b1-smuggled"), 0U);
}

// Known only once the rest was sent: the origin is left with a request that is visibly cut.
TEST_F(AttackDesync, B1_Expect_among_trailers_is_refused) {
    const std::string fields = "TE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n";
    for (const std::string value : {"100-continue", "y 100-continue"}) {
        for (const writing how : both_ways) {
            peer client = site().client();
            const std::string body = "5\r\nhello\r\n0\r\nExpect: " + value + "\r\n\r\n";
            say(client, post("/b1-trailer", fields, body), how);
            const seen_response seen = see_response(client);
            EXPECT_EQ(seen.head.status, 417);
            EXPECT_TRUE(seen.closes);
            const int used = site().origin.last_connection("b1-trailer");
            // Cut before the origin had read its head, it was not even heard.
            const std::string received = used < 0 ? "" : site().origin.raw().received(used);
            EXPECT_EQ(received.find("Expect"), std::string::npos);
            EXPECT_EQ(received.find("\r\n0\r\n"), std::string::npos);
            site().expect_clean(nullptr, "b1-trailer");
        }
    }
}

TEST_F(AttackDesync, B2_Expect_without_a_body_is_dropped) {
    for (const std::string fields : {"", "Content-Length: 0\r\n"}) {
        for (const writing how : both_ways) {
            peer client = site().client();
            say(client, post("/b2-none", "Expect: 100-continue\r\n" + fields, ""), how);
            const seen_response seen = see_response(client);
            EXPECT_EQ(seen.head.status, 200);
            EXPECT_TRUE(seen.head.interim.empty());
            EXPECT_FALSE(site().origin.heard("b2-none").back().request.field("Expect"));
            site().expect_clean(&client, "b2-none");
        }
    }
}

TEST_F(AttackDesync, B2_Expect_with_a_body_waits_for_the_origin) {
    for (const writing how : both_ways) {
        site().origin.on("b2-body", [how](peer& client, http_request& request) {
            EXPECT_TRUE(request.field("Expect"));
            EXPECT_TRUE(client.stays_quiet(20ms));
            say(client, "HTTP/1.1 100 Continue\r\n\r\n", how);
            read_request_body(client, request);
            say(client, ok_response(request.body), how);
            return true;
        });
        for (const std::string value : {"100-continue", "100-Continue"}) {
            peer client = site().client();
            say(client, post("/b2-body", "Expect: " + value + "\r\n" + length_of(5), ""), how);
            EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
            say(client, "hello", how);
            const seen_response seen = see_response(client);
            EXPECT_EQ(seen.head.body, "hello");
            site().expect_clean(&client, "b2-body");
        }
    }
}

// The origin refuses; whether the client sends the body then or not, nobody takes it for a request.
TEST_F(AttackDesync, B2_Final_status_instead_of_100_leaves_no_half_request) {
    const std::string smuggled = get("/b2-smuggled");
    for (const bool sends_it : {false, true}) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(std::string(name(how)) + (sends_it ? " sends the body" : ""));
            site().origin.on("b2-final", [how](peer& client, http_request&) {
                say(client, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", how);
                return true;
            });
            peer client = site().client();
            const std::string fields = "Expect: 100-continue\r\n" + length_of(smuggled.size());
            say(client, post("/b2-final", fields, ""), how);
            const seen_response seen = see_response(client);
            EXPECT_EQ(seen.head.status, 403);
            EXPECT_EQ(seen.head.body, "no");
            if (sends_it)
                say(client, smuggled, how);
            expect_closed(site().origin.last_connection("b2-final"));
            site().expect_clean(seen.closes ? nullptr : &client, "b2-final");
        }
    }
    EXPECT_EQ(heard("b2-smuggled"), 0U);
}

struct early_answer {
    std::string name;
    std::size_t announced;
    std::size_t sent_before;
    std::size_t sent_after;
};

// An answer before the whole body was sent: the origin's connection holds half a request and ends.
TEST_F(AttackDesync, B3_Final_response_before_the_whole_body) {
    const std::vector<early_answer> cases{
        {"small_body_follows", 1000, 10, 990},
        {"small_body_breaks_off", 1000, 10, 0},
        {"body_at_the_drain_limit", 64 * 1024, 10, 64 * 1024 - 10},
        {"large_body_follows", 1'000'000, 10, 200'000},
        {"large_body_had_begun", 1'000'000, 100'000, 100'000},
    };
    for (const early_answer& one : cases) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(one.name + " " + name(how));
            const std::string key = "b3-" + one.name;
            site().origin.answer(key, "", how);
            site().origin.on(key, [how](peer& client, http_request&) {
                (void)client.read_exactly(10);
                say(client, ok_response("early"), how);
                return (void)client.wait_closed(), false;
            });
            peer client = site().client();
            // What stands in the body is a request to whoever loses count.
            std::string body(one.sent_before + one.sent_after, 'x');
            const std::string smuggled = "\r\n\r\n" + get("/b3-smuggled");
            if (one.sent_after > smuggled.size())
                body.replace(one.sent_before, smuggled.size(), smuggled);
            client.send(post("/" + key, length_of(one.announced), body.substr(0, one.sent_before)));
            const seen_response seen = see_response(client);
            EXPECT_TRUE(seen.whole) << seen.fault;
            EXPECT_EQ(seen.head.body, "early");
            EXPECT_EQ(seen.left_over, "");
            expect_closed(site().origin.last_connection(key));
            say(client, body.substr(one.sent_before), writing::whole);
            const bool all = one.sent_before + one.sent_after == one.announced;
            site().expect_clean(seen.closes || !all ? nullptr : &client, key);
            EXPECT_EQ(heard(key), how == writing::whole ? 1U : 2U);
        }
    }
    EXPECT_EQ(heard("b3-smuggled"), 0U);
}

TEST_F(AttackDesync, B4_Unsolicited_bytes_on_an_idle_connection_close_it) {
    const std::vector<std::string> unasked{
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "H",
        "\r\n",
        std::string(1, '\0'),
    };
    for (const std::string& bytes : unasked) {
        for (const writing how : both_ways) {
            const auto idle = std::make_shared<gate>();
            site().origin.on("b4", [=](peer& client, http_request&) {
                client.send(ok_response("hello"));
                client.wait_for(*idle);
                say(client, bytes, how);
                return (void)client.wait_closed(), false;
            });
            peer client = site().client();
            client.send(get("/b4"));
            EXPECT_EQ(see_response(client).head.body, "hello");
            idle->open();
            expect_closed(site().origin.last_connection("b4"));
            site().expect_clean(&client, "b4");
        }
    }
}

// The bytes are there just before the next request: they do not answer it.
TEST_F(AttackDesync, B4_Unsolicited_bytes_just_before_a_request) {
    for (int round = 0; round < 60; ++round) {
        const auto idle = std::make_shared<gate>();
        const auto said = std::make_shared<gate>();
        site().origin.on("b4-race", [=](peer& client, http_request&) {
            client.send(ok_response("hello"));
            client.wait_for(*idle);
            say(client, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", writing::whole);
            said->open();
            return true;
        });
        peer client = site().client();
        client.send(get("/b4-race"));
        (void)see_response(client);
        idle->open();
        client.wait_for(*said);
        site().expect_clean(&client, "b4-race");
    }
}

TEST_F(AttackDesync, B6_Interim_responses_pass_to_http11_clients_only) {
    for (const writing how : both_ways) {
        site().origin.answer(
            "b6", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok_response("hello"), how);
        peer modern = site().client();
        modern.send(get("/b6"));
        EXPECT_EQ(see_response(modern).head.interim, std::vector<int>{103});
        peer old = site().client();
        old.send("GET /b6 HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n");
        const seen_response seen = see_response(old);
        EXPECT_TRUE(seen.head.interim.empty());
        EXPECT_EQ(seen.head.body, "hello");
    }
}

TEST_F(AttackDesync, B8_Close_delimited_becomes_chunked_or_stays_so_for_http10) {
    for (const writing how : both_ways) {
        site().origin.answer("b8", "HTTP/1.1 200 OK\r\n\r\nhello", how, true);
        peer modern = site().client();
        modern.send(get("/b8"));
        const seen_response seen = see_response(modern);
        EXPECT_EQ(seen.head.field("Transfer-Encoding").value_or(""), "chunked");
        EXPECT_EQ(seen.head.body, "hello");
        site().expect_clean(&modern, "b8");
        peer old = site().client();
        old.send("GET /b8 HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n");
        const seen_response whole = see_response(old);
        EXPECT_TRUE(whole.head.until_close);
        EXPECT_FALSE(whole.head.field("Transfer-Encoding"));
        EXPECT_EQ(whole.head.body, "hello");
    }
}

// Without a length of its own a reset is all that tells a client that something is missing.
TEST_F(AttackDesync, B8_Close_delimited_that_is_reset_never_looks_whole) {
    for (const std::string version : {"HTTP/1.1", "HTTP/1.0"}) {
        const auto seen_by_client = std::make_shared<gate>();
        site().origin.on("b8-reset", [=](peer& client, http_request&) {
            client.send("HTTP/1.1 200 OK\r\n\r\nhello");
            client.wait_for(*seen_by_client);
            client.reset();
            return false;
        });
        peer client = site().client();
        client.send("GET /b8-reset " + version + "\r\nHost: a.test\r\n\r\n");
        client.put_back(client.read_until("hello"));
        seen_by_client->open();
        EXPECT_FALSE(see_response(client).whole) << version;
    }
}

TEST_F(AttackDesync, B12_Connections_of_ntlm_are_not_shared) {
    const std::vector<std::string> challenges{
        "WWW-Authenticate: NTLM\r\n",
        "WWW-Authenticate: Negotiate\r\n",
        "www-authenticate: negotiate oRQwEqADCgEB\r\n",
        "WWW-Authenticate: Basic realm=\"a\"\r\nWWW-Authenticate: NTLM\r\n",
        "WWW-Authenticate: Basic realm=\"a\", NTLM\r\n",
        "Proxy-Authenticate: NTLM\r\n",
    };
    for (const std::string& challenge : challenges) {
        for (const writing how : both_ways) {
            site().origin.answer(
                "b12", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n" + challenge + "\r\n",
                how);
            peer client = site().client();
            client.send(get("/b12"));
            EXPECT_EQ(see_response(client).head.status, 401) << challenge;
            const int used = site().origin.last_connection("b12");
            expect_closed(used);
            site().expect_clean(&client, "b12");
        }
    }
    for (const std::string fields :
         {"Authorization: NTLM TlRMTVNTUAAB\r\n", "Authorization: Negotiate oRQwEqADCgEB\r\n"}) {
        site().origin.answer("b12-asked", ok_response("hello"), writing::whole);
        peer client = site().client();
        client.send(post("/b12-asked", fields + length_of(0), ""));
        EXPECT_EQ(see_response(client).head.body, "hello");
        expect_closed(site().origin.last_connection("b12-asked"));
    }
}

// Where the exchange is when its client goes.
struct departure {
    std::string name;
    std::string request;
    std::string answer;  // what the origin has said by then
};

TEST_F(AttackDesync, B13_Client_that_goes_cancels_its_request) {
    const std::vector<departure> cases{
        {"waiting", get("/b13"), ""},
        {"within_the_head", get("/b13"), "HTTP/1.1 200 OK\r\n"},
        {"within_a_body", get("/b13"), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"},
        {"within_chunks", get("/b13"),
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
        {"within_an_upload", post("/b13", length_of(100), "hello"), ""},
        {"within_a_chunked_upload",
         post("/b13", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"), ""},
        {"while_100_is_awaited", post("/b13", "Expect: 100-continue\r\n" + length_of(100), ""), ""},
    };
    for (const departure& one : cases) {
        for (const closing how : {closing::eof, closing::reset}) {
            SCOPED_TRACE(one.name + (how == closing::eof ? " closes" : " resets"));
            const auto answered = std::make_shared<gate>();
            site().origin.on("b13", [=](peer& client, http_request&) {
                say(client, one.answer, writing::whole);
                answered->open();
                return (void)client.wait_closed(), false;
            });
            peer client = site().client();
            client.send(one.request);
            client.wait_for(*answered);
            if (one.answer.find("hello") != std::string::npos)
                (void)client.read_until("hello");
            how == closing::eof ? client.close() : client.reset();
            // Far below any limit of the configuration, however slow the machine is.
            (void)site().origin.raw().received(site().origin.last_connection("b13"), 8s);
            site().expect_clean(nullptr, "b13");
        }
    }
    EXPECT_EQ(heard("b13"), cases.size() * 2);
}

}  // namespace
}  // namespace penstock::test
