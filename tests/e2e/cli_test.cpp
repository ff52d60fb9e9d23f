// The command line as a shell sees it: exit codes, what is printed, and on which stream.
#include "support/certificate.hpp"
#include "support/daemon.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace penstock::test {
namespace {

constexpr const char* good =
    "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
    "upstreams: {app: {endpoints: [\"127.0.0.1:3000\"]}}\n"
    "routes: [{upstream: app}]\n";

command_result penstock(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), penstock_binary());
    return run(arguments);
}

// With `text` as its standard input.
command_result penstock_reading(const std::string& text, const std::string& arguments) {
    const temp_dir dir;
    return run({"sh", "-c", penstock_binary() + " " + arguments + " < " + dir.write("in", text)});
}

// As a terminal shows it; script(1) gives the program a terminal of its own.
std::string shown_on_a_terminal(const std::string& arguments, const std::string& environment) {
    return run({"script", "-qec", "env " + environment + " " + penstock_binary() + " " + arguments,
                "/dev/null"})
        .out;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(CommandLine, ExplainsItselfOnStandardOutput) {
    const command_result got = penstock({"help"});
    EXPECT_EQ(got.status.code, 0);
    EXPECT_TRUE(contains(got.out, "penstock run --listen ADDR --to URL") ||
                contains(got.out, "run --listen ADDR --to URL"))
        << got.out;
    EXPECT_EQ(got.err, "");
    EXPECT_EQ(penstock({"--help"}).out, got.out);
    EXPECT_TRUE(contains(penstock({"help", "check"}).out, "--format"));
    EXPECT_TRUE(contains(penstock({"run", "-h"}).out, "--listen"));
    for (const std::string command :
         {"run", "demo", "check", "dump", "schema", "doctor", "version", "help"}) {
        const command_result about = penstock({command, "--help"});
        EXPECT_EQ(about.status.code, 0) << command;
        EXPECT_EQ(about.err, "") << command;
        EXPECT_TRUE(contains(about.out, "penstock " + command)) << about.out;
    }
}

TEST(CommandLine, EndsWithTwoForMisuse) {
    const command_result nothing = penstock({});
    EXPECT_EQ(nothing.status.code, 2);
    EXPECT_EQ(nothing.out, "");
    EXPECT_EQ(nothing.err, "penstock: no command given\nsee: penstock --help\n");
    const command_result misspelt = penstock({"chekc"});
    EXPECT_EQ(misspelt.status.code, 2);
    EXPECT_TRUE(contains(misspelt.err, "did you mean 'check'?")) << misspelt.err;
    EXPECT_EQ(penstock({"run", "--frobnicate"}).status.code, 2);
    EXPECT_EQ(penstock({"run", "--listen", ":0"}).status.code, 2);
}

TEST(CommandLine, NamesWhatIsWrongWithListenAndTo) {
    const command_result listen =
        penstock({"run", "--listen", "127.0.0.1:99999", "--to", "http://127.0.0.1:1"});
    EXPECT_EQ(listen.status.code, 2);
    EXPECT_TRUE(contains(listen.err, "penstock: run: --listen: ")) << listen.err;
    const command_result to =
        penstock({"run", "--listen", "127.0.0.1:0", "--to", "http://127.0.0.1:x"});
    EXPECT_EQ(to.status.code, 2);
    EXPECT_TRUE(contains(to.err, "penstock: run: --to: ")) << to.err;
    const command_result url = penstock({"run", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:80"});
    EXPECT_EQ(url.status.code, 2);
    EXPECT_TRUE(contains(url.err, "expects http://HOST")) << url.err;
}

// There is no file, so nothing may speak of a place in one.
TEST(CommandLine, NamesTheFlagAlsoForWhatShowsAtTheStart) {
    const command_result name =
        penstock({"run", "--listen", "127.0.0.1:0", "--to", "http://nowhere.invalid:80"});
    EXPECT_NE(name.status.code, 0);
    EXPECT_TRUE(contains(name.err, "penstock: run: --to: ")) << name.err;
    EXPECT_TRUE(contains(name.err, "nowhere.invalid")) << name.err;
    const command_result bound =
        penstock({"run", "--listen", "192.0.2.1:80", "--to", "http://127.0.0.1:1"});
    EXPECT_EQ(bound.status.code, 71);
    EXPECT_TRUE(contains(bound.err, "penstock: run: --listen: ")) << bound.err;
    for (const command_result* const each : {&name, &bound})
        EXPECT_FALSE(contains(each->err, ":1:") || contains(each->err, ":2:")) << each->err;
}

TEST(CommandLine, PrintsItsVersionAndLibraries) {
    const command_result got = penstock({"version"});
    EXPECT_EQ(got.status.code, 0);
    EXPECT_TRUE(got.out.starts_with("penstock ")) << got.out;
    for (const char* const part :
         {"revision", "compiler", "OpenSSL", "c-ares", "Boost", "nghttp2   1.", "fmt ", "spdlog 1.",
          "yaml-cpp 0.", "prometheus-cpp 1.", "CLI11 2."})
        EXPECT_TRUE(contains(got.out, part)) << part << "\n" << got.out;
    EXPECT_EQ(penstock({"--version"}).out, got.out);
}

// `nginx -t`, `-T`, `-v` and `-V`: the same exit codes, and the report on standard error.
TEST(CommandLine, AnswersWhatNginxsUsersType) {
    const temp_dir dir;
    const std::string file = dir.write("a.yaml", good);
    const command_result fine = penstock({"-t", "-c", file});
    EXPECT_EQ(fine.status.code, 0);
    EXPECT_EQ(fine.out, "");
    EXPECT_TRUE(contains(fine.err, file + ": no problems: the test is successful")) << fine.err;
    EXPECT_EQ(penstock({"-t", "-q", "-c", file}).err, "");
    const std::string broken = dir.write("b.yaml", "listners: {}\n");
    const command_result bad = penstock({"-t", "-c", broken});
    EXPECT_EQ(bad.status.code, 78);
    EXPECT_TRUE(contains(bad.err, broken + ":1:1: error: ")) << bad.err;
    EXPECT_TRUE(contains(bad.err, "the test failed")) << bad.err;
    EXPECT_EQ(penstock({"-tqc", broken}).status.code, 78);
    const command_result whole = penstock({"-T", "-c", file});
    EXPECT_EQ(whole.status.code, 0);
    EXPECT_EQ(whole.out, penstock({"dump", "-c", file}).out);
    EXPECT_TRUE(contains(whole.err, "is successful")) << whole.err;
    EXPECT_EQ(penstock({"-T", "-c", broken}).out, "");
    const command_result brief = penstock({"-v"});
    EXPECT_EQ(brief.status.code, 0);
    EXPECT_TRUE(brief.out.starts_with("penstock ")) << brief.out;
    EXPECT_EQ(brief.out.find('\n'), brief.out.size() - 1);
    EXPECT_EQ(penstock({"-V"}).out, penstock({"version"}).out);
}

TEST(CommandLine, ReadsAConfigurationFromStandardInput) {
    const command_result checked = penstock_reading(good, "check -c -");
    EXPECT_EQ(checked.status.code, 0);
    EXPECT_EQ(checked.out, "<stdin>: ok, no problems\n");
    EXPECT_EQ(penstock_reading(good, "-t -c -").status.code, 0);
    EXPECT_TRUE(contains(penstock_reading(good, "dump -c -").out, "keepalive: 75s"));
    const command_result wrong = penstock_reading("listners: {}\n", "check --config=-");
    EXPECT_EQ(wrong.status.code, 78);
    EXPECT_TRUE(contains(wrong.out, "<stdin>:1:1: error: ")) << wrong.out;
    EXPECT_TRUE(contains(wrong.out, "\n  listners: {}\n  ^\n")) << wrong.out;
    EXPECT_EQ(penstock_reading("", "run -c -").status.code, 78);
}

TEST(CommandLine, TakesNoMoreFromStandardInputThanFromAFile) {
    const std::string limit(std::size_t{4} << 20U, '\n');
    EXPECT_EQ(penstock_reading(limit.substr(std::string(good).size()) + good, "check -c -").out,
              "<stdin>: ok, no problems\n");
    const command_result above = penstock_reading(limit + good, "check -c -");
    EXPECT_EQ(above.status.code, 78);
    EXPECT_TRUE(contains(above.out, "larger than 4MiB")) << above.out;
}

TEST(CommandLine, ServesWhatStandardInputSays) {
    scripted_origin origin(scripted_origin::answer(
        [](const http_request& asked) { return ok_response("hello from " + asked.target); }));
    const temp_dir dir;
    const std::string file = dir.write("in",
                                       "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
                                       "upstreams: {app: {endpoints: [\"" +
                                           origin.address() +
                                           "\"]}}\n"
                                           "routes: [{upstream: app}]\n");
    process proxy({"sh", "-c", "exec " + penstock_binary() + " run -c - < " + file});
    const std::string line = proxy.wait_for("listening on ");
    const std::string at = line.substr(line.find("127.0.0.1:"));
    proxy.wait_for("ready");
    EXPECT_EQ(curl({"http://" + at.substr(0, at.find(' ')) + "/a"}).out, "hello from /a");
    proxy.signal(SIGHUP);
    proxy.wait_for("SIGHUP: there is no configuration file to load again");
    proxy.signal(SIGTERM);
    EXPECT_EQ(proxy.wait(), (exit_status{0, 0}));
}

TEST(CommandLine, ColoursForATerminalOnly) {
    const temp_dir dir;
    const std::string asked = "check -c " + dir.write("a.yaml", "listners: {}\n");
    EXPECT_TRUE(
        contains(shown_on_a_terminal(asked, "-u NO_COLOR TERM=xterm"), "\x1b[1;31merror:\x1b[0m"));
    // no-color.org: any text counts, an empty one does not.
    EXPECT_TRUE(contains(shown_on_a_terminal(asked, "NO_COLOR= TERM=xterm"), "\x1b["));
    for (const char* const refusal : {"NO_COLOR=1 TERM=xterm", "-u NO_COLOR TERM=dumb"}) {
        const std::string plain = shown_on_a_terminal(asked, refusal);
        EXPECT_TRUE(contains(plain, ": error: ")) << plain;
        EXPECT_FALSE(contains(plain, "\x1b")) << plain;
    }
    EXPECT_FALSE(contains(run({"sh", "-c", penstock_binary() + " " + asked}).out, "\x1b"));
    const std::string log = shown_on_a_terminal("run -c /nowhere", "-u NO_COLOR TERM=xterm");
    EXPECT_TRUE(contains(log, "\x1b[1;31merror:")) << log;
}

// What a value comes from is shown, and not the value: by dump, and by check if it is wrong.
TEST(CommandLine, ShowsReferencesAndNotTheirValues) {
    const temp_dir dir;
    dir.write("token", "s3cr3t-t0k3n\n");
    const std::string file =
        dir.write("a.yaml", std::string(good) +
                                "policies: {auth: {request_headers: {set: {authorization: "
                                "\"Bearer ${file:token}\"}}}}\ndefaults: {route: {use: "
                                "[auth]}}\n");
    const command_result dumped = penstock({"dump", "-c", file});
    EXPECT_EQ(dumped.status.code, 0) << dumped.err;
    EXPECT_TRUE(contains(dumped.out, "value: \"Bearer ${file:" + dir.path("token") + "}\""))
        << dumped.out;
    EXPECT_FALSE(contains(dumped.out, "s3cr3t")) << dumped.out;
    const std::string wrong =
        dir.write("b.yaml", std::string(good) + "workers: \"${file:token}\"\n");
    const command_result checked = penstock({"check", "-c", wrong});
    EXPECT_EQ(checked.status.code, 78);
    EXPECT_TRUE(contains(checked.err + checked.out, "'${file:token}' is not a whole number"))
        << checked.err << checked.out;
    EXPECT_FALSE(contains(checked.err + checked.out, "s3cr3t")) << checked.err << checked.out;
}

TEST(CommandLine, PrintsASchemaThatIsJson) {
    const command_result got = penstock({"schema"});
    EXPECT_EQ(got.status.code, 0);
    const temp_dir dir;
    const command_result read =
        run({"python3", "-m", "json.tool", dir.write("schema.json", got.out)});
    EXPECT_EQ(read.status.code, 0) << read.err;
}

TEST(CommandLine, FailsIfItCannotPrint) {
    const command_result got = run({"sh", "-c", penstock_binary() + " schema > /dev/full"});
    EXPECT_EQ(got.status.code, 1);
}

TEST(Check, AcceptsAGoodConfiguration) {
    const temp_dir dir;
    const std::string file = dir.write("a.yaml", good);
    const command_result got = penstock({"check", "-c", file});
    EXPECT_EQ(got.status.code, 0);
    EXPECT_EQ(got.out, file + ": ok, no problems\n");
    EXPECT_EQ(penstock({"check", "-c", file, "--format", "json"}).out, "[]\n");
}

TEST(Check, PrintsEveryProblemWithItsPlace) {
    const temp_dir dir;
    const std::string file = dir.write("a.yaml",
                                       "listners: {}\n"
                                       "upstreams: {app: {endpoints: [\"127.0.0.1\"]}}\n"
                                       "routes: [{upstream: app}]\n");
    const command_result got = penstock({"check", "-c", file});
    EXPECT_EQ(got.status.code, 78);
    EXPECT_TRUE(contains(got.out, file + ":1:1: error: ")) << got.out;
    EXPECT_TRUE(contains(got.out, "did you mean 'listeners'?")) << got.out;
    EXPECT_TRUE(contains(got.out, file + ":2:")) << got.out;
    const command_result json = penstock({"check", "--format=json", "-c", file});
    EXPECT_EQ(json.status.code, 78);
    EXPECT_TRUE(contains(json.out, "\"line\":1") || contains(json.out, "\"line\": 1")) << json.out;
    const command_result read = run({"python3", "-m", "json.tool", dir.write("out", json.out)});
    EXPECT_EQ(read.status.code, 0) << json.out;
}

TEST(Check, DoesNotFailForWarnings) {
    const temp_dir dir;
    const std::string file = dir.write("a.yaml",
                                       "listeners: {web: {bind: \"127.0.0.1:443\"}}\n"
                                       "upstreams: {app: {endpoints: [\"127.0.0.1:3000\"]}}\n"
                                       "routes: [{upstream: app}]\n");
    const command_result got = penstock({"check", "-c", file});
    EXPECT_EQ(got.status.code, 0);
    EXPECT_TRUE(contains(got.out, "warning: ")) << got.out;
    EXPECT_TRUE(contains(got.out, file + ": ok, 1 warning\n")) << got.out;
}

TEST(Check, OpensCertificates) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    const certificate_files others = write_certificate(dir, "b.test");
    const auto configuration = [&](const std::string& cert, const std::string& key) {
        return dir.write("a.yaml",
                         "listeners:\n"
                         "  web:\n"
                         "    bind: \"127.0.0.1:0\"\n"
                         "    tls:\n"
                         "      certificates:\n"
                         "        - {cert: " +
                             cert + ", key: " + key +
                             "}\n"
                             "upstreams: {app: {endpoints: [\"127.0.0.1:3000\"]}}\n"
                             "routes: [{upstream: app}]\n");
    };
    EXPECT_EQ(penstock({"check", "-c", configuration(files.cert, files.key)}).status.code, 0);
    const std::string mixed = configuration(files.cert, others.key);
    const command_result got = penstock({"check", "-c", mixed});
    EXPECT_EQ(got.status.code, 78);
    EXPECT_TRUE(contains(got.out, mixed + ":6:11: error: TLS of listener 'web': private key"))
        << got.out;
}

// A TLS listener with one more line in its `tls` section, which begins at column 7 of line 7.
std::string with_tls(const temp_dir& dir, const certificate_files& files,
                     const std::string& setting) {
    return dir.write("a.yaml",
                     "listeners:\n"
                     "  web:\n"
                     "    bind: \"127.0.0.1:0\"\n"
                     "    tls:\n"
                     "      certificates:\n"
                     "        - {cert: " +
                         files.cert + ", key: " + files.key + "}\n      " + setting +
                         "\n"
                         "upstreams: {app: {endpoints: [\"127.0.0.1:3000\"]}}\n"
                         "routes: [{upstream: app}]\n");
}

struct tls_mistake {
    const char* name;
    const char* setting;
    const char* message;
    int column;  // of the value
};

class CheckOfTls : public testing::TestWithParam<tls_mistake> {};

// Where it stands, what it is called in the file, and no word that only OpenSSL's authors know.
TEST_P(CheckOfTls, NamesTheKeyAndItsPlace) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    const std::string file = with_tls(dir, files, GetParam().setting);
    const command_result got = penstock({"check", "-c", file});
    EXPECT_EQ(got.status.code, 78);
    const int column = GetParam().column;
    EXPECT_TRUE(contains(got.out, file + ":7:" + std::to_string(column) + ": error: TLS of " +
                                      "listener 'web': " + GetParam().message))
        << got.out;
    EXPECT_TRUE(contains(got.out, std::string("\n        ") + GetParam().setting + "\n" +
                                      std::string(static_cast<std::size_t>(column) + 1, ' ') +
                                      "^\n"))
        << got.out;
    for (const char* const word : {"error:0", "SSL routines", "no TLS context", "::"})
        EXPECT_FALSE(contains(got.out, word)) << got.out;
    const command_result run_too = penstock({"run", "-c", file});
    EXPECT_EQ(run_too.status.code, 78);
    EXPECT_TRUE(contains(run_too.err, ":7:" + std::to_string(column) + ": error: ")) << run_too.err;
}

INSTANTIATE_TEST_SUITE_P(
    All, CheckOfTls,
    testing::Values(tls_mistake{"Ciphers", "ciphers: NO-SUCH-CIPHER",
                                "'ciphers' selects no cipher of TLS 1.2: 'NO-SUCH-CIPHER'", 16},
                    tls_mistake{"Suites", "suites: TLS_AES_128_GCM_SHA256:TLS_NONE",
                                "'suites' names what is no suite of TLS 1.3: 'TLS_NONE'", 15},
                    tls_mistake{"Groups", "groups: X25519:P-1",
                                "'groups' names what this OpenSSL does not have: 'P-1'", 15}),
    [](const auto& each) { return each.param.name; });

// At the place that says so, be it in another file or one that all listeners inherit.
TEST(Check, FindsEverySettingOfTlsWhereItIsWritten) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    dir.write("more.yaml",
              "log: {access: /nowhere/access.log}\ndefaults:\n  listener:\n    tls:\n"
              "      ciphers: NO-SUCH-CIPHER\n      suites: TLS_NONE\n      groups: P-1\n");
    const std::string file = dir.write("a.yaml",
                                       "include: more.yaml\nlisteners: {web: {bind: "
                                       "\"127.0.0.1:0\", tls: {certificates: [{cert: \"" +
                                           files.cert + "\", key: \"" + files.key +
                                           "\"}]}}}\nroutes: [{respond: {}}]\n");
    const command_result got = penstock({"check", "-c", file});
    EXPECT_EQ(got.status.code, 78);
    for (const char* const expected :
         {"more.yaml:1:15: error: there is no directory", "more.yaml:5:16: error: TLS of listener",
          "more.yaml:6:15: error: TLS of listener", "more.yaml:7:15: error: TLS of listener",
          "\n        ciphers: NO-SUCH-CIPHER\n", "\n        suites: TLS_NONE\n",
          "a.yaml: 4 errors"})
        EXPECT_TRUE(contains(got.out, expected)) << expected << "\n" << got.out;
}

