// Files of `tls` sections while a proxy runs: what is taken up when, what is served without, and
// what `check` says of it.
#include "e2e/tls_site.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(TlsFiles, AChangedRevocationListIsForNewHandshakes) {
    const temp_dir dir;
    const authority clients(dir);
    const certificate_files alice = clients.issue("alice");
    const certificate_files bob = clients.issue("bob");
    const revocations list(clients);
    list.publish();
    daemon proxy(
        site(entry(make(dir, "a", "a.test")),
             ", client_ca: \"" + clients.root.cert + "\", client_crl: \"" + list.path() + "\""));
    const auto shown = [](const certificate_files& of) {
        return std::vector<std::string>{"-servername a.test", "-cert", of.cert, "-key", of.key};
    };
    const std::string session = dir.path("session");
    std::vector<std::string> first = shown(bob);
    first.insert(first.end(), {"-sess_out", session});
    EXPECT_TRUE(contains(s_client(proxy, first), "pong"));
    list.revoke(bob);
    list.publish();
    proxy.running().wait_for("TLS files renewed");
    EXPECT_FALSE(contains(s_client(proxy, shown(bob)), "pong"));
    const std::string event = proxy.running().wait_for("TLS handshake failed");
    EXPECT_TRUE(contains(event, "reason=certificate_revoked")) << event;
    // Nor by what was verified before.
    std::vector<std::string> again = shown(bob);
    again.insert(again.end(), {"-sess_in", session});
    const std::string resumed = s_client(proxy, again);
    EXPECT_FALSE(contains(resumed, "pong")) << resumed;
    EXPECT_FALSE(contains(resumed, "Reused")) << resumed;
    EXPECT_TRUE(contains(s_client(proxy, shown(alice)), "pong"));
}

// A session of a client that proved nothing is not gone on with once proof is wanted.
TEST(TlsFiles, H1_ASessionEndsWhereCertificatesBecomeRequired) {
    const temp_dir dir;
    const authority clients(dir);
    const certificate_files files = make(dir, "a", "a.test");
    const auto asking = [&](const std::string& how) {
        return site(entry(files),
                    ", client_ca: \"" + clients.root.cert + "\", client_auth: " + how);
    };
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
        SCOPED_TRACE(version);
        daemon proxy(asking("optional"));
        const std::string session = dir.path("session" + version);
        const std::vector<std::string> resume{version, "-servername a.test", "-sess_in", session};
        EXPECT_TRUE(contains(s_client(proxy, {version, "-servername a.test", "-sess_out", session}),
                             "pong"));
        EXPECT_TRUE(contains(s_client(proxy, resume), "Reused, TLSv1."));
        proxy.write_configuration(asking("required"));
        proxy.running().signal(SIGHUP);
        proxy.running().wait_for("reloaded: generation 2");
        const std::string refused = s_client(proxy, resume);
        EXPECT_FALSE(contains(refused, "Reused")) << refused;
        EXPECT_FALSE(contains(refused, "pong")) << refused;
        const std::string event = proxy.running().wait_for("TLS handshake failed");
        EXPECT_TRUE(contains(event, "reason=certificate_required")) << event;
    }
}

}  // namespace
}  // namespace penstock::test
