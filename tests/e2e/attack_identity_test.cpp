// What would be nobody's fault but ours: an answer that reaches another client, a request that is
// sent twice or lost, and labels that grow with what clients make up.
#include "e2e/attack_site.hpp"

#include <atomic>
#include <csignal>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace penstock::test {
namespace {

class AttackIdentity : public attack_suite<attack_site> {};

constexpr int clients = 6;
int requests_of_each() { return sanitized() ? 40 : 120; }

std::string marker(int client, int number) {
    return "marker-" + std::to_string(client) + "-" + std::to_string(number) + "-";
}

// What an origin does with every so-and-so many request, so that faults fall between good answers.
bool misbehave(peer& client, http_request& request, int number) {
    read_request_body(client, request);
    const std::string body = request.target + request.body;
    const std::string length = "Content-Length: " + std::to_string(body.size());
    switch (number % 11) {
        case 0:
            return false;
        case 1:
            client.send("HTTP/1.1 200 OK\r\n" + length + "\r\n\r\n" + body.substr(0, 3));
            return false;
        case 2:
            client.send(ok_response(body) + ok_response(body));
            return true;
        case 3:
            client.send("HTTP/1.1 200 OK\r\n" + length + "\r\n" + length + "1\r\n\r\n" + body);
            return true;
        case 4:
            client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" +
                        body.substr(0, 5) + "\r\nxyz\r\n");
            return true;
        case 5:
            client.send("HTTP/1.1 200 OK\r\n\r\n" + body);
            return false;
        case 6:
            client.send_in_pieces(ok_response(body), 7);
            return true;
        case 7:
            client.send("HTTP/1.1 204 No Content\r\n\r\n" + body);
            return true;
        case 8:
            client.send("HTTP/1.1 103 Early Hints\r\n\r\n" + ok_response(body));
            return true;
        default:
            client.send(ok_response(body));
            return true;
    }
}

// No byte that reached this client may carry a marker of another's, or of an earlier request.
void expect_own_markers(std::string_view received, std::string_view own) {
    for (std::size_t at = received.find("marker-"); at != std::string_view::npos;
         at = received.find("marker-", at + 1)) {
        EXPECT_EQ(received.substr(at, own.size()), own);
    }
}

// GETs and POSTs by turns; every fifth client leaves before its answer.
void run_client(const daemon& proxy, int index) {
    std::optional<peer> client;
    for (int i = 0; i < requests_of_each(); ++i) {
        if (!client)
            client.emplace(proxy.port("web"));
        const std::string own = marker(index, i);
        const bool posts = i % 2 == 1;
        const std::string body = posts ? own : "";
        const std::size_t before = client->received().size();
        client->send((posts ? "POST /k1/" : "GET /k1/") + own + " HTTP/1.1\r\nHost: a.test\r\n" +
                     "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        if ((index + i) % 5 == 0) {
            i % 3 == 0 ? client->reset() : client->close();
            client.reset();
            continue;
        }
        const seen_response seen = see_response(*client);
        expect_own_markers(std::string_view(client->received()).substr(before), own);
        if (seen.whole && seen.head.status == 200) {
            EXPECT_EQ(seen.head.body, "/k1/" + own + body);
        }
        if (seen.closes)
            client.reset();
    }
}

TEST_F(AttackIdentity, K1_No_client_ever_sees_what_is_anothers) {
    static std::atomic<int> number{0};
    site().origin.on("k1", [](peer& client, http_request& request) {
        return misbehave(client, request, number.fetch_add(1));
    });
    std::vector<std::thread> threads;
    for (int i = 0; i < clients; ++i)
        threads.emplace_back([i] { run_client(site().proxy, i); });
    for (std::thread& one : threads)
        one.join();
    // K2: a POST was heard once at most, whatever became of its connection; a GET twice at most.
    std::map<std::string, int> times;
    for (const steered_origin::heard_request& one : site().origin.heard("k1"))
        ++times[one.request.method + " " + one.request.target];
    EXPECT_GT(times.size(), 0U);
    for (const auto& [request, count] : times) {
        EXPECT_LE(count, request.starts_with("POST") ? 1 : 2) << request;
    }
    site().expect_clean(nullptr, "k1");
}

