// TLS as its users meet it: curl and openssl as clients, certificates of several kinds and names,
// sessions across restarts, files that change, and origins that ask for certificates.
#include "e2e/tls_site.hpp"
#include "support/real_origin.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

TEST(Tls, PresentsEcdsaAndRsaByNameAndWhatTheClientTakes) {
    const temp_dir dir;
    const daemon proxy(site(entry(make(dir, "a-rsa", "a.test", "rsa")) + ", " +
                            entry(make(dir, "a-ec", "a.test")) + ", " +
                            entry(make(dir, "b", "*.b.test"))));
    const std::string ecdsa = s_client(proxy, {"-servername", "a.test"});
    EXPECT_NE(ecdsa.find("Peer signature type: ECDSA"), std::string::npos) << ecdsa;
    const std::string rsa =
        s_client(proxy, {"-servername", "a.test", "-sigalgs", "RSA-PSS+SHA256"});
    EXPECT_NE(rsa.find("Peer signature type: RSA-PSS"), std::string::npos) << rsa;
    const std::string old = s_client(
        proxy, {"-servername", "a.test", "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"});
    EXPECT_NE(old.find("Cipher is ECDHE-RSA-AES128-GCM-SHA256"), std::string::npos) << old;
    EXPECT_NE(s_client(proxy, {"-servername", "x.b.test"}).find("CN = *.b.test"),
              std::string::npos);
    EXPECT_NE(s_client(proxy, {"-noservername"}).find("CN = a.test"), std::string::npos);
}

// D15, and a restart.
TEST(Tls, ResumesAcrossProcessesWithOneSecret) {
    const temp_dir dir;
    const certificate_files files = make(dir, "a", "a.test");
    const std::string secret = dir.write("secret", std::string(48, 's'));
    const std::string yaml = site(entry(files), ", tickets: {secret_file: \"" + secret + "\"}");
    const std::string session = dir.path("session");
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
        SCOPED_TRACE(version);
        {
            const daemon first(yaml);
            const std::string fresh =
                s_client(first, {version, "-servername", "a.test", "-sess_out", session});
            EXPECT_NE(fresh.find("New, TLSv1."), std::string::npos) << fresh;
            EXPECT_NE(fresh.find("pong"), std::string::npos);
        }
        for (int i = 0; i < 3; ++i) {
            const daemon other(yaml);
            const std::string again =
                s_client(other, {version, "-servername", "a.test", "-sess_in", session});
            EXPECT_NE(again.find("Reused, TLSv1."), std::string::npos) << again;
            EXPECT_NE(again.find("pong"), std::string::npos);
            EXPECT_EQ(sum(scrape(other), "penstock_tls_handshakes_total",
                          {"resumed=\"true\"", "result=\"ok\""}),
                      1);
        }
        // Without the file every process has a secret of its own.
        const daemon alone(site(entry(files)));
        const std::string stranger =
            s_client(alone, {version, "-servername", "a.test", "-sess_in", session});
        EXPECT_NE(stranger.find("New, TLSv1."), std::string::npos) << stranger;
    }
}

TEST(Tls, KeepsItsTicketKeysOverAReload) {
    const temp_dir dir;
    const certificate_files files = make(dir, "a", "a.test");
    daemon proxy(site(entry(files)));
    const std::string session = dir.path("session");
    (void)s_client(proxy, {"-servername", "a.test", "-sess_out", session});
    // Another TLS context of the same certificates.
    proxy.write_configuration(site(entry(files), ", groups: \"P-256:X25519\""));
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("reloaded: generation 2");
    const std::string again = s_client(proxy, {"-servername", "a.test", "-sess_in", session});
    EXPECT_NE(again.find("Reused, TLSv1."), std::string::npos) << again;
}

TEST(Tls, RefusesASecretThatIsTooShort) {
    const temp_dir dir;
    const std::string secret = dir.write("secret", "short");
    const std::string path = dir.write(
        "p.yaml",
        site(entry(make(dir, "a", "a.test")), ", tickets: {secret_file: \"" + secret + "\"}"));
    const command_result got = run({penstock_binary(), "check", "-c", path});
    EXPECT_NE(got.status.code, 0);
    EXPECT_NE((got.out + got.err).find("holds less than 32 bytes"), std::string::npos) << got.err;
}

