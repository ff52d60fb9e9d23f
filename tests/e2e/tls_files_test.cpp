// Files of `tls` sections while a proxy runs: what is taken up when, what is served without, and
// what `check` says of it.
#include "e2e/clock_site.hpp"
#include "e2e/held_resolver.hpp"
#include "e2e/tls_site.hpp"
#include "support/descriptor.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A FIFO in the place of a file: who reads it waits for what the test will give it.
class held_file {
 public:
    explicit held_file(std::string path) : path_(std::move(path)) {
        std::filesystem::remove(path_);
        if (::mkfifo(path_.c_str(), 0600) != 0)
            throw_errno("mkfifo");
    }
    // Once somebody is reading.
    [[nodiscard]] descriptor wait_for_reader() const {
        for (const time_limit limit(patience); !limit.passed();) {
            descriptor made(::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
            if (made.get() >= 0)
                return made;
            if (errno != ENXIO)
                throw_errno("open");
        }
        throw test_error("nobody reads " + path_);
    }
    static void give(descriptor to, const std::string& text) {
        if (::write(to.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
            throw_errno("write");
    }

 private:
    std::string path_;
};

// The files change while the configuration is being loaded, and neither that load nor the one that
// was asked for behind it succeeds: nothing but the change itself is left to have them read.
TEST(TlsFiles, AChangeDuringLoadsThatFailIsNotLost) {
    const temp_dir dir;
    const certificate_files live = make(dir, "live", "old.test");
    const certificate_files next = make(dir, "next", "new.test");
    held_resolver names;
    daemon proxy(site(entry(live)));
    proxy.write_configuration(site(entry(live)) +
                              "upstreams: {app: {endpoints: [\"no.such.test:80\"]}}\n");
    proxy.running().signal(SIGHUP);
    names.wait_for_question();
    std::filesystem::rename(next.cert, live.cert);
    std::filesystem::rename(next.key, live.key);
    proxy.running().wait_for("TLS files have changed: read again behind the reload under way");
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("SIGHUP: one more reload, behind the one under way");
    names.release();
    proxy.running().wait_for("reload failed");
    proxy.running().wait_for("reload failed", patience, 1);
    proxy.running().wait_for("TLS files renewed: generation 2");
    EXPECT_TRUE(contains(s_client(proxy, {}), "CN = new.test"));
    EXPECT_EQ(sum(scrape(proxy), "penstock_config_last_reload_success"), 0);
}

// An origin known as `origin`, as long as the file that HOSTALIASES names says so.
class named_origin {
 public:
    explicit named_origin(const temp_dir& in)
        : origin_(scripted_origin::answer([](const http_request&) { return ok_response("one"); })),
          aliases_(in.write("aliases", known)),
          by_("HOSTALIASES", aliases_) {}
    static constexpr const char* known = "origin localhost\n";

    // A label of more than 63 bytes is nobody's name, and no server is asked for it.
    void forget() const {
        const std::string text = "origin " + std::string(64, 'a') + ".test\n";
        std::ofstream(aliases_, std::ios::trunc) << text;
    }
    [[nodiscard]] const std::string& aliases() const noexcept { return aliases_; }
    [[nodiscard]] std::string upstream() const {
        return "upstreams: {app: {endpoints: [\"origin:" + std::to_string(origin_.port()) +
               "\"]}}\n";
    }

 private:
    scripted_origin origin_;
    std::string aliases_;
    variable by_;
};

TEST(TlsFiles, AreTakenUpWhileNamesCannotBeResolved) {
    const temp_dir dir;
    const certificate_files live = make(dir, "live", "a.test");
    const certificate_files next = make(dir, "next", "new.test");
    const named_origin origin(dir);
    daemon proxy(site(entry(live), "", "{upstream: app}", origin.upstream()));
    EXPECT_EQ(curl(https(proxy, "a.test")).out, "one");
    origin.forget();
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("no address for 'origin'");
    proxy.running().wait_for("reload failed: generation 1 stays");
    std::filesystem::rename(next.cert, live.cert);
    std::filesystem::rename(next.key, live.key);
    proxy.running().wait_for("TLS files renewed: generation 2");
    EXPECT_TRUE(contains(s_client(proxy, {}), "CN = new.test"));
    EXPECT_EQ(curl(https(proxy, "a.test")).out, "one");
}

// As clusters replace secrets: links lead to other files, which are older than the load that has
// read those before, and whose end is still to come.
TEST(TlsFiles, AChangeBehindTheReadingOfALoadIsNotLost) {
    const temp_dir dir;
    const certificate_files old = make(dir, "old", "old.test");
    const certificate_files next = make(dir, "next", "new.test");
    const certificate_files live{dir.path("live.pem"), dir.path("live.key")};
    const auto lead = [&](const std::string& from, const std::string& to) {
        std::filesystem::create_symlink(to, dir.path("link"));
        std::filesystem::rename(dir.path("link"), from);
    };
    lead(live.cert, old.cert);
    lead(live.key, old.key);
    const named_origin origin(dir);
    daemon proxy(site(entry(live), "", "{upstream: app}", origin.upstream()));
    const held_file aliases(origin.aliases());
    proxy.running().signal(SIGHUP);
    // Names are resolved once all files have been read.
    descriptor to = aliases.wait_for_reader();
    lead(live.cert, next.cert);
    lead(live.key, next.key);
    held_file::give(std::move(to), named_origin::known);
    proxy.running().wait_for("reloaded: generation 2");
    proxy.running().wait_for("TLS files renewed: generation 3");
    EXPECT_TRUE(contains(s_client(proxy, {}), "CN = new.test"));
}

// D17: what is not trusted any more is refused at the next connect, whether the operator lists the
// roots or they are the system's.
TEST(TlsFiles, AChangedTrustIsForNewConnectionsToOrigins) {
    const temp_dir dir;
    const certificate_files origin_files = make(dir, "origin", "b.test");
    const certificate_files other = make(dir, "other", "b.test");
    const daemon origin(site(entry(origin_files)));
    const std::string roots = dir.path("roots.pem");
    const auto trust_in = [&](const certificate_files& of) {
        std::filesystem::copy_file(of.cert, roots + ".new");
        std::filesystem::rename(roots + ".new", roots);
    };
    for (const std::string& ca : {std::string(), ", ca: \"" + roots + "\""}) {
        SCOPED_TRACE(ca);
        trust_in(origin_files);
        const variable file("SSL_CERT_FILE", ca.empty() ? roots : dir.path("none"));
        const variable directory("SSL_CERT_DIR", dir.path("none") + ":" + dir.path("neither"));
        daemon proxy(
            "admin: {bind: \"127.0.0.1:0\"}\nlisteners: {web: {bind: \"127.0.0.1:0\"}}\n"
            "routes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"127.0.0.1:" +
            std::to_string(origin.port("web")) + "\"], tls: {server_name: b.test" + ca + "}}}\n");
        EXPECT_EQ(curl({proxy.url("web")}).out, "pong");
        trust_in(other);
        proxy.running().wait_for("TLS files renewed: generation 2");
        EXPECT_TRUE(contains(curl({proxy.url("web")}).out, "tls_certificate_error"));
        trust_in(origin_files);
        proxy.running().wait_for("TLS files renewed: generation 3");
        EXPECT_EQ(curl({proxy.url("web")}).out, "pong");
    }
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
    EXPECT_TRUE(contains(event, "certificate revoked")) << event;
    // Nor by what was verified before.
    std::vector<std::string> again = shown(bob);
    again.insert(again.end(), {"-sess_in", session});
    const std::string resumed = s_client(proxy, again);
    EXPECT_FALSE(contains(resumed, "pong")) << resumed;
    EXPECT_FALSE(contains(resumed, "Reused")) << resumed;
    EXPECT_TRUE(contains(s_client(proxy, shown(alice)), "pong"));
}

// A list that nobody renewed refuses everybody, so it is told when it is read, and for each client.
TEST(TlsFiles, AnExpiredRevocationListIsTold) {
    const temp_dir dir;
    const authority clients(dir);
    const certificate_files alice = clients.issue("alice");
    const revocations list(clients);
    list.publish("1");
    const std::string yaml =
        site(entry(make(dir, "a", "a.test")),
             ", client_ca: \"" + clients.root.cert + "\", client_crl: \"" + list.path() + "\"");
    const auto proxy = start_at(2 * 3600, yaml);
    const std::string warning = proxy->running().wait_for("a revocation list in '" + list.path());
    EXPECT_TRUE(contains(warning, "' has expired: clients' certificates are refused")) << warning;
    EXPECT_EQ(curl(https(*proxy, "a.test", {"--cert", alice.cert, "--key", alice.key})).out, "");
    const std::string event = proxy->running().wait_for("TLS handshake failed");
    EXPECT_TRUE(contains(event, "reason=certificate_untrusted")) << event;
    EXPECT_TRUE(contains(event, "CRL has expired")) << event;
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

// ---- Stapled responses

TEST(TlsFiles, NoStapleIsSentThatIsNoGood) {
    const temp_dir dir;
    const authority issuer(dir);
    const certificate_files leaf = issuer.issue("a.test", "9");
    const std::string good = response_for(issuer, leaf);
    const std::string unknown = response_for(issuer, leaf, false);
    // Of RFC 6960 §4.2.1: tryLater, in five bytes.
    const std::string later("\x30\x03\x0a\x01\x03", 5);
    struct unfit {
        std::string file;
        long skew;
        std::string why;
    };
    for (const unfit& each :
         {unfit{dir.write("text", "no response"), 0, "it is not an OCSP response in DER"},
          unfit{dir.write("longer", dir.read("a.test.pem.ocsp") + "x"), 0,
                "it is not an OCSP response in DER"},
          unfit{dir.write("later", later), 0, "trylater"},
          unfit{response_for(issuer, issuer.issue("b.test")), 0, "it is about another certificate"},
          unfit{unknown, 0, "its responder does not know the certificate"},
          unfit{good, 86400 + 3600, "it has expired"}}) {
        SCOPED_TRACE(each.why);
        const auto proxy = start_at(each.skew, site("{cert: \"" + leaf.cert + "\", key: \"" +
                                                    leaf.key + "\", ocsp: \"" + each.file + "\"}"));
        const std::string warning = proxy->running().wait_for("the OCSP response in '");
        EXPECT_TRUE(contains(warning, each.file + "' is not sent: " + each.why)) << warning;
        const std::string got = s_client(*proxy, {"-servername a.test", "-status"});
        EXPECT_TRUE(contains(got, "OCSP response: no response sent")) << got;
        EXPECT_TRUE(contains(got, "pong")) << got;
        if (each.skew != 0)
            continue;
        const command_result checked =
            run({penstock_binary(), "check", "-c", proxy->configuration_path()});
        EXPECT_EQ(checked.status.code, 0) << checked.out;
        EXPECT_TRUE(contains(checked.out, "warning: the OCSP response in '" + each.file))
            << checked.out;
    }
}

// ---- What ends

TEST(TlsFiles, AnExpiredCertificateIsServedWithAWarning) {
    const temp_dir dir;
    const certificate_files files = make(dir, "a", "a.test");
    const auto proxy = start_at(3 * 86400, site(entry(files)));
    const std::string warning = proxy->running().wait_for("the certificate in '");
    EXPECT_TRUE(contains(warning, files.cert + "' has expired")) << warning;
    EXPECT_EQ(curl(https(*proxy, "a.test")).out, "pong");
}

// Good for two days of five days ago.
certificate_files make_expired(const temp_dir& to, const std::string& file) {
    const calendar before(-5L * 86400);
    return make(to, file, file + ".test");
}

TEST(TlsFiles, CheckPointsAtWhatIsNoGood) {
    const temp_dir dir;
    const certificate_files good = make(dir, "good", "good.test");
    const certificate_files over = make_expired(dir, "over");
    std::vector<std::string> options;
    const auto check = [&](const std::string& second, const std::string& own) {
        const std::string path = dir.write(
            "p.yaml",
            "listeners:\n  web:\n    bind: \"127.0.0.1:0\"\n    tls:\n"
            "      certificates:\n        - " +
                entry(good) + "\n        - " + second +
                "\nupstreams:\n  app:\n    endpoints: [\"127.0.0.1:3000\"]\n    tls: " + own +
                "\nroutes: [{upstream: app}]\n");
        std::vector<std::string> argv{penstock_binary(), "check", "-c", path};
        argv.insert(argv.end(), options.begin(), options.end());
        command_result got = run(argv);
        for (std::size_t at = got.out.find(path); at != std::string::npos; at = got.out.find(path))
            got.out.replace(at, path.size(), "FILE");
        return got;
    };
    const command_result fine = check(entry(good), entry(good));
    EXPECT_EQ(fine.status.code, 0) << fine.out;
    // The daemon serves it, so a reload has to be possible.
    const command_result old = check(entry(over), entry(good));
    EXPECT_EQ(old.status.code, 0);
    EXPECT_TRUE(
        contains(old.out, "FILE:7:11: warning: the certificate in '" + over.cert + "' has expired"))
        << old.out;
    const command_result mixed =
        check("{cert: \"" + good.cert + "\", key: \"" + over.key + "\"}", entry(good));
    EXPECT_EQ(mixed.status.code, 78);
    EXPECT_TRUE(contains(mixed.out, "FILE:7:11: error: TLS of listener 'web': private key"))
        << mixed.out;
    const command_result own = check(entry(good), entry(over));
    EXPECT_EQ(own.status.code, 0);
    EXPECT_TRUE(
        contains(own.out, "FILE:9:3: warning: the certificate in '" + over.cert + "' has expired"))
        << own.out;
    const command_result pair =
        check(entry(good), "{cert: \"" + good.cert + "\", key: \"" + over.key + "\"}");
    EXPECT_EQ(pair.status.code, 78);
    EXPECT_TRUE(contains(pair.out, "FILE:9:3: error: TLS of upstream 'app': client certificate"))
        << pair.out;
    options = {"--strict"};
    EXPECT_EQ(check(entry(over), entry(good)).status.code, 78);
    const command_result strict = check(entry(good), entry(over));
    EXPECT_EQ(strict.status.code, 78);
    EXPECT_TRUE(contains(strict.out, "FILE: 1 warning")) << strict.out;
    EXPECT_EQ(check(entry(good), entry(good)).status.code, 0);
}

}  // namespace
}  // namespace penstock::test
