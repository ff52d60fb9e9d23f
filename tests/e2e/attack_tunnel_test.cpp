// Upgrades, CONNECT and tunnels: where another protocol's bytes begin must be the same for both
// sides, or they are a request that nobody has checked.
#include "e2e/attack_site.hpp"

#include <string>
#include <vector>

namespace penstock::test {
namespace {

struct tunnel_site : attack_site {
    tunnel_site()
        : attack_site("{match: {path: {prefix: \"/never\"}}, websocket: false, upstream: app}, ") {}
};

class AttackTunnel : public attack_suite<tunnel_site> {
 protected:
    static void expect_closed(int connection) { (void)site().origin.raw().received(connection); }
    static std::size_t heard(std::string_view key) { return site().origin.heard(key).size(); }
    static peer open_tunnel(const std::string& key, writing how);
};

const std::string switching =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

std::string upgrade(std::string_view target, std::string_view fields = {},
                    std::string_view token = "websocket") {
    return "GET " + std::string(target) +
           " HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: " + std::string(token) +
           "\r\n" + std::string(fields) + "\r\n";
}

peer AttackTunnel::open_tunnel(const std::string& key, writing how) {
    peer client = site().client();
    say(client, upgrade("/" + key), how);
    const seen_response seen = see_response(client);
    EXPECT_EQ(seen.head.status, 101);
    EXPECT_EQ(seen.head.field("Upgrade").value_or(""), "websocket");
    return client;
}

TEST_F(AttackTunnel, C1_Other_protocols_are_dropped) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"h2c", "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"},
        {"h2c", "Connection: HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"},
        {"H2C", ""},
        {"h2c, h2", ""},
        {"TLS/1.0", ""},
        {"HTTP/2.0", ""},
        {"websocketx", ""},
        {"xwebsocket", ""},
        {"websocket/13", ""},
        {"\"websocket\"", ""},
        {"web socket", ""},
    };
    for (const auto& [token, fields] : cases) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(token + " " + name(how));
            peer client = site().client();
            say(client, upgrade("/c1", fields, token), how);
            const seen_response seen = see_response(client);
            EXPECT_EQ(seen.head.status, 200);
            ASSERT_GT(heard("c1"), 0U);
            const http_request arrived = site().origin.heard("c1").back().request;
            EXPECT_FALSE(arrived.field("Upgrade"));
            EXPECT_FALSE(arrived.field("HTTP2-Settings"));
            EXPECT_FALSE(arrived.field("Connection"));
            site().expect_clean(&client, "c1");
        }
    }
}

struct upgrade_case {
    std::string name;
    std::string request;
};

TEST_F(AttackTunnel, C1_Websocket_is_dropped_where_nothing_allows_it) {
    const std::string fields = "Host: a.test\r\nUpgrade: websocket\r\n";
    const std::vector<upgrade_case> cases{
        {"route", upgrade("/never")},
        {"no_connection_token", "GET /never HTTP/1.1\r\n" + fields + "\r\n"},
        {"of_http10", "GET /c1-old HTTP/1.0\r\nConnection: Upgrade\r\n" + fields + "\r\n"},
        {"of_post", "POST /c1-post HTTP/1.1\r\nConnection: Upgrade\r\nContent-Length: 0\r\n" +
                        fields + "\r\n"},
        {"of_head", "HEAD /c1-head HTTP/1.1\r\nConnection: Upgrade\r\n" + fields + "\r\n"},
    };
    for (const upgrade_case& one : cases) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(one.name);
            peer client = site().client();
            say(client, one.request, how);
            const std::string method = one.request.substr(0, one.request.find(' '));
            const seen_response seen = see_response(client, method);
            EXPECT_EQ(seen.head.status, 200);
            const std::string key = one.request.substr(
                method.size() + 2, one.request.find(" HTTP") - method.size() - 2);
            ASSERT_GT(heard(key), 0U) << key;
            EXPECT_FALSE(site().origin.heard(key).back().request.field("Upgrade"));
            site().expect_clean(seen.closes ? nullptr : &client, one.name);
        }
    }
}

