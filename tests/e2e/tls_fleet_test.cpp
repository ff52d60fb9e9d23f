// D15: processes that share nothing but a secret resume each other's sessions, though their clocks
// differ.
#include "e2e/clock_site.hpp"
#include "e2e/tls_site.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

// The hour is the default epoch; 24 minutes either way are less than one in all. The fleet's hour
// begins with the test, so that its processes are not all in the same one.
TEST(TlsFleet, ThreeProcessesWithSkewedClocksResumeEachOthersSessions) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    const std::string secret = dir.write("secret", std::string(48, 's'));
    const std::string yaml =
        "workers: 2\nadmin: {bind: \"127.0.0.1:0\"}\nlisteners: {web: {bind: \"127.0.0.1:0\",\n"
        "  tls: {certificates: [{cert: \"" +
        files.cert + "\", key: \"" + files.key + "\"}], tickets: {secret_file: \"" + secret +
        "\"}}}}\nroutes: [{respond: {body: pong}}]\n";
    std::vector<std::unique_ptr<daemon>> fleet;
    const long to_the_hour = 3600 - std::time(nullptr) % 3600;
    for (const long skew : {0L, 24L * 60, -24L * 60})
        fleet.push_back(start_at(to_the_hour + skew, yaml));
    // The clocks do differ.
    const auto date_of = [](const daemon& of) {
        const std::string url = "https://127.0.0.1:" + std::to_string(of.port("web"));
        const command_result got = run({"curl", "-sk", "-D", "-", url}, 20s);
        const std::size_t at = got.out.find("date: ");
        return at == std::string::npos ? got.out : got.out.substr(at, 35);
    };
    EXPECT_NE(date_of(*fleet[1]).substr(0, 28), date_of(*fleet[2]).substr(0, 28));
    const std::string session = dir.path("session");
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
        for (std::size_t from = 0; from < fleet.size(); ++from) {
            const std::string fresh =
                s_client(*fleet[from], {version, "-servername a.test", "-sess_out", session});
            EXPECT_NE(fresh.find("New, TLSv1."), std::string::npos) << fresh;
            for (std::size_t to = 0; to < fleet.size(); ++to) {
                const std::string again =
                    s_client(*fleet[to], {version, "-servername a.test", "-sess_in", session});
                EXPECT_NE(again.find("Reused, TLSv1."), std::string::npos)
                    << version << " " << from << " to " << to << ": " << again;
                EXPECT_NE(again.find("pong"), std::string::npos);
            }
        }
    }
    for (const auto& each : fleet) {
        const samples now = scrape(*each);
        const std::vector<std::string> resumed{"resumed=\"true\"", "result=\"ok\""};
        EXPECT_EQ(sum(now, "penstock_tls_handshakes_total", resumed), 6);
    }
    // The last session is of the hour before. Two hours on, while it has not expired yet, nothing
    // is known of its key.
    const std::unique_ptr<daemon> elsewhere = start_at(to_the_hour + 3600 + 300, yaml);
    const std::string stranger = s_client(*elsewhere, {"-servername a.test", "-sess_in", session});
    EXPECT_NE(stranger.find("New, TLSv1."), std::string::npos) << stranger;
}

// A daemon with this secret whose clock is so far behind the beginning of an epoch, and what became
// of a session there.
struct era {
    long begins;  // as a skew
    std::string yaml;

    std::string visit(long behind, std::vector<std::string> arguments) const {
        const std::unique_ptr<daemon> one = start_at(begins + behind, yaml);
        arguments.insert(arguments.end(), {"-tls1_3", "-servername a.test"});
        return s_client(*one, arguments);
    }
};

bool resumed(const std::string& printed) {
    return printed.find("Reused, TLSv1.") != std::string::npos &&
           printed.find("pong") != std::string::npos;
}

// Each resumption gives a ticket with a key that is good for long, yet what it goes back to is the
// one handshake that was a full one.
TEST(TlsFleet, ASessionEndsTwoPeriodsBehindItsFullHandshakeHoweverOftenItIsResumed) {
    const temp_dir dir;
    const certificate_files files = make(dir, "a", "a.test");
    const std::string secret = dir.write("secret", std::string(48, 's'));
    const era hour{3600 - std::time(nullptr) % 3600 + 60,
                   site(entry(files), ", tickets: {secret_file: \"" + secret + "\"}")};
    const std::string first = dir.path("first");
    const std::string second = dir.path("second");
    const std::string third = dir.path("third");
    (void)hour.visit(0, {"-sess_out", first});
    EXPECT_TRUE(resumed(hour.visit(50L * 60, {"-sess_in", first, "-sess_out", second})));
    EXPECT_TRUE(resumed(hour.visit(100L * 60, {"-sess_in", second, "-sess_out", third})));
    EXPECT_TRUE(resumed(hour.visit(115L * 60, {"-sess_in", third})));
    const std::string late = hour.visit(122L * 60, {"-sess_in", third});
    EXPECT_NE(late.find("New, TLSv1."), std::string::npos) << late;
    EXPECT_NE(late.find("pong"), std::string::npos) << late;
}

TEST(TlsFleet, ASessionEndsWithTheClientsCertificate) {
    const temp_dir dir;
    const authority clients(dir);
    const certificate_files own = clients.issue("alice", "1");
    const certificate_files files = make(dir, "a", "a.test");
    const std::string secret = dir.write("secret", std::string(48, 's'));
    const era day{0, site(entry(files), ", tickets: {rotate: 12h, secret_file: \"" + secret +
                                            "\"}, client_ca: \"" + clients.root.cert + "\"")};
    const std::string session = dir.path("session");
    const std::vector<std::string> shown{"-cert", own.cert, "-key", own.key};
    const auto visit = [&](long minutes, const std::string& how) {
        std::vector<std::string> with = shown;
        with.insert(with.end(), {how, session});
        return day.visit(minutes * 60, with);
    };
    EXPECT_NE(visit(23L * 60, "-sess_out").find("pong"), std::string::npos);
    EXPECT_TRUE(resumed(visit(23L * 60 + 50, "-sess_in")));
    const std::string late = visit(24L * 60 + 10, "-sess_in");
    EXPECT_EQ(late.find("Reused"), std::string::npos) << late;
    EXPECT_EQ(late.find("pong"), std::string::npos) << late;
}

}  // namespace
}  // namespace penstock::test