// Every way in which an origin lets a POST down; each was heard once and is answered with 502.
TEST_F(AttackIdentity, K2_A_post_is_never_sent_twice) {
    const std::vector<std::string> last_words{
        "", "H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5, 5\r\n\r\n"};
    for (const bool with_body : {false, true}) {
        for (std::size_t i = 0; i < last_words.size(); ++i) {
            for (const closing how : {closing::eof, closing::reset}) {
                const std::string key = "k2-" + std::to_string(i) + (with_body ? "b" : "n") +
                                        (how == closing::eof ? "f" : "r");
                site().origin.on(key,
                                 [last = last_words[i], how](peer& client, http_request& request) {
                                     read_request_body(client, request);
                                     client.send(last);
                                     if (how == closing::reset)
                                         client.reset();
                                     return false;
                                 });
                peer client = site().client();
                site().expect_clean(&client, key);
                client.send("POST /" + key + " HTTP/1.1\r\nHost: a.test\r\nContent-Length: " +
                            (with_body ? "5\r\n\r\nhello" : "0\r\n\r\n"));
                EXPECT_EQ(see_response(client).head.status, 502) << key;
                EXPECT_EQ(site().origin.heard(key).size(), 1U) << key;
            }
        }
    }
}

// Reloads in the middle of POSTs: each is answered once and was heard once. That a drain and
// reloads under load lose nothing is shown with real origins in drain_test and reload_load_test.
TEST_F(AttackIdentity, K3_Reload_neither_loses_nor_repeats_a_request) {
    steered_origin origin;
    daemon proxy(attack_configuration("", "app: {endpoints: [\"" + origin.address() + "\"]}"));
    std::atomic<bool> over{false};
    std::atomic<int> answered{0};
    std::vector<std::thread> threads;
    for (int index = 0; index < 3; ++index) {
        threads.emplace_back([&, index] {
            std::optional<peer> client(std::in_place, proxy.port("web"));
            for (int i = 0; i < 2000 && !over; ++i) {
                const std::string target = "/k3/" + marker(index, i);
                client->send("POST " + target +
                             " HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi");
                const seen_response seen = see_response(*client);
                EXPECT_EQ(seen.head.body, target) << seen.fault;
                ++answered;
                if (!seen.whole)
                    return;
                if (seen.closes)
                    client.emplace(proxy.port("web"));
            }
        });
    }
    for (int generation = 2; generation <= 8; ++generation) {
        proxy.running().signal(SIGHUP);
        (void)wait_for_sum(proxy, "penstock_config_generation", {}, generation);
    }
    over = true;
    for (std::thread& one : threads)
        one.join();
    std::set<std::string> targets;
    for (const steered_origin::heard_request& one : origin.heard("k3")) {
        EXPECT_TRUE(targets.insert(one.request.target).second) << one.request.target;
    }
    EXPECT_EQ(targets.size(), static_cast<std::size_t>(answered));
}

TEST_F(AttackIdentity, K5_Metrics_do_not_grow_with_what_clients_make_up) {
    daemon& proxy = site().proxy;
    const auto send_odd = [&](int number) {
        const std::string tail = std::to_string(number);
        peer client(proxy.port("web"));
        client.send("M" + tail + " /k5-" + tail + "?q=" + tail + " HTTP/1.1\r\nHost: h" + tail +
                    ".test\r\n"
                    "User-Agent: u" +
                    tail + "\r\nX-Request-Id: " + tail + "\r\n\r\n");
        EXPECT_EQ(see_response(client).head.status, 200);
        peer wrong(proxy.port("web"));
        wrong.send("M" + tail + " /k5 HTTP/9." + tail + "\r\n\r\n");
        EXPECT_GE(see_response(wrong).head.status, 400);
    };
    // One of each kind: a version of one digit is another fault than one of two.
    for (const int i : {0, 1, 10, 100})
        send_odd(i);
    (void)wait_for_sum(proxy, "penstock_requests_total", {"code_class=\"5xx\""}, 1);
    const samples before = scrape(proxy);
    for (int i = 2; i <= 200; ++i)
        send_odd(i);
    const samples found = scrape(proxy);
    for (const auto& [name, value] : found) {
        EXPECT_TRUE(before.contains(name)) << name << " is new";
        EXPECT_EQ(name.find("k5-"), std::string::npos) << name;
        EXPECT_EQ(name.find(".test"), std::string::npos) << name;
    }
}

// A line of the log is bounded whatever a request carries, and is always one line.
TEST_F(AttackIdentity, K5_Log_lines_are_bounded) {
    peer client = site().client();
    client.send("GET /k5-log" + std::string(7000, 'p') +
                " HTTP/1.1\r\nHost: " + std::string(250, 'h') +
                "\r\n"
                "User-Agent: " +
                std::string(15'000, 'u') + "\r\n\r\n");
    EXPECT_EQ(see_response(client).head.status, 200);
    const std::string line = site().proxy.running().wait_for("/k5-log");
    EXPECT_LT(line.size(), 16U * 1024);
}

}  // namespace
}  // namespace penstock::test