TEST(Check, NamesTheTrustThatCannotBeRead) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    const std::string empty = dir.write("clients.pem", "nothing in PEM\n");
    const std::string file = with_tls(dir, files, "client_ca: " + empty);
    const command_result got = penstock({"check", "-c", file});
    EXPECT_EQ(got.status.code, 78);
    EXPECT_TRUE(contains(got.out, file + ":7:18: error: TLS of listener 'web': 'client_ca' holds "
                                         "no certificate in PEM"))
        << got.out;
    const std::string origin = dir.write("b.yaml",
                                         "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
                                         "upstreams:\n"
                                         "  app:\n"
                                         "    endpoints: [\"127.0.0.1:3000\"]\n"
                                         "    tls: {ca: " +
                                             empty +
                                             "}\n"
                                             "routes: [{upstream: app}]\n");
    const command_result other = penstock({"check", "-c", origin});
    EXPECT_EQ(other.status.code, 78);
    EXPECT_TRUE(contains(other.out, origin + ":5:15: error: TLS of upstream 'app': 'ca' holds no "
                                             "certificate in PEM"))
        << other.out;
}

TEST(Check, SaysInOurWordsWhatIsWrongWithAPair) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    const certificate_files others = write_certificate(dir, "b.test");
    const auto said = [&](const std::string& cert, const std::string& key) {
        return penstock({"check", "-c", with_tls(dir, {cert, key}, "min_version: \"1.2\"")}).out;
    };
    const std::string mixed = said(files.cert, others.key);
    EXPECT_TRUE(contains(mixed, "private key: it is not that of the certificate")) << mixed;
    EXPECT_TRUE(contains(mixed, "\n            ^\n")) << mixed;
    EXPECT_TRUE(contains(said(files.cert, files.cert),
                         "private key: the file holds no private key in PEM"));
    EXPECT_TRUE(contains(said(files.key, files.key),
                         "certificate: the file does not begin with a certificate in PEM"));
}