TEST(Tls, TakesUpFilesThatChange) {
    const temp_dir dir;
    const certificate_files live = make(dir, "live", "old.test");
    const certificate_files next = make(dir, "next", "new.test");
    daemon proxy(site(entry(live)));
    EXPECT_NE(s_client(proxy, {}).find("CN = old.test"), std::string::npos);
    // One after the other: between the two the old ones stay.
    std::filesystem::rename(next.cert, live.cert);
    std::filesystem::rename(next.key, live.key);
    proxy.running().wait_for("TLS files renewed: generation 2");
    EXPECT_NE(s_client(proxy, {}).find("CN = new.test"), std::string::npos);
    // What does not fit together is told, and changes nothing.
    const certificate_files other = make(dir, "other", "other.test");
    std::filesystem::rename(other.cert, live.cert);
    proxy.running().wait_for("generation 2 stays");
    EXPECT_NE(s_client(proxy, {}).find("CN = new.test"), std::string::npos);
    std::filesystem::rename(other.key, live.key);
    proxy.running().wait_for("TLS files renewed: generation 3");
    EXPECT_NE(s_client(proxy, {}).find("CN = other.test"), std::string::npos);
}

// New files do not make a configuration good that could not be loaded.
TEST(Tls, DoesNotForgetAReloadThatFailed) {
    const temp_dir dir;
    const certificate_files live = make(dir, "live", "old.test");
    const certificate_files next = make(dir, "next", "new.test");
    daemon proxy(site(entry(live)));
    proxy.write_configuration("listeners: {");
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("reload failed");
    std::filesystem::rename(next.cert, live.cert);
    std::filesystem::rename(next.key, live.key);
    proxy.running().wait_for("TLS files renewed");
    EXPECT_EQ(sum(scrape(proxy), "penstock_config_last_reload_success"), 0);
    proxy.write_configuration(site(entry(live)));
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("reloaded: generation");
    EXPECT_EQ(sum(scrape(proxy), "penstock_config_last_reload_success"), 1);
}

// Half a replacement must not turn a check off: without its list nobody would be revoked.
TEST(Tls, TakesAnEmptyFileForAFault) {
    const temp_dir dir;
    const certificate_files files = make(dir, "a", "a.test");
    const std::string empty = dir.write("empty.pem", "");
    const std::string path = dir.write(
        "p.yaml",
        site(entry(files), ", client_ca: \"" + files.cert + "\", client_crl: \"" + empty + "\""));
    const command_result got = run({penstock_binary(), "check", "-c", path});
    EXPECT_NE(got.status.code, 0);
    EXPECT_NE((got.out + got.err).find("empty.pem' is empty"), std::string::npos) << got.err;
}

// ---- Clients' certificates

TEST(Tls, VerifiesClientsAndTellsTheOrigin) {
    const temp_dir dir;
    const authority clients(dir);
    const certificate_files known = clients.issue("alice");
    const certificate_files stranger = make(dir, "mallory", "mallory");
    node_origin origin("response.end(JSON.stringify(request.headers));");
    const std::string upstream = "upstreams: {app: {endpoints: [\"" + origin.address() + "\"]}}\n";
    for (const bool must : {true, false}) {
        SCOPED_TRACE(must);
        const daemon proxy(site(entry(make(dir, "a", "a.test")),
                                ", client_ca: \"" + clients.root.cert +
                                    "\", client_auth: " + (must ? "required" : "optional"),
                                "{upstream: app}", upstream));
        for (const std::string version : {"--http1.1", "--http2"}) {
            const command_result shown =
                curl(https(proxy, "a.test",
                           {version, "--cert", known.cert, "--key", known.key, "-H",
                            "Client-Cert: :Zm9yZ2Vk:", "-H", "Client-Cert-Chain: :Zm9yZ2Vk:", "-H",
                            "Client_Cert: :Zm9yZ2Vk:"}));
            EXPECT_NE(shown.out.find("\"client-cert\":\":MII"), std::string::npos) << shown.out;
            EXPECT_EQ(shown.out.find("Zm9yZ2Vk"), std::string::npos) << shown.out;
            const command_result none =
                curl(https(proxy, "a.test", {version, "-H", "Client-Cert: :Zm9yZ2Vk:"}));
            EXPECT_EQ(none.out.empty(), must) << none.out;
            EXPECT_EQ(none.out.find("client-cert"), std::string::npos) << none.out;
            const command_result other = curl(
                https(proxy, "a.test", {version, "--cert", stranger.cert, "--key", stranger.key}));
            EXPECT_EQ(other.out, "");
        }
    }
}