TEST_F(AttackTunnel, C2_Upgrade_with_a_body_is_refused) {
    const std::string smuggled = get("/c2-smuggled");
    const std::string length = "Content-Length: " + std::to_string(smuggled.size()) + "\r\n";
    const std::vector<upgrade_case> cases{
        {"length", upgrade("/c2", length) + smuggled},
        {"chunked", upgrade("/c2", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n"},
        {"one_of_two", upgrade("/c2", length, "h2c, websocket") + smuggled},
    };
    for (const upgrade_case& one : cases) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(one.name + name(how));
            peer client = site().client();
            say(client, one.request, how);
            const seen_response seen = see_response(client);
            EXPECT_EQ(seen.head.status, 400);
            EXPECT_TRUE(seen.closes);
            client.half_close();
            EXPECT_EQ(client.read_to_end(), "");
        }
    }
    EXPECT_EQ(heard("c2") + heard("c2-smuggled"), 0U);
}

// RFC 9110 §7.8: what is ignored says nothing about the body, which arrives as one.
TEST_F(AttackTunnel, C2_A_body_behind_an_upgrade_that_is_dropped_is_a_body) {
    const std::string body = get("/c2-smuggled");
    const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    const std::string chunks = "c\r\n" + body.substr(0, 12) + "\r\n0\r\n\r\n";
    const std::string post = "POST /c2-post HTTP/1.1\r\nHost: a.test\r\n";
    const std::string tls = post + "Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n";
    const std::vector<upgrade_case> cases{
        {"h2c", upgrade("/c2-h2c", length + "HTTP2-Settings: AAMAAABk\r\n", "h2c") + body},
        {"other", upgrade("/c2-other", length, "foo") + body},
        {"empty", upgrade("/c2-empty", length, "") + body},
        {"chunked", upgrade("/c2-chunked", chunked, "h2c") + chunks},
        {"route", upgrade("/never-c2", length) + body},
        {"post", tls + length + "\r\n" + body},
        {"post_websocket",
         post + "Upgrade: websocket\r\nConnection: upgrade\r\n" + length + "\r\n" + body},
        {"not_named_by_connection", post + "Upgrade: websocket\r\n" + length + "\r\n" + body},
    };
    for (const upgrade_case& one : cases) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(one.name + name(how));
            const std::size_t slash = one.request.find('/');
            const std::string key =
                one.request.substr(slash + 1, one.request.find(' ', slash) - slash - 1);
            std::string arrived;
            site().origin.on(key, [&](peer& from, http_request& head) {
                read_request_body(from, head);
                arrived = head.body;
                EXPECT_FALSE(head.field("Upgrade"));
                EXPECT_FALSE(head.field("HTTP2-Settings"));
                EXPECT_FALSE(head.field("Connection"));
                from.send(ok_response("served"));
                return true;
            });
            peer client = site().client();
            say(client, one.request, how);
            const seen_response seen = see_response(client);
            EXPECT_EQ(seen.head.status, 200);
            EXPECT_EQ(seen.head.body, "served");
            EXPECT_EQ(arrived, one.name == "chunked" ? body.substr(0, 12) : body);
            site().expect_clean(&client, one.name);
        }
    }
    EXPECT_EQ(heard("c2-smuggled"), 0U);
}

TEST_F(AttackTunnel, C3_Bytes_behind_an_upgrade_are_held_until_101) {
    for (const writing how : both_ways) {
        site().origin.on("c3-101", [how](peer& client, http_request&) {
            EXPECT_TRUE(client.stays_quiet(20ms));
            say(client, switching, how);
            const std::string early = client.read_exactly(5);
            say(client, "got " + early, how);
            return false;
        });
        peer client = site().client();
        say(client, upgrade("/c3-101") + "early", how);
        EXPECT_EQ(see_response(client).head.status, 101);
        EXPECT_EQ(client.read_exactly(9), "got early");
    }
}

TEST_F(AttackTunnel, C3_Bytes_behind_a_refused_upgrade_are_the_next_request) {
    for (const writing how : both_ways) {
        for (const std::string status : {"200 OK", "403 Forbidden", "426 Upgrade Required"}) {
            site().origin.answer("c3-no", "HTTP/1.1 " + status + "\r\nContent-Length: 2\r\n\r\nno",
                                 how);
            peer client = site().client();
            const std::size_t before = heard("c3-next");
            say(client, upgrade("/c3-no") + get("/c3-next"), how);
            const seen_response refused = see_response(client);
            EXPECT_EQ(refused.head.status, std::stoi(status));
            EXPECT_EQ(refused.head.body, "no");
            if (!refused.closes) {
                EXPECT_EQ(see_response(client).head.body, "/c3-next");
            }
            // As a request of its own with all that we add, never as bytes of the first one.
            ASSERT_EQ(heard("c3-next"), before + (refused.closes ? 0U : 1U));
            if (!refused.closes) {
                EXPECT_TRUE(site().origin.heard("c3-next").back().request.field("cdn-loop"));
            }
        }
    }
}