TEST(Check, WarnsOfAKeyThatEveryUserCanRead) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    const std::string file = with_tls(dir, files, "min_version: \"1.2\"");
    for (const auto& [mode, warned] : {std::pair{0644, true}, {0640, false}, {0600, false}}) {
        ASSERT_EQ(::chmod(files.key.c_str(), static_cast<mode_t>(mode)), 0);
        const command_result got = penstock({"check", "-c", file});
        EXPECT_EQ(got.status.code, 0);
        EXPECT_EQ(contains(got.out, file + ":6:"), warned) << mode << got.out;
        EXPECT_EQ(contains(got.out, "warning: every user of this machine can read '" + files.key),
                  warned)
            << mode << got.out;
    }
}

TEST(Check, MissesTheDirectoryOfTheLog) {
    const temp_dir dir;
    const auto said = [&dir](const std::string& access) {
        return penstock(
            {"check", "-c", dir.write("a.yaml", "log: {access: " + access + "}\n" + good)});
    };
    const command_result brief = said("/nowhere/access.log");
    EXPECT_EQ(brief.status.code, 78);
    EXPECT_TRUE(contains(brief.out,
                         "a.yaml:1:15: error: there is no directory '/nowhere' for the "
                         "access log\n  log: {access: /nowhere/access.log}\n"))
        << brief.out;
    const command_result whole = said("{slow: 1s, path: /nowhere/access.log}");
    EXPECT_EQ(whole.status.code, 78);
    EXPECT_TRUE(contains(whole.out, "a.yaml:1:32: error: ")) << whole.out;
    EXPECT_EQ(said("/").status.code, 78);
    EXPECT_EQ(said(dir.path("access.log")).status.code, 0);
    EXPECT_EQ(said("\"-\"").status.code, 0);
}