TEST(Tls, KnowsRevokedClients) {
    const temp_dir dir;
    const authority clients(dir);
    const certificate_files good = clients.issue("alice");
    const certificate_files bad = clients.issue("bob");
    const revocations list(clients);
    list.revoke(bad);
    list.publish();
    daemon proxy(
        site(entry(make(dir, "a", "a.test")),
             ", client_ca: \"" + clients.root.cert + "\", client_crl: \"" + list.path() + "\""));
    EXPECT_EQ(curl(https(proxy, "a.test", {"--cert", good.cert, "--key", good.key})).out, "pong");
    EXPECT_EQ(curl(https(proxy, "a.test", {"--cert", bad.cert, "--key", bad.key})).out, "");
    const std::string event = proxy.running().wait_for("TLS handshake failed");
    EXPECT_NE(event.find("reason=certificate_revoked"), std::string::npos) << event;
}

// H2: whose policy was checked is whom the connection may ask for.
TEST(Tls, H2_SendsOtherHostsElsewhere) {
    const temp_dir dir;
    const authority clients(dir);
    const certificate_files known = clients.issue("alice");
    const daemon proxy(
        site(entry(make(dir, "a", "a.test")) + ", " + entry(make(dir, "b", "b.test")),
             ", client_ca: \"" + clients.root.cert + "\""));
    for (const std::string version : {"--http1.1", "--http2"}) {
        const std::vector<std::string> shown{version,     "--cert",  known.cert,
                                             "--key",     known.key, "-o",
                                             "/dev/null", "-w",      "%{http_code}"};
        const auto status = [&](const std::string& host) {
            std::vector<std::string> with = shown;
            with.insert(with.end(), {"-H", "Host: " + host});
            return curl(https(proxy, "a.test", with)).out;
        };
        EXPECT_EQ(status("a.test"), "200");
        EXPECT_EQ(status("A.test:1234"), "200");
        EXPECT_EQ(status("b.test"), "421");
    }
}

// ---- What is seen of it

TEST(Tls, TellsOfEachFailedHandshake) {
    const temp_dir dir;
    daemon proxy(site(entry(make(dir, "a", "a.test")), ", strict_sni: true"));
    (void)s_client(proxy, {"-servername", "other.test"});
    const std::string event = proxy.running().wait_for("TLS handshake failed");
    for (const std::string part : {"listener=web", "client=127.0.0.1:", "sni=other.test",
                                   "reason=unknown_name", "phase=server_answer", "ms="})
        EXPECT_NE(event.find(part), std::string::npos) << event;
    (void)run({"curl", "-s", "http://127.0.0.1:" + std::to_string(proxy.port("web")) + "/"});
    EXPECT_NE(proxy.running().wait_for("reason=not_tls").find("phase=hello"), std::string::npos);
    // What was agreed on by then is told too: here of a client that does not trust us.
    const std::string port = std::to_string(proxy.port("web"));
    (void)run({"curl", "-s", "--http1.1", "--resolve", "a.test:" + port + ":127.0.0.1",
               "https://a.test:" + port + "/"});
    const std::string refused = proxy.running().wait_for("sni=a.test");
    for (const std::string part :
         {"alpn=http/1.1", "version=TLSv1.3", "reason=certificate_refused", "phase=client_answer"})
        EXPECT_NE(refused.find(part), std::string::npos) << refused;
    const samples found = wait_for_sum(proxy, "penstock_tls_handshake_failures_total", {}, 3);
    EXPECT_EQ(sum(found, "penstock_tls_handshake_failures_total", {"reason=\"unknown_name\""}), 1);
    EXPECT_EQ(sum(found, "penstock_tls_handshake_failures_total", {"reason=\"not_tls\""}), 1);
    EXPECT_EQ(sum(found, "penstock_tls_handshakes_total", {"result=\"failed\""}), 3);
}