TEST_F(AttackTunnel, C4_A_tunnel_begins_with_a_complete_101_only) {
    const std::string first = "HTTP/1.1 101 Switching Protocols\r\n";
    const std::vector<std::pair<std::string, int>> cases{
        {switching, 101},
        {first + "Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n\r\n", 101},
        {first + "Upgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n", 101},
        {first + "Upgrade: websocket\r\n\r\n", 502},
        {first + "Connection: Upgrade\r\n\r\n", 502},
        {first + "Connection: close\r\nUpgrade: websocket\r\n\r\n", 502},
        {first + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 502},
        {first + "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", 502},
        {first + "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n", 502},
        {first + "\r\n", 502},
        {"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Content-Length: 2\r\n\r\nno",
         200},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", 200},
    };
    for (const auto& [bytes, status] : cases) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(bytes + name(how));
            site().origin.on("c4",
                             [bytes = bytes, status = status, how](peer& client, http_request&) {
                                 say(client, bytes, how);
                                 if (status != 200)
                                     (void)client.wait_closed();
                                 return status == 200;
                             });
            peer client = site().client();
            say(client, upgrade("/c4"), how);
            const seen_response seen = see_response(client);
            EXPECT_EQ(seen.head.status, status);
            EXPECT_EQ(seen.left_over, "");
            if (status == 200) {
                EXPECT_EQ(seen.head.body, "no");
                EXPECT_FALSE(seen.head.field("Upgrade"));
            }
            const int used = site().origin.last_connection("c4");
            if (status == 101) {
                client.close();
            } else {
                site().expect_clean(seen.closes ? nullptr : &client, "c4");
            }
            // Where the upgrade was no plain answer, nothing else ever came behind it.
            if (status != 200) {
                const std::string received = site().origin.raw().received(used);
                const std::size_t last = received.rfind(" HTTP/1.1\r\n");
                EXPECT_EQ(received.substr(last - 7, 7), "GET /c4") << received;
            }
        }
    }
}

TEST_F(AttackTunnel, C5_An_ended_tunnel_is_never_pooled) {
    for (const writing how : both_ways) {
        for (const bool origin_ends : {true, false}) {
            site().origin.on("c5-end", [=](peer& client, http_request&) {
                say(client, switching, how);
                EXPECT_EQ(client.read_exactly(4), "ping");
                say(client, "pong", how);
                if (!origin_ends)
                    (void)client.wait_closed();
                return false;
            });
            peer client = open_tunnel("c5-end", how);
            say(client, "ping", how);
            EXPECT_EQ(client.read_exactly(4), "pong");
            if (origin_ends) {
                EXPECT_EQ(client.read_to_end(), "");
            }
            client.close();
            const int used = site().origin.last_connection("c5-end");
            expect_closed(used);
            site().expect_clean(nullptr, "c5-end");
            EXPECT_NE(site().origin.last_connection("echo"), used);
        }
    }
}

// What looks like a request or a response within a tunnel is bytes like any other.
TEST_F(AttackTunnel, C5_Bytes_of_a_tunnel_are_not_looked_at) {
    const std::string odd = get("/c5-smuggled") + std::string("\0\r\n\r\n\x7f", 6) + switching;
    for (const writing how : both_ways) {
        site().origin.on("c5-odd", [=](peer& client, http_request&) {
            say(client, switching + odd, how);
            EXPECT_EQ(client.read_exactly(odd.size()), odd);
            return false;
        });
        peer client = open_tunnel("c5-odd", how);
        EXPECT_EQ(client.read_exactly(odd.size()), odd);
        say(client, odd, how);
        EXPECT_EQ(client.read_to_end(), "");
        expect_closed(site().origin.last_connection("c5-odd"));
    }
    EXPECT_EQ(heard("c5-smuggled"), 0U);
}