TEST(Check, NamesAMissingFile) {
    const command_result got = penstock({"check", "-c", "/nowhere/a.yaml"});
    EXPECT_EQ(got.status.code, 78);
    EXPECT_TRUE(contains(got.out, "/nowhere/a.yaml")) << got.out;
}

TEST(Dump, PrintsWhatLoadsAgain) {
    const temp_dir dir;
    const command_result got = penstock({"dump", "-c", dir.write("a.yaml", good)});
    EXPECT_EQ(got.status.code, 0);
    EXPECT_TRUE(contains(got.out, "keepalive: 75s")) << got.out;
    const command_result again = penstock({"dump", "-c", dir.write("b.yaml", got.out)});
    EXPECT_EQ(again.out, got.out);
    const command_result bad = penstock({"dump", "-c", dir.write("c.yaml", "x: 1\n")});
    EXPECT_EQ(bad.status.code, 78);
    EXPECT_EQ(bad.out, "");
}

TEST(Doctor, JudgesEachSetting) {
    const temp_dir dir;
    const command_result got = penstock({"doctor", "-c", dir.write("a.yaml", good)});
    EXPECT_EQ(got.status.code, 0);
    EXPECT_TRUE(contains(got.out, "RLIMIT_NOFILE = ")) << got.out;
    EXPECT_TRUE(contains(got.out, "workers = ")) << got.out;
    EXPECT_EQ(penstock({"doctor", "-c", "/nowhere"}).status.code, 78);
}

}  // namespace
}  // namespace penstock::test
