// ATTACKS.md, sections D and E: hostile HTTP/2 on the default configuration. A message that cannot
// be read in one way never reaches the origin; a flood ends its own connection and nothing else.
#include "e2e/attack_h2_site.hpp"
#include "support/h2_client.hpp"
#include "support/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <ctime>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace penstock::test {
namespace {

// RFC 9113 §7.
constexpr std::uint32_t no_error = 0;
constexpr std::uint32_t protocol_error = 1;
constexpr std::uint32_t internal_error = 2;
constexpr std::uint32_t flow_control_error = 3;
constexpr std::uint32_t frame_size_error = 6;
constexpr std::uint32_t refused_stream = 7;
constexpr std::uint32_t enhance_your_calm = 11;

const std::string ping = h2::frame(h2::ping, 0, 0, "12345678");
struct bad_request {
    const char* name;
    h2::field_list fields;
};
std::ostream& operator<<(std::ostream& out, const bad_request& of) { return out << of.name; }

h2::field_list with(std::string_view name, std::string_view value) {
    h2::field_list of = h2::get("/translated");
    for (auto& [key, text] : of) {
        if (key == name) {
            text = value;
            return of;
        }
    }
    of.emplace_back(name, value);
    return of;
}

class Translation : public AttackH2, public testing::WithParamInterface<bad_request> {};

TEST_P(Translation, EndsAtTheProxy) {
    for (const writing how : both_ways) {
        SCOPED_TRACE(name(how));
        const std::size_t before = site().origin.heard("translated").size();
        h2_client client(site().proxy.port("web"));
        say(client.wire, h2::head(1, GetParam().fields), how);
        EXPECT_EQ(client.response(1).reset, protocol_error);
        client.send(h2::head(3, h2::get("/other")));
        EXPECT_EQ(client.response(3).status(), 200);
        EXPECT_EQ(site().origin.heard("translated").size(), before);
    }
}

INSTANTIATE_TEST_SUITE_P(
    D, Translation,
    testing::Values(bad_request{"D1_CrLfInValue", with("x", "a\r\nX-Evil: 1")},
                    bad_request{"D1_NulInValue", with("x", std::string_view("a\0", 2))},
                    bad_request{"D1_SpaceAroundValue", with("x", " a")},
                    bad_request{"D1_UpperCaseName", with("X-Evil", "1")},
                    bad_request{"D1_CrLfInName", with("x\r\nevil", "1")},
                    bad_request{"D1_CrLfInPath", with(":path", "/translated HTTP/1.1\r\nX: y")},
                    bad_request{"D1_SpaceInMethod", with(":method", "GET /evil")},
                    bad_request{"D1_CrLfInAuthority", with(":authority", "a\r\nX: y")},
                    bad_request{"D1_SpaceInScheme", with(":scheme", "http ")},
                    bad_request{"D2_TransferEncoding", with("transfer-encoding", "chunked")},
                    bad_request{"D2_Connection", with("connection", "x-evil")},
                    bad_request{"D2_KeepAlive", with("keep-alive", "1")},
                    bad_request{"D2_ProxyConnection", with("proxy-connection", "close")},
                    bad_request{"D2_Upgrade", with("upgrade", "websocket")},
                    bad_request{"D2_Te", with("te", "chunked")},
                    bad_request{"D3_LengthWithoutBody", with("content-length", "5")},
                    bad_request{"D3_LengthThatIsNone", with("content-length", "1e3")},
                    bad_request{"D4_EmptyPath", with(":path", "")},
                    bad_request{"D4_PathWithoutSlash", with(":path", "evil")},
                    bad_request{"D4_UnknownPseudo", with(":evil", "1")},
                    bad_request{"D6_SpaceInAuthority", with(":authority", "a b")},
                    bad_request{"C6_ProtocolOfAGet", with(":protocol", "websocket")},
                    bad_request{"C6_ProtocolThatWasNotOffered",
                                {{":method", "CONNECT"},
                                 {":protocol", "connect-udp"},
                                 {":scheme", "http"},
                                 {":authority", "a.test"},
                                 {":path", "/translated"}}},
                    bad_request{"E8_EmptyName", with("", "1")}),
    [](const auto& param) { return std::string(param.param.name); });

struct refused_request {
    const char* name;
    h2::field_list fields;
    int status;
};
std::ostream& operator<<(std::ostream& out, const refused_request& of) { return out << of.name; }

class Refusal : public AttackH2, public testing::WithParamInterface<refused_request> {};

TEST_P(Refusal, IsAStatus) {
    for (const writing how : both_ways) {
        SCOPED_TRACE(name(how));
        const std::size_t before = site().origin.heard("translated").size();
        h2_client client(site().proxy.port("web"));
        say(client.wire, h2::head(1, GetParam().fields), how);
        EXPECT_EQ(client.response(1).status(), GetParam().status);
        EXPECT_NE(client.response(1).field("proxy-status"), "");
        client.send(h2::head(3, h2::get("/other")));
        EXPECT_EQ(client.response(3).status(), 200);
        EXPECT_EQ(site().origin.heard("translated").size(), before);
    }
}

INSTANTIATE_TEST_SUITE_P(
    D, Refusal,
    testing::Values(
        refused_request{"D5_OtherScheme", with(":scheme", "ftp"), 400},
        refused_request{"D6_Slash", with(":authority", "a/b"), 400},
        refused_request{"D6_Query", with(":authority", "a?b"), 400},
        refused_request{"D6_Fragment", with(":authority", "a#b"), 400},
        refused_request{"D6_HostsDiffer", with("host", "b.test"), 400},
        refused_request{"D6_User", with(":authority", "me@a.test"), 400},
        refused_request{"D6_Comma", with(":authority", "a.test,b.test"), 400},
        refused_request{"B1_Expect", with("expect", "y 100-continue"), 417},
        refused_request{"C6_Connect", {{":method", "CONNECT"}, {":authority", "b.test:443"}}, 405},
        refused_request{"C6_Trace", with(":method", "TRACE"), 405},
        refused_request{"E10_Fields", h2::get("/translated", h2::field_list(101, {"x", "y"})), 431},
        refused_request{"E10_Crumbs", h2::get("/translated", h2::field_list(201, {"cookie", "y"})),
                        431},
        refused_request{"G4_PathAboveTheRoot", with(":path", "/../x"), 400}),
    [](const auto& param) { return std::string(param.param.name); });

// What an origin received from its latest request for `path` on, until that connection ended.
class last_words {
 public:
    explicit last_words(std::string path) : path_(std::move(path)) {}
    [[nodiscard]] steered_origin::act act() {
        return [this](peer& from, http_request&) {
            try {
                (void)from.wait_closed();
            } catch (const test_error&) {
            }
            text_ = from.received();
            text_.erase(0, text_.rfind("POST " + path_));
            ended_.open();
            return false;
        };
    }
    // Waits for the end.
    const std::string& text(const h2_client& with) const {
        with.wire.wait_for(ended_);
        return text_;
    }
    std::string body(const h2_client& with) const {
        const std::string& all = text(with);
        return all.substr(all.find("\r\n\r\n") + 4);
    }