TEST_F(AttackTunnel, C5_Half_close_is_passed_on_both_ways) {
    site().origin.on("c5-client", [](peer& client, http_request&) {
        client.send(switching);
        EXPECT_EQ(client.read_to_end(), "last words");
        client.send("answer to them");
        return false;
    });
    peer client = open_tunnel("c5-client", writing::whole);
    client.send("last words");
    client.half_close();
    EXPECT_EQ(client.read_to_end(), "answer to them");

    site().origin.on("c5-origin", [](peer& from, http_request&) {
        from.send(switching + "last words");
        from.half_close();
        EXPECT_EQ(from.read_to_end(), "answer to them");
        return false;
    });
    peer other = open_tunnel("c5-origin", writing::whole);
    EXPECT_EQ(other.read_to_end(), "last words");
    other.send("answer to them");
    other.half_close();
    expect_closed(site().origin.last_connection("c5-origin"));
}

// A side that does not read stops the other one, long before it has said everything; once it reads
// all of it arrives.
TEST_F(AttackTunnel, C5_Backpressure_both_ways) {
    // More than the kernel takes on the way: two sockets send into up to 4 MiB each, and the
    // proxy's, which reads, may have grown to 32 MiB; that of who does not read stays small.
    constexpr std::size_t size = std::size_t{48} << 20;
    const std::string large(size, 'x');
    const gate blocked;
    std::size_t taken_of_origin = 0;
    site().origin.on("c5-pressure", [&](peer& client, http_request&) {
        client.send(switching);
        taken_of_origin = client.send_until_blocked(large, 100ms);
        blocked.open();
        EXPECT_EQ(client.read_exactly(4), "read");
        client.send(std::string_view(large).substr(taken_of_origin));
        return (void)client.wait_closed(), false;
    });
    peer client = open_tunnel("c5-pressure", writing::whole);
    client.wait_for(blocked);
    client.send("read");
    EXPECT_EQ(client.read_exactly(size).size(), size);
    EXPECT_LT(taken_of_origin, size);
    client.close();
    expect_closed(site().origin.last_connection("c5-pressure"));

    const gate read_on;
    site().origin.on("c5-upward", [&](peer& from, http_request&) {
        from.send(switching);
        from.wait_for(read_on);
        EXPECT_EQ(from.read_exactly(size).size(), size);
        from.send("done");
        return false;
    });
    peer other = open_tunnel("c5-upward", writing::whole);
    const std::size_t taken = other.send_until_blocked(large, 100ms);
    EXPECT_LT(taken, size);
    read_on.open();
    other.send(std::string_view(large).substr(taken));
    EXPECT_EQ(other.read_exactly(4), "done");
}

TEST_F(AttackTunnel, C5_Tunnel_in_which_nothing_moves_ends) {
    steered_origin origin;
    origin.on("idle", [](peer& client, http_request&) {
        client.send(switching);
        (void)client.wait_closed();
        return false;
    });
    const std::string yaml =
        "listeners: {web: {bind: \"127.0.0.1:0\", timeouts: {tunnel_idle: 300ms}}}\n"
        "routes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" +
        origin.address() + "\"]}}\n";
    daemon proxy(yaml);
    peer client(proxy.port("web"));
    client.send(upgrade("/idle"));
    EXPECT_EQ(see_response(client).head.status, 101);
    (void)client.wait_closed();
    (void)origin.raw().received(0);
}

TEST_F(AttackTunnel, C6_Connect_is_405) {
    const std::vector<upgrade_case> cases{
        {"authority", "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"},
        {"path", "CONNECT /c6 HTTP/1.1\r\nHost: a.test\r\n\r\n"},
        {"websocket",
         "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\nConnection: Upgrade\r\n"
         "Upgrade: websocket\r\n\r\n"},
        {"with_a_body",
         "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n"
         "Content-Length: 5\r\n\r\nhello"},
        {"early_bytes",
         "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n" + get("/c6-behind")},
    };
    for (const upgrade_case& one : cases) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(one.name + name(how));
            const int connections = site().origin.raw().connections();
            peer client = site().client();
            say(client, one.request, how);
            const seen_response seen = see_response(client);
            const bool wrong = one.name == "path" || one.name == "with_a_body";
            EXPECT_EQ(seen.head.status, wrong ? 400 : 405);
            EXPECT_TRUE(seen.closes || one.name != "with_a_body");
            // Bytes behind it are a request at most, with a reading of its own.
            if (one.name != "early_bytes") {
                EXPECT_EQ(site().origin.raw().connections(), connections);
            }
        }
    }
}

}  // namespace
}  // namespace penstock::test
