// The command line as a shell sees it: exit codes, what is printed, and on which stream.
#include "support/certificate.hpp"
#include "support/daemon.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <string>
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
}

TEST(CommandLine, EndsWithTwoForMisuse) {
    const command_result nothing = penstock({});
    EXPECT_EQ(nothing.status.code, 2);
    EXPECT_EQ(nothing.out, "");
    EXPECT_EQ(nothing.err, "penstock: no command given\nsee: penstock help\n");
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

TEST(CommandLine, PrintsItsVersionAndLibraries) {
    const command_result got = penstock({"version"});
    EXPECT_EQ(got.status.code, 0);
    EXPECT_TRUE(got.out.starts_with("penstock ")) << got.out;
    for (const char* const part :
         {"revision", "compiler", "OpenSSL", "c-ares", "Boost", "yaml-cpp 0."})
        EXPECT_TRUE(contains(got.out, part)) << part << "\n" << got.out;
    EXPECT_EQ(penstock({"--version"}).out, got.out);
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
    EXPECT_TRUE(contains(dumped.out, "value: \"Bearer ${file:token}\"")) << dumped.out;
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
