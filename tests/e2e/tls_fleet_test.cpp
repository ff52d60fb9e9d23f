// D15: processes that share nothing but a secret resume each other's sessions, though their clocks
// differ.
#include "e2e/clock_site.hpp"
#include "support/certificate.hpp"
#include "support/probe.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

std::string s_client(const daemon& of, const std::string& arguments) {
    const std::string port = std::to_string(of.port("web"));
    return run({"sh", "-c",
                "printf 'GET / HTTP/1.1\\r\\nHost: a.test\\r\\nConnection: close\\r\\n\\r\\n'"
                " | openssl s_client -connect 127.0.0.1:" +
                    port + " -ign_eof -servername a.test " + arguments + " 2>&1"},
               20s)
        .out;
}

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
    for (const std::string version : {"-tls1_2 ", "-tls1_3 "}) {
        for (std::size_t from = 0; from < fleet.size(); ++from) {
            const std::string fresh = s_client(*fleet[from], version + "-sess_out " + session);
            EXPECT_NE(fresh.find("New, TLSv1."), std::string::npos) << fresh;
            for (std::size_t to = 0; to < fleet.size(); ++to) {
                const std::string again = s_client(*fleet[to], version + "-sess_in " + session);
                EXPECT_NE(again.find("Reused, TLSv1."), std::string::npos)
                    << version << from << " to " << to << ": " << again;
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
    const std::string stranger = s_client(*elsewhere, "-sess_in " + session);
    EXPECT_NE(stranger.find("New, TLSv1."), std::string::npos) << stranger;
}

}  // namespace
}  // namespace penstock::test
