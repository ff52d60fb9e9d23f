// Upgrades other than a websocket's, where a route lists them: what Docker,
// kubectl and Tailscale speak. Where the other protocol's bytes begin is the
// same for both sides, as with a websocket.
#include "e2e/attack_site.hpp"

#include <string>
#include <vector>

namespace penstock::test {
namespace {

struct upgrade_site : attack_site {
    upgrade_site()
        : attack_site(
              "{match: {path: {prefix: \"/only\"}}, upgrade: [websocket, "
              "\"tailscale-control-protocol\", \"spdy/3.1\", tcp], "
              "upstream: app}, "
              "{match: {path: {prefix: \"/none\"}}, upgrade: [], "
              "upstream: app}, ") {}
};

class AttackUpgrade : public attack_suite<upgrade_site> {
 protected:
    static std::size_t heard(std::string_view key) { return site().origin.heard(key).size(); }
};

std::string switching_to(const std::string& protocol) {
    return "HTTP/1.1 101 Switching Protocols\r\nConnection: "
           "Upgrade\r\nUpgrade: " +
           protocol + "\r\n\r\n";
}

std::string ask(const std::string& method, const std::string& target, const std::string& protocol,
                const std::string& fields = "") {
    return method + " " + target +
           " HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\n" +
           fields + "\r\n";
}

std::string sized(const std::string& body) {
    return "Content-Length: " + std::to_string(body.size()) + "\r\n";
}

TEST_F(AttackUpgrade, C1_Listed_protocols_pass_by_get_and_post) {
    for (const std::string protocol : {"tailscale-control-protocol", "spdy/3.1", "tcp"}) {
        for (const std::string method : {"GET", "POST"}) {
            for (const writing how : both_ways) {
                SCOPED_TRACE(protocol + method + name(how));
                site().origin.on("only-pass", [&](peer& from, http_request& head) {
                    EXPECT_EQ(head.method, method);
                    EXPECT_EQ(head.field("Upgrade"), protocol);
                    EXPECT_EQ(head.field("Connection"), "Upgrade");
                    say(from, switching_to(protocol) + "hello", how);
                    EXPECT_EQ(from.read_exactly(4), "ping");
                    say(from, "pong", how);
                    EXPECT_EQ(from.read_to_end(), "");
                    return false;
                });
                peer client = site().client();
                say(client, ask(method, "/only-pass", protocol), how);
                const http_response seen = read_response_head(client);
                EXPECT_EQ(seen.status, 101);
                EXPECT_EQ(seen.field("Upgrade"), protocol);
                EXPECT_EQ(client.read_exactly(5), "hello");
                say(client, "ping", how);
                EXPECT_EQ(client.read_exactly(4), "pong");
                client.half_close();
                EXPECT_EQ(client.read_to_end(), "");
            }
        }
    }
}

// `docker exec` and `docker attach` tell in a body what they want.
TEST_F(AttackUpgrade, C2_A_whole_body_may_precede) {
    for (const std::size_t size : {std::size_t{2}, std::size_t{65535}, std::size_t{65536}}) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(std::to_string(size) + name(how));
            const std::string body(size, 'b');
            site().origin.on("only-body", [&](peer& from, http_request& head) {
                read_request_body(from, head);
                EXPECT_EQ(head.body, body);
                EXPECT_EQ(head.field("Upgrade"), "tcp");
                // What the client sent ahead waits for the 101.
                EXPECT_TRUE(from.stays_quiet(20ms));
                from.send(switching_to("tcp"));
                EXPECT_EQ(from.read_exactly(5), "early");
                from.send("done");
                return false;
            });
            peer client = site().client();
            client.send(ask("POST", "/only-body", "tcp", sized(body)));
            say(client, body + "early", size < 100 ? how : writing::whole);
            EXPECT_EQ(read_response_head(client).status, 101);
            EXPECT_EQ(client.read_exactly(4), "done");
        }
    }
}

struct refused_upgrade {
    std::string name;
    std::string request;
};

