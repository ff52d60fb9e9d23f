// What is sent a second time, counted at the origin: only what provably had no effect, and once.
// And whose connection it travels over: never one that was made for another identity.
#include "e2e/attack_site.hpp"

#include <csignal>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

// One daemon with an upstream for each way to have more than one endpoint.
struct retry_site : attack_site {
    retry_site() : attack_site(routes(), "") {}
    static std::string routes() { return {}; }
};

class AttackRetry : public attack_suite<attack_site> {
 protected:
    static std::size_t heard(std::string_view key) { return site().origin.heard(key).size(); }
    static int warm(peer& client) {
        site().expect_clean(&client, "warm");
        return site().origin.heard("echo").back().connection;
    }
};

struct dying_request {
    std::string name;
    std::string request;       // without its request line's target
    std::string before_death;  // what the origin says of a response
    std::size_t heard;
    int status;
};

std::string ask(std::string_view method, std::string_view key, std::string_view rest) {
    return std::string(method) + " /" + std::string(key) + " HTTP/1.1\r\nHost: a.test\r\n" +
           std::string(rest);
}

TEST_F(AttackRetry, B9_What_dies_on_a_reused_connection_is_repeated_once_if_safe) {
    const std::string body = "Content-Length: 5\r\n\r\nhello";
    const std::vector<std::tuple<std::string, std::string, std::size_t>> cases{
        {"GET", "\r\n", 2},    {"HEAD", "\r\n", 2}, {"OPTIONS", "\r\n", 2},
        {"DELETE", "\r\n", 2}, {"POST", "\r\n", 1}, {"POST", "Content-Length: 0\r\n\r\n", 1},
        {"POST", body, 1},     {"PATCH", body, 1},  {"PUT", body, 1},
        {"GET", body, 1},      {"FROB", "\r\n", 1},
    };
    int number = 0;
    for (const auto& [method, rest, times] : cases) {
        SCOPED_TRACE(method + " " + rest);
        const std::string key = "b9-" + std::to_string(number++);
        site().origin.on(key, [key](peer& client, http_request& request) {
            read_request_body(client, request);
            if (heard(key) == 1)
                return false;
            client.send(request.method == "HEAD" ? "HTTP/1.1 200 OK\r\n\r\n" : ok_response("ok"));
            return true;
        });
        peer client = site().client();
        const int old = warm(client);
        client.send(ask(method, key, rest));
        const seen_response seen = see_response(client, method);
        EXPECT_TRUE(seen.whole) << seen.fault;
        EXPECT_EQ(seen.head.status, times == 2 ? 200 : 502);
        EXPECT_EQ(heard(key), times);
        EXPECT_EQ(site().origin.heard(key).front().connection, old);
        site().expect_clean(seen.closes ? nullptr : &client, key);
    }
}

TEST_F(AttackRetry, B9_Nothing_is_repeated_more_than_once_or_after_a_first_byte) {
    for (const std::string begun : {"", "H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Hints\r\n\r\n"}) {
        const std::string key = "b9-begun-" + std::to_string(begun.size());
        site().origin.on(key, [begun](peer& client, http_request&) {
            client.send(begun);
            return false;
        });
        peer client = site().client();
        (void)warm(client);
        client.send(get("/" + key));
        EXPECT_EQ(see_response(client).head.status, 502) << begun;
        EXPECT_EQ(heard(key), begun.empty() ? 2U : 1U) << begun;
    }
}

TEST_F(AttackRetry, B9_What_dies_on_a_new_connection_of_the_only_endpoint_is_not_repeated) {
    site().origin.on("b9-new", [](peer&, http_request&) { return false; });
    // An idle connection would be used, so this origin is one of its own.
    steered_origin origin;
    origin.on("b9-new", [](peer&, http_request&) { return false; });
    daemon proxy(attack_configuration("", "app: {endpoints: [\"" + origin.address() + "\"]}"));
    for (const std::string method : {"GET", "POST"}) {
        peer client(proxy.port("web"));
        client.send(ask(method, "b9-new", "\r\n"));
        EXPECT_EQ(see_response(client).head.status, 502);
    }
    EXPECT_EQ(origin.heard("b9-new").size(), 2U);
}