 private:
    std::string path_;
    std::string text_;
    gate ended_;
};

// D3: the origin has the head already, so it must not see a whole message.
TEST_F(AttackH2, D3_BodyThatIsNotAsLongAsItSays) {
    for (const std::string_view sent : {"1234", "123456"}) {
        SCOPED_TRACE(sent);
        last_words heard("/short");
        site().origin.on("short", heard.act());
        const std::size_t before = site().origin.heard("short").size();
        h2_client client(site().proxy.port("web"));
        client.send(h2::head(1, h2::post("/short", {{"content-length", "5"}}), false));
        while (site().origin.heard("short").size() == before)
            hold_for(5ms);
        client.send(h2::body(1, sent));
        EXPECT_EQ(client.response(1).reset, protocol_error);
        EXPECT_LT(heard.body(client).size(), 5U);
        site().expect_clean(nullptr, "after");
    }
}

TEST_F(AttackH2, D7_BodiesAreFramedAnew) {
    h2_client client(site().proxy.port("web"));
    client.send(h2::head(1, h2::post("/framed"), false) + h2::body(1, "x"));
    EXPECT_EQ(client.response(1).status(), 200);
    client.send(h2::head(3, h2::post("/framed")));
    EXPECT_EQ(client.response(3).status(), 200);
    client.send(h2::head(5, h2::get("/framed")));
    EXPECT_EQ(client.response(5).status(), 200);
    const auto heard = site().origin.heard("framed");
    ASSERT_EQ(heard.size(), 3U);
    EXPECT_EQ(heard[0].request.field("transfer-encoding"), "chunked");
    EXPECT_EQ(heard[1].request.field("content-length"), "0");
    EXPECT_EQ(heard[2].request.field("content-length"), std::nullopt);
    EXPECT_EQ(heard[2].request.field("transfer-encoding"), std::nullopt);
}

TEST_F(AttackH2, D8_CrumbsAreJoined) {
    h2_client client(site().proxy.port("web"));
    client.send(h2::head(1, h2::get("/crumbs", {{"cookie", "a=1"}, {"cookie", "b=2"}})));
    EXPECT_EQ(client.response(1).status(), 200);
    EXPECT_EQ(site().origin.heard("crumbs").at(0).request.field("cookie"), "a=1; b=2");
}

// The origin sees a connection that breaks off, never the end of a body.
TEST_F(AttackH2, D9_ResetWithinABody) {
    last_words heard("/cut");
    site().origin.on("cut", heard.act());
    h2_client client(site().proxy.port("web"));
    client.send(h2::head(1, h2::post("/cut"), false) + h2::body(1, "part", false));
    while (site().origin.heard("cut").empty())
        hold_for(5ms);
    client.send(h2::rst(1));
    EXPECT_EQ(heard.text(client).find("0\r\n\r\n"), std::string::npos) << heard.text(client);
    site().expect_clean(nullptr, "after");
}

TEST_F(AttackH2, B8_TruncatedAnswerIsReset) {
    site().origin.answer("truncated", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
                         writing::whole, true);
    h2_client client(site().proxy.port("web"));
    client.send(h2::head(1, h2::get("/truncated")));
    EXPECT_EQ(client.response(1).reset, internal_error);
    EXPECT_EQ(client.response(1).body, "hello");
    EXPECT_FALSE(client.response(1).ended);
}

TEST_F(AttackH2, B3_EarlyAnswerEndsTheRequestWithoutAFault) {
    site().origin.on("early", [](peer& from, http_request&) {
        from.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        return false;
    });
    h2_client client(site().proxy.port("web"));
    client.send(h2::head(1, h2::post("/early"), false) + h2::body(1, "part", false));
    EXPECT_EQ(client.response(1).status(), 403);
    while (!client.responses[1].reset)
        ASSERT_TRUE(client.read());
    EXPECT_EQ(client.responses[1].reset, no_error);
}

struct flood {
    const char* name;
    std::string before;
    std::string bytes;
    const char* breach;
    std::uint32_t code = enhance_your_calm;
    const char* at_once = nullptr;  // the breach if all came with one read; null = the same
};
std::ostream& operator<<(std::ostream& out, const flood& of) { return out << of.name; }

class Flood : public AttackH2, public testing::WithParamInterface<flood> {};

// What a proxy has used since then of its CPU, for each second that this thread has.
class cpu_of_both {
 public:
    explicit cpu_of_both(pid_t pid) {
        if (clock_getcpuclockid(pid, &proxy_) != 0)
            throw_errno("clock_getcpuclockid");
        before_ = now();
    }
    [[nodiscard]] double ratio() const {
        const auto [proxy, own] = now();
        return (proxy - before_.first) / (own - before_.second);
    }