TEST(Tls, TellsOfClientsWhoseCertificateHasEnded) {
    const temp_dir dir;
    const authority clients(dir);
    const certificate_files old = clients.issue("alice", "-1");
    daemon proxy(site(entry(make(dir, "a", "a.test")),
                      ", client_ca: \"" + clients.root.cert + "\", client_auth: required"));
    EXPECT_EQ(curl(https(proxy, "a.test", {"--cert", old.cert, "--key", old.key})).out, "");
    const std::string event = proxy.running().wait_for("TLS handshake failed");
    for (const std::string part : {"sni=a.test", "alpn=h2", "version=TLSv1.3",
                                   "reason=certificate_expired", "phase=client_answer"})
        EXPECT_NE(event.find(part), std::string::npos) << event;
    const samples found =
        wait_for_sum(proxy, "penstock_tls_handshake_seconds_count", {"result=\"failed\""}, 1);
    EXPECT_EQ(sum(found, "penstock_tls_handshake_seconds_count", {"result=\"ok\""}), 0);
}

// ---- What is configured

// The longest record of application data in what `openssl s_client -msg` printed of what came.
std::size_t longest_record(const std::string& printed) {
    std::size_t longest = 0;
    const std::string header = "17 03 03 ";
    for (std::size_t at = printed.find("<<< "); at != std::string::npos;
         at = printed.find("<<< ", at + 1)) {
        const std::size_t begin = printed.find(header, at);
        // The line behind it.
        if (begin < printed.find('\n', at) + 10)
            longest = std::max(longest, std::stoul(printed.substr(begin + header.size(), 2) +
                                                       printed.substr(begin + header.size() + 3, 2),
                                                   nullptr, 16));
    }
    return longest;
}