TEST_F(AttackUpgrade, C2_Other_bodies_are_refused) {
    const std::string large(65537, 'b');
    const std::string hidden = get("/only-smuggled");
    const std::vector<refused_upgrade> cases{
        {"chunked",
         ask("POST", "/only-c2", "tcp", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n" + hidden},
        {"above_64KiB", ask("POST", "/only-c2", "tcp", sized(large)) + large},
        {"websocket", ask("GET", "/only-c2", "websocket", sized(hidden)) + hidden},
    };
    for (const refused_upgrade& one : cases) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(one.name + name(how));
            peer client = site().client();
            say(client, one.request.substr(0, 300), how);
            const seen_response seen = see_response(client);
            EXPECT_EQ(seen.head.status, 400);
            EXPECT_TRUE(seen.closes);
        }
    }
    EXPECT_EQ(heard("only-c2") + heard("only-smuggled"), 0U);
    site().expect_clean(nullptr, "c2");
}

TEST_F(AttackUpgrade, C1_What_is_not_listed_is_dropped) {
    const std::vector<refused_upgrade> cases{
        {"only-other", ask("POST", "/only-other", "foo")},
        {"only-version", ask("GET", "/only-version", "spdy/3")},
        {"only-put", ask("PUT", "/only-put", "tcp", "Content-Length: 0\r\n")},
        {"none", ask("GET", "/none", "websocket")},
        {"plain-route", ask("GET", "/plain-route", "tcp")},
        {"only-unnamed", "GET /only-unnamed HTTP/1.1\r\nHost: a.test\r\nUpgrade: tcp\r\n\r\n"},
    };
    for (const refused_upgrade& one : cases) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(one.name + name(how));
            peer client = site().client();
            say(client, one.request, how);
            EXPECT_EQ(see_response(client).head.status, 200);
            ASSERT_GT(heard(one.name), 0U);
            EXPECT_FALSE(site().origin.heard(one.name).back().request.field("Upgrade"));
            site().expect_clean(&client, one.name);
        }
    }
}

TEST_F(AttackUpgrade, C3_Bytes_behind_a_refused_upgrade_are_the_next_request) {
    for (const writing how : both_ways) {
        site().origin.answer("only-no", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
                             how);
        peer client = site().client();
        say(client, ask("POST", "/only-no", "tcp", sized("{}")) + "{}" + get("/only-next"), how);
        const seen_response refused = see_response(client);
        EXPECT_EQ(refused.head.status, 403);
        EXPECT_EQ(refused.head.body, "no");
        if (!refused.closes) {
            EXPECT_EQ(see_response(client).head.body, "/only-next");
        }
    }
}

TEST_F(AttackUpgrade, C4_A_tunnel_begins_with_the_protocol_that_was_asked_for) {
    const std::string first = "HTTP/1.1 101 Switching Protocols\r\n";
    for (const std::string& bytes :
         {switching_to("websocket"), switching_to("tcp, spdy/3.1"), first + "Upgrade: tcp\r\n\r\n",
          first + "Connection: Upgrade\r\n\r\n"}) {
        for (const writing how : both_ways) {
            SCOPED_TRACE(bytes + name(how));
            site().origin.on("only-c4", [&](peer& from, http_request&) {
                say(from, bytes, how);
                (void)from.wait_closed();
                return false;
            });
            peer client = site().client();
            say(client, ask("POST", "/only-c4", "tcp"), how);
            EXPECT_EQ(see_response(client).head.status, 502);
            site().expect_clean(nullptr, "c4");
        }
    }
}

// An origin that switches before it has the whole body has not read it.
TEST_F(AttackUpgrade, C4_No_tunnel_begins_before_the_body_is_whole) {
    site().origin.on("only-half", [](peer& from, http_request&) {
        from.send(switching_to("tcp"));
        (void)from.wait_closed();
        return false;
    });
    peer client = site().client();
    client.send(ask("POST", "/only-half", "tcp", "Content-Length: 10\r\n") + "half");
    EXPECT_EQ(see_response(client).head.status, 502);
    site().expect_clean(nullptr, "half");
}

TEST_F(AttackUpgrade, C5_Idle_tunnels_end) {
    steered_origin origin;
    origin.on("idle", [](peer& from, http_request&) {
        from.send(switching_to("tcp"));
        (void)from.wait_closed();
        return false;
    });
    daemon proxy(
        "listeners: {web: {bind: \"127.0.0.1:0\", timeouts: "
        "{tunnel_idle: 300ms}}}\n"
        "routes: [{upstream: app, upgrade: [tcp]}]\nupstreams: {app: "
        "{endpoints: [\"" +
        origin.address() + "\"]}}\n");
    peer client(proxy.port("web"));
    client.send(ask("POST", "/idle", "tcp"));
    EXPECT_EQ(read_response_head(client).status, 101);
    (void)client.wait_closed();
}

}  // namespace
}  // namespace penstock::test