 private:
    static double seconds(clockid_t of) {
        timespec time{};
        clock_gettime(of, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
    }
    [[nodiscard]] std::pair<double, double> now() const {
        return {seconds(proxy_), seconds(CLOCK_THREAD_CPUTIME_ID)};
    }
    clockid_t proxy_{};
    std::pair<double, double> before_;
};

double ended_by(const daemon& proxy, const char* breach) {
    return sum(scrape(proxy), "penstock_http2_connections_ended_total",
               {"breach=\"" + std::string(breach) + '"'});
}

TEST_P(Flood, EndsItsConnectionAlone) {
    daemon& proxy = site().proxy;
    for (const writing how : both_ways) {
        SCOPED_TRACE(name(how));
        const std::uint64_t before = memory_of(proxy.running().pid()).resident;
        const bool at_once = how == writing::whole && GetParam().at_once != nullptr;
        const char* const breach = at_once ? GetParam().at_once : GetParam().breach;
        const double counted = ended_by(proxy, breach);
        h2_client bystander(proxy.port("web"));
        bystander.send(h2::head(1, h2::get("/calm")));
        EXPECT_EQ(bystander.response(1).status(), 200);
        cpu_of_both spent(proxy.running().pid());
        h2_client client(proxy.port("web"));
        client.send(GetParam().before);
        try {
            say(client.wire, GetParam().bytes, how);
        } catch (const test_error&) {
            // It was ended in the middle of it.
        }
        EXPECT_EQ(client.goaway(), GetParam().code);
        RecordProperty(std::string("cpu_") + name(how), std::to_string(spent.ratio()));
        bystander.send(h2::head(3, h2::get("/calm")));
        EXPECT_EQ(bystander.response(3).status(), 200);
        site().expect_clean(nullptr, "after");
        if (!sanitized()) {
            EXPECT_LE(memory_of(proxy.running().pid()).resident, before + 8 * 1024 * 1024);
        }
        client.wire.close();
        EXPECT_TRUE(grows_quiet(proxy.running().pid()));
        EXPECT_EQ(ended_by(proxy, breach), counted + 1);
    }
}

std::string rapid_resets() {
    std::string out;
    for (std::uint32_t id = 1; id < 450; id += 2)
        out += h2::head(id, h2::get("/reset")) + h2::rst(id);
    return out;
}

std::string faulty_streams() {
    std::string out;
    for (std::uint32_t id = 1; id < 450; id += 2)
        out += h2::head(id, with("x", " "));
    return out;
}

// One large field, and then references to it.
std::string bomb(const h2::field_list& first = h2::get("/bomb")) {
    std::string block = h2::block(first);
    block += std::string("\x40\1x", 3) + std::string("\x7f\x81\x1e") + std::string(4096 - 128, 'a');
    block += std::string(4000, '\xbe');
    return h2::frame(h2::headers, h2::end_headers | h2::end_stream, 1, block);
}

INSTANTIATE_TEST_SUITE_P(
    E, Flood,
    testing::Values(
        flood{"E1_RapidReset", "", rapid_resets(), "reset_flood", enhance_your_calm,
              "refused_streams"},
        flood{"E2_FaultyStreams", "", faulty_streams(), "reset_flood", enhance_your_calm,
              "refused_streams"},
        flood{"E3_Continuation", h2::frame(h2::headers, 0, 1, h2::block(h2::get())),
              repeat(h2::frame(h2::continuation, 0, 1), 9), "continuation_flood"},
        flood{"E3_LongBlock", h2::frame(h2::headers, 0, 1, h2::block(h2::get())),
              repeat(h2::frame(h2::continuation, 0, 1, h2::block({{"x", std::string(16000, 'a')}})),
                     5),
              "continuation_flood"},
        flood{"E4_Ping", "", repeat(ping, 1100), "control_flood"},
        flood{"E4_Settings", "", repeat(h2::frame(h2::settings, 0, 0), 1100), "control_flood"},
        flood{"E4_Priority", "",
              repeat(h2::frame(h2::priority, 0, 1, std::string("\0\0\0\0\1", 5)), 110),
              "priority_flood"},
        flood{"E4_Unknown", "", repeat(h2::frame(static_cast<h2::type>(0x42), 0, 0), 1100),
              "control_flood"},
        flood{"E4_WindowUpdate", "",
              repeat(h2::frame(h2::window_update, 0, 0, h2::number(1)), 1100),
              "window_update_flood"},
        flood{"E4_EmptyData", h2::head(1, h2::post("/calm"), false),
              repeat(h2::body(1, "", false), 1100), "control_flood"},
        flood{"E9_Bomb", "", bomb(), "header_bomb"},
        flood{"E9_BombBehindAFault", "", bomb(with("x", " ")), "header_bomb"},
        flood{"E12_WindowOverflow", "", h2::frame(h2::window_update, 0, 0, h2::number(0x7fffffff)),
              "rules", flow_control_error},
        flood{"E12_LargeFrame", "", h2::frame(h2::ping, 0, 0, std::string(20000, 'x')),
              "frame_size", frame_size_error}),
    [](const auto& param) { return std::string(param.param.name); });

// A client that goes while our output is full must not leave a loop spinning.
TEST_F(AttackH2, E5_NobodySpinsForWhoIsGone) {
    const std::size_t descriptors = descriptors_of(site().proxy.running().pid());
    for (const bool reset : {false, true}) {
        connect_options small;
        small.receive_buffer = 4096;
        peer client(site().proxy.port("web"), small);
        site().origin.answer(
            "wide",
            "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + std::string(4'000'000, 'x'),
            writing::whole);
        client.send(h2::hello() + h2::frame(h2::window_update, 0, 0, h2::number(1 << 30)) +
                    h2::frame(h2::settings, 0, 0, std::string("\0\4", 2) + h2::number(1 << 30)));
        for (std::uint32_t id = 1; id < 20; id += 2)
            client.send(h2::head(id, h2::get("/wide")));
        (void)client.read_exactly(1000);
        hold_for(50ms);
        if (reset)
            client.reset();
        else
            client.close();
    }
    EXPECT_TRUE(grows_quiet(site().proxy.running().pid()));
    const time_limit limit(30s);
    while (descriptors_of(site().proxy.running().pid()) > descriptors + 20 && !limit.passed())
        hold_for(20ms);
    EXPECT_LE(descriptors_of(site().proxy.running().pid()), descriptors + 20);
    site().expect_clean(nullptr, "after");
}

// E11: one by one, until it is too many. Streams that are held occupy the limit.
TEST_F(AttackH2, E11_StreamStorm) {
    gate go;
    site().origin.on("held", [&](peer& from, http_request&) {
        from.wait_for(go);
        from.send("HTTP/1.1 204 No Content\r\n\r\n");
        return true;
    });
    h2_client client(site().proxy.port("web"));
    std::uint32_t id = 1;
    for (int i = 0; i < 100; ++i, id += 2)
        client.send(h2::head(id, h2::get("/held")));
    client.send(h2::head(id, h2::get("/held")));
    EXPECT_EQ(client.response(id).reset, refused_stream);
    EXPECT_LE(site().origin.heard("held").size(), 100U);
    for (int i = 0; i < 100; ++i) {
        id += 2;
        client.send(h2::head(id, h2::get("/held")));
    }
    EXPECT_EQ(client.goaway(), enhance_your_calm);
    go.open();
    site().expect_clean(nullptr, "after");
}

// E6: a client that takes nothing makes us hold what its windows and one read of the origin are.
TEST_F(AttackH2, E6_HeldWindowsHoldNoMemory) {
    site().origin.on("large", [](peer& from, http_request&) {
        from.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        try {
            for (int i = 0; i < 1000; ++i)
                from.send(std::string(100'000, 'x'));
        } catch (const test_error&) {
        }
        return false;
    });
    const std::uint64_t before = memory_of(site().proxy.running().pid()).resident;
    {
        h2_client client(site().proxy.port("web"));
        client.send(h2::frame(h2::settings, 0, 0, std::string("\0\4\0\0\0\0", 6)));
        for (std::uint32_t id = 1; id < 40; id += 2)
            client.send(h2::head(id, h2::get("/large")));
        while (site().origin.heard("large").size() < 20)
            ASSERT_TRUE(client.read());
        for (std::uint32_t id = 1; id < 40; id += 2) {
            while (client.responses[id].heads.empty())
                ASSERT_TRUE(client.read());
        }
        hold_for(100ms);
        if (!sanitized()) {
            // 20 streams with a buffer of a read each.
            EXPECT_LE(memory_of(site().proxy.running().pid()).resident, before + 12 * 1024 * 1024);
        }
    }
    site().expect_clean(nullptr, "after");
}

// E10: heads that are small on the wire and large when decoded, on streams that are held.
TEST_F(AttackH2, E10_HeldHeadsAreBounded) {
    gate go;
    site().origin.on("inflated", [&](peer& from, http_request&) {
        from.wait_for(go);
        from.send("HTTP/1.1 204 No Content\r\n\r\n");
        return true;
    });
    const std::uint64_t before = memory_of(site().proxy.running().pid()).resident;
    h2_client client(site().proxy.port("web"));
    // A field of 3.9 KiB in the table, and 14 references: 59 KiB of a head for 20 bytes.
    std::string first = h2::block(h2::get("/inflated"));
    first += std::string("\x40\1x", 3) + std::string("\x7f\x81\x1e") + std::string(3968, 'a');
    client.send(h2::frame(h2::headers, h2::end_headers | h2::end_stream, 1, first));
    const std::string again = h2::block(h2::get("/inflated")) + std::string(14, '\xbe');
    for (std::uint32_t id = 3; id < 200; id += 2)
        client.send(h2::frame(h2::headers, h2::end_headers | h2::end_stream, id, again));
    while (site().origin.heard("inflated").size() < 100)
        hold_for(5ms);
    if (!sanitized()) {
        EXPECT_LE(memory_of(site().proxy.running().pid()).resident, before + 100 * 2 * 64 * 1024);
    }
    go.open();
    for (std::uint32_t id = 1; id < 200; id += 2)
        EXPECT_EQ(client.response(id).status(), 204);
    client.wire.close();
}

// E15: whoever fills its connection with streams gets no more than a turn or two in front of
// others.
TEST(FairnessH2, E15_OthersGetTheirTurn) {
    daemon proxy(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{respond: {body: pong}}]\n");
    const attack_baseline base(proxy);
    h2_client busy(proxy.port("web"));
    h2_client other(proxy.port("web"));
    for (h2_client* const each : {&busy, &other}) {
        each->send(h2::head(1, h2::get("/before")));
        EXPECT_EQ(each->response(1).status(), 200);
    }
    // Both are there when it looks again.
    proxy.running().signal(SIGSTOP);
    std::string many;
    for (std::uint32_t id = 3; id < 163; id += 2)
        many += h2::head(id, h2::get("/busy"));
    busy.send(many);
    other.send(h2::head(3, h2::get("/other")));
    proxy.running().signal(SIGCONT);
    EXPECT_EQ(other.response(3).status(), 200);
    for (std::uint32_t id = 3; id < 163; id += 2)
        EXPECT_EQ(busy.response(id).status(), 200);
    proxy.running().wait_for("\"url.path\":\"/busy\"", patience, 79);
    const std::string log = proxy.running().out();
    int in_front = 0;
    for (std::size_t at = 0; at < log.find("\"/other\""); ++in_front)
        at = log.find("\"/busy\"", at) + 1;
    EXPECT_LE(in_front - 1, 2 * 16);
    EXPECT_GE(in_front - 1, 0);
    busy.wire.close();
    other.wire.close();
    base.expect_back();
}

}  // namespace
}  // namespace penstock::test