TEST(Tls, SendsNoLargerRecordsThanItIsTold) {
    const temp_dir dir;
    const std::string files = entry(make(dir, "a", "a.test"));
    const std::string route = "{respond: {body: \"" + std::string(50'000, 'x') + "\"}}";
    // What encryption adds is 17 bytes with TLS 1.3 and 24 with AES-GCM of TLS 1.2.
    const daemon whole(site(files, "", route));
    const daemon small(site(files, ", record_size: 4KiB", route));
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
        const std::size_t most = longest_record(s_client(whole, {version, "-msg"}));
        EXPECT_GT(most, 16'384U);
        EXPECT_LE(most, 16'384U + 24);
        const std::string printed = s_client(small, {version, "-msg"});
        EXPECT_NE(printed.find(std::string(3000, 'x')), std::string::npos);
        EXPECT_GT(longest_record(printed), 4096U);
        EXPECT_LE(longest_record(printed), 4096U + 24);
        // RFC 6066 §4: the client's own wish.
        const std::string tiny = s_client(whole, {version, "-msg", "-maxfraglen", "512"});
        EXPECT_NE(tiny.find(std::string(500, 'x')), std::string::npos) << tiny;
        EXPECT_LE(longest_record(tiny), 512U + 24);
    }
}

TEST(Tls, StaplesTheResponseItIsGiven) {
    const temp_dir dir;
    const authority issuer(dir);
    const certificate_files leaf = issuer.issue("a.test");
    const std::string response = response_for(issuer, leaf);
    const daemon with(site("{cert: \"" + leaf.cert + "\", key: \"" + leaf.key + "\", ocsp: \"" +
                           response + "\"}"));
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
        const std::string got = s_client(with, {version, "-servername", "a.test", "-status"});
        EXPECT_NE(got.find("OCSP Response Status: successful"), std::string::npos) << got;
        const std::string unasked = s_client(with, {version, "-servername", "a.test"});
        EXPECT_EQ(unasked.find("OCSP"), std::string::npos) << unasked;
    }
    const daemon without(site(entry(leaf)));
    const std::string none = s_client(without, {"-servername", "a.test", "-status"});
    EXPECT_NE(none.find("OCSP response: no response sent"), std::string::npos) << none;
}

TEST(Tls, AgreesOnWhatItIsToldOnly) {
    const temp_dir dir;
    const daemon proxy(site(entry(make(dir, "a", "a.test")),
                            ", ciphers: ECDHE-ECDSA-AES256-GCM-SHA384, "
                            "suites: TLS_CHACHA20_POLY1305_SHA256, groups: P-384"));
    const auto agreed = [&](const std::vector<std::string>& offer, const std::string& on) {
        std::vector<std::string> all{"-servername", "a.test"};
        all.insert(all.end(), offer.begin(), offer.end());
        const std::string got = s_client(proxy, all);
        return got.find("Cipher is " + on) != std::string::npos;
    };
    EXPECT_TRUE(agreed({"-tls1_3"}, "TLS_CHACHA20_POLY1305_SHA256"));
    EXPECT_TRUE(agreed({"-tls1_2"}, "ECDHE-ECDSA-AES256-GCM-SHA384"));
    EXPECT_TRUE(agreed({"-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"}, "(NONE)"));
    EXPECT_TRUE(agreed({"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"}, "(NONE)"));
    EXPECT_TRUE(agreed({"-groups", "P-384"}, "TLS_CHACHA20_POLY1305_SHA256"));
    EXPECT_TRUE(agreed({"-groups", "X25519"}, "(NONE)"));
}

// ---- Origins

TEST(Tls, ShowsItsCertificateToOriginsAndResumesTheirSessions) {
    const temp_dir dir;
    const authority clients(dir);
    const certificate_files own = clients.issue("penstock");
    const certificate_files origin_files = make(dir, "origin", "origin.test");
    const std::string yaml =
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\", tls: {certificates: [" +
        entry(origin_files) + "], client_ca: \"" + clients.root.cert +
        "\"}}}\nroutes: [{respond: {body: secret}}]\n";
    const daemon other_side(yaml);
    const std::string target = "127.0.0.1:" + std::to_string(other_side.port("web"));
    const std::string ca = dir.write("trusted.pem", [&] {
        std::ifstream in(origin_files.cert);
        return std::string(std::istreambuf_iterator<char>(in), {});
    }());
    daemon proxy(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        target + "\"], pool: {idle: 0}, tls: {ca: \"" + ca +
        "\", server_name: origin.test, cert: \"" + own.cert + "\", key: \"" + own.key + "\"}}}\n");
    constexpr int requests = 40;
    for (int i = 0; i < requests; ++i)
        EXPECT_EQ(curl({proxy.url("web", "/")}).out, "secret");
    const samples found = scrape(proxy);
    const double full = sum(found, "penstock_upstream_tls_handshakes_total", {"resumed=\"false\""});
    const double resumed =
        sum(found, "penstock_upstream_tls_handshakes_total", {"resumed=\"true\""});
    EXPECT_EQ(full + resumed, requests);
    EXPECT_EQ(full, 1);
    // Another authority: no session that the old one vouched for is gone on with.
    const certificate_files stranger = make(dir, "stranger", "stranger.test");
    std::filesystem::rename(stranger.cert, ca);
    proxy.running().wait_for("TLS files renewed");
    EXPECT_NE(curl({proxy.url("web", "/")}).out, "secret");
    const std::string line = proxy.running().wait_for("tls_certificate_error");
    EXPECT_EQ(number_in(line, "http.response.status_code"), 502) << line;
}

}  // namespace
}  // namespace penstock::test