TEST_F(AttackRetry, B9_Another_endpoint_is_tried_only_for_what_had_no_effect) {
    steered_origin first;
    steered_origin second;
    refusing_port nobody;
    const std::string refused = "127.0.0.1:" + std::to_string(nobody.port());
    daemon proxy(attack_configuration("{match: {path: {prefix: \"/half/\"}}, upstream: half}, ",
                                      "app: {endpoints: [\"" + first.address() + "\", \"" +
                                          second.address() + "\"]}, half: {endpoints: [\"" +
                                          refused + "\", \"" + first.address() + "\"]}"));
    for (steered_origin* const one : {&first, &second})
        one->on("dies", [](peer&, http_request&) { return false; });
    const auto times = [&] { return first.heard("dies").size() + second.heard("dies").size(); };
    peer client(proxy.port("web"));
    client.send(get("/dies"));
    EXPECT_EQ(see_response(client).head.status, 502);
    EXPECT_EQ(times(), 2U);
    client.send(ask("POST", "dies", "Content-Length: 5\r\n\r\nhello"));
    EXPECT_EQ(see_response(client).head.status, 502);
    EXPECT_EQ(times(), 3U);
    // What was refused never arrived, so that even a POST may go elsewhere; and it does so once.
    for (std::size_t i = 1; i <= 10; ++i) {
        peer other(proxy.port("web"));
        other.send(ask("POST", "half/a", "Content-Length: 5\r\n\r\nhello"));
        EXPECT_EQ(see_response(other).head.status, 200);
        EXPECT_EQ(first.heard("half").size(), i);
    }
}

// The origin closes a connection right after its answer: whether that is seen before the next
// request takes it or after, a GET is answered and a POST is heard once at most.
TEST_F(AttackRetry, B10_Idle_connection_that_closes_when_it_is_needed) {
    site().origin.answer("bye", ok_response("bye"), writing::whole, true);
    std::size_t posts = 0;
    for (int round = 0; round < 40; ++round) {
        peer client = site().client();
        client.send(get("/bye"));
        EXPECT_EQ(see_response(client).head.body, "bye");
        if (round % 2 == 0) {
            site().expect_clean(&client, "b10");
            continue;
        }
        client.send(ask("POST", "b10-post", "Content-Length: 5\r\n\r\nhello"));
        const int status = see_response(client).head.status;
        EXPECT_TRUE(status == 200 || status == 502) << status;
        ++posts;
        EXPECT_LE(heard("b10-post"), posts);
    }
}

std::string two_names(const steered_origin& origin, std::string_view first,
                      std::string_view second) {
    const auto upstream = [&](std::string_view key, std::string_view name) {
        return std::string(key) + ": {endpoints: [\"" + origin.address() +
               "\"], tls: {verify: false, server_name: " + std::string(name) + "}}";
    };
    return attack_configuration("{match: {path: {prefix: \"/b/\"}}, upstream: other}, ",
                                upstream("app", first) + ", " + upstream("other", second));
}

TEST_F(AttackRetry, B11_Connections_are_used_for_one_identity_only) {
    const temp_dir dir;
    steered_origin origin(write_certificate(dir, "a.test"));
    daemon proxy(two_names(origin, "a.test", "b.test"));
    peer client(proxy.port("web"));
    const auto connection_of = [&](const std::string& key) {
        client.send(get("/" + key + "/x"));
        EXPECT_EQ(see_response(client).head.status, 200);
        return origin.last_connection(key);
    };
    const int first = connection_of("a");
    const int second = connection_of("b");
    EXPECT_NE(first, second);
    EXPECT_EQ(connection_of("a"), first);
    EXPECT_EQ(connection_of("b"), second);
    // Another name from now on: what was made for the old one serves no request any more.
    proxy.write_configuration(two_names(origin, "c.test", "b.test"));
    proxy.running().signal(SIGHUP);
    (void)wait_for_sum(proxy, "penstock_config_generation", {}, 2);
    const int third = connection_of("a");
    EXPECT_NE(third, first);
    EXPECT_NE(third, second);
    EXPECT_EQ(connection_of("b"), second);
}

TEST_F(AttackRetry, B11_Plain_and_tls_to_one_address_are_two_identities) {
    steered_origin origin;
    daemon proxy(attack_configuration(
        "{match: {path: {prefix: \"/tls/\"}}, upstream: tls}, ",
        "app: {endpoints: [\"" + origin.address() + "\"]}, tls: {endpoints: [\"" +
            origin.address() + "\"], tls: {verify: false}, timeouts: {connect: 300ms}}"));
    peer client(proxy.port("web"));
    client.send(get("/plain/x"));
    EXPECT_EQ(see_response(client).head.status, 200);
    // The plain connection idles and would answer; this origin never answers a handshake.
    client.send(get("/tls/x"));
    EXPECT_EQ(see_response(client).head.status, 504);
    EXPECT_TRUE(origin.heard("tls").empty());
}

}  // namespace
}  // namespace penstock::test
