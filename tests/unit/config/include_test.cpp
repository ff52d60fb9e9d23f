// `include`: several files, one configuration.
#include "penstock/config/dump.hpp"
#include "penstock/config/load.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>

namespace penstock::config {
namespace {

class Include : public testing::Test {
 protected:
    loaded load(const std::string& text) { return load_file(scratch_.write("main.yaml", text)); }

    // Messages with the scratch directory's name taken out.
    std::string problems(const loaded& of) {
        std::string text = render_text(of.problems);
        const std::string folder = scratch_.at("");
        for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
            text.erase(at, folder.size());
        }
        return text;
    }

    scratch_directory scratch_;
};

TEST_F(Include, MergesMapsAndAppendsRoutesInTheOrderOfNames) {
    scratch_.write("conf.d/b.yaml",
                   "routes: [{name: b, match: {hosts: [b.test]}, upstream: b}]\n"
                   "upstreams: {b: {endpoints: [\"b:1\"]}}\n");
    scratch_.write("conf.d/a.yaml",
                   "routes: [{name: a, match: {hosts: [a.test]}, upstream: b}]\n"
                   "log: {access: \"-\"}\n");
    scratch_.write("conf.d/c.txt", "not: read\n");
    const loaded got = load(
        "include: [\"conf.d/*.yaml\"]\nlog: {level: warn}\n"
        "listeners: {web: {bind: \":8080\"}}\nroutes: [{name: own, respond: {}}]\n");
    ASSERT_TRUE(got.ok()) << problems(got);
    EXPECT_TRUE(got.problems.empty()) << problems(got);
    ASSERT_EQ(got.value->routes.size(), 3U);
    EXPECT_EQ(got.value->routes[0].name, "own");
    EXPECT_EQ(got.value->routes[1].name, "a");
    EXPECT_EQ(got.value->routes[2].name, "b");
    EXPECT_EQ(got.value->log.level, "warn");
    EXPECT_TRUE(got.value->log.access.has_value());
    EXPECT_EQ(got.value->upstreams.size(), 1U);
    EXPECT_EQ(got.value->routes[2].where.file, scratch_.at("conf.d/b.yaml"));
    // A dump is one file.
    EXPECT_EQ(dump(*got.value).find("include"), std::string::npos);
}

TEST_F(Include, ALonePathWillDoAndFilesNameFilesRelativeToThemselves) {
    scratch_.write("sub/a.yaml",
                   "include: deeper/b.yaml\nroutes: [{upstream: u}]\n"
                   "upstreams: {u: {endpoints: [\"u:1\"], tls: {ca: ca.pem}}}\n");
    scratch_.write("sub/ca.pem", "x");
    scratch_.write("sub/deeper/b.yaml", "log: {access: b.log}\nworkers: \"${file:count}\"\n");
    scratch_.write("sub/deeper/count", "3\n");
    const loaded got = load("include: sub/a.yaml\nlisteners: {web: {bind: \":8080\"}}\n");
    ASSERT_TRUE(got.ok()) << problems(got);
    EXPECT_EQ(got.value->upstreams[0].tls->ca, scratch_.at("sub/ca.pem"));
    EXPECT_EQ(got.value->log.access->path, scratch_.at("sub/deeper/b.log"));
    EXPECT_EQ(got.value->workers, 3U);
}

TEST_F(Include, APatternMayMatchNothingAPathMayNot) {
    const std::string rest = "listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {}}]\n";
    EXPECT_TRUE(load("include: [\"none/*.yaml\", \"?.yaml\"]\n" + rest).ok());
    const loaded got = load("include: [none.yaml]\n" + rest);
    EXPECT_EQ(problems(got),
              "main.yaml:1:11: error: cannot read 'none.yaml': No such file or directory\n"
              "  include: [none.yaml]\n"
              "            ^\n");
}

// Nothing that a file names makes the loader wait.
TEST_F(Include, APipeIsRefused) {
    ASSERT_EQ(::mkfifo(scratch_.at("pipe").c_str(), 0600), 0);
    const std::string rest = "listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {}}]\n";
    EXPECT_NE(problems(load("include: [pipe]\n" + rest)).find("'pipe': Not a regular file"),
              std::string::npos);
    const loaded value = load("workers: \"${file:pipe}\"\n" + rest);
    EXPECT_NE(problems(value).find("Not a regular file"), std::string::npos);
}

TEST_F(Include, ANameGivenTwiceShowsBothPlaces) {
    scratch_.write("a.yaml",
                   "upstreams: {app: {endpoints: [\"a:1\"]}}\nworkers: 2\n"
                   "listeners: {web: {limits: {body: 5}}}\n");
    const loaded got = load(
        "include: [a.yaml]\nlisteners: {web: {bind: \":8080\"}}\nworkers: 1\n"
        "upstreams: {app: {endpoints: [\"b:1\"]}}\nroutes: [{upstream: app}]\n");
    EXPECT_EQ(problems(got),
              "a.yaml:1:13: error: duplicate key 'app'\n"
              "  upstreams: {app: {endpoints: [\"a:1\"]}}\n"
              "              ^\n"
              "  first at main.yaml:4:13\n"
              "a.yaml:2:1: error: duplicate key 'workers'\n"
              "  workers: 2\n"
              "  ^\n"
              "  first at main.yaml:3:1\n"
              "a.yaml:3:13: error: duplicate key 'web'\n"
              "  listeners: {web: {limits: {body: 5}}}\n"
              "              ^\n"
              "  first at main.yaml:2:13\n");
}

// Merging must not make one of the two.
TEST_F(Include, AKeyGivenTwiceInOneFileIsAnError) {
    scratch_.write("a.yaml",
                   "routes: [{name: a, respond: {}}]\nlog: {level: warn}\nlog: {access: \"-\"}\n"
                   "routes: [{name: b, respond: {}}]\nlisteners: {x: {bind: \":1\"}}\n"
                   "listeners: {y: {bind: \":2\"}}\n");
    scratch_.write("b.yaml", "workers: 1\n");
    const loaded got =
        load("include: [a.yaml]\nlisteners: {web: {bind: \":8080\"}}\ninclude: [b.yaml]\n");
    EXPECT_EQ(problems(got),
              "main.yaml:3:1: error: duplicate key 'include'\n"
              "  include: [b.yaml]\n"
              "  ^\n"
              "  first at line 1\n"
              "a.yaml:3:1: error: duplicate key 'log'\n"
              "  log: {access: \"-\"}\n"
              "  ^\n"
              "  first at line 2\n"
              "a.yaml:4:1: error: duplicate key 'routes'\n"
              "  routes: [{name: b, respond: {}}]\n"
              "  ^\n"
              "  first at line 1\n"
              "a.yaml:6:1: error: duplicate key 'listeners'\n"
              "  listeners: {y: {bind: \":2\"}}\n"
              "  ^\n"
              "  first at line 5\n");
}

// Sizes at which comparing each with each would take minutes, and caps that come before copies.
TEST_F(Include, LargeMapsAreMergedAndInheritedByLookingUp) {
    const auto started = std::chrono::steady_clock::now();
    const auto upstreams = [](const std::string& name, int count) {
        std::string yaml = "upstreams:\n";
        for (int i = 0; i < count; ++i)
            yaml += "  " + name + std::to_string(i) + ": {endpoints: [\"a:1\"]}\n";
        return yaml;
    };
    const std::string rest = "listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {}}]\n";
    scratch_.write("a.yaml", upstreams("a", 30'000));
    const loaded many = load("include: [a.yaml]\n" + rest + upstreams("b", 30'000));
    EXPECT_NE(problems(many).find("'upstreams' has 60000 items, at most 4096"), std::string::npos)
        << problems(many);
    std::string fields;
    for (int i = 0; i < 20'000; ++i)
        fields += (i == 0 ? "" : ", ") + std::string("x-") + std::to_string(i) + ": v";
    const loaded wide = load(
        "listeners: {web: {bind: \":8080\"}}\n"
        "defaults: {route: {request_headers: {set: {" +
        fields +
        "}}}}\n"
        "routes: [{respond: {}, request_headers: {set: {" +
        fields + "}}}]\n");
    EXPECT_NE(problems(wide).find("'set' has 20000 items"), std::string::npos) << problems(wide);
    EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(60));
}

TEST_F(Include, ProblemsLieInTheFileThatHasThem) {
    scratch_.write("a.yaml", "routes: [{respond: {status: 99}}]\n");
    scratch_.write("b.yaml", "\n\nrots: 1\n");
    scratch_.write("c.yaml", "a: [\n");
    scratch_.write("d.yaml", "[1]\n");
    const loaded got =
        load("include: [a.yaml, b.yaml, c.yaml, d.yaml]\nlisteners: {web: {bind: \"x\"}}\n");
    const std::string text = problems(got);
    std::size_t at = 0;
    for (const char* const expected :
         {"main.yaml:2:", "a.yaml:1:29: error: '99' is too small", "b.yaml:3:1: error: unknown key",
          "c.yaml:2:1: error: ", "d.yaml:1:1: error: a configuration has to be a map"}) {
        const std::size_t found = text.find(expected, at);
        EXPECT_NE(found, std::string::npos) << expected << "\n" << text;
        at = found == std::string::npos ? at : found;
    }
    EXPECT_NE(text.find("  routes: [{respond: {status: 99}}]\n"), std::string::npos) << text;
}

// What is looked at again after loading keeps its place, in whichever file it is.
TEST_F(Include, ValuesThatAreCheckedLaterAreFound) {
    for (const char* const name : {"a.pem", "b.pem"})
        scratch_.write(name, "x");
    scratch_.write(
        "a.yaml",
        "log: {access: a.log}\n"
        "defaults:\n  listener: {tls: {ciphers: X, suites: \"${env:PENSTOCK_NO:-Y}\"}}\n");
    const loaded got = load(
        "include: a.yaml\nlisteners:\n  web.1:\n    bind: \":1\"\n"
        "    tls: {certificates: [{cert: a.pem, key: a.pem}, {key: b.pem, cert: a.pem}]}\n"
        "routes: [{respond: {}}]\n");
    ASSERT_TRUE(got.ok()) << problems(got);
    const auto place = [&](const std::vector<std::string>& keys) {
        const auto found = find_place(*got.value, keys);
        return found ? found->file.substr(scratch_.at("").size()) + ":" +
                           std::to_string(found->line) + ":" + std::to_string(found->column)
                     : "none";
    };
    EXPECT_EQ(place({"log", "access", "path"}), "a.yaml:1:15");
    EXPECT_EQ(place({"listeners", "web.1", "tls", "ciphers"}), "a.yaml:3:29");
    EXPECT_EQ(place({"listeners", "web.1", "tls", "suites"}), "a.yaml:3:40");
    EXPECT_EQ(place({"listeners", "web.1", "tls", "certificates", "0", "cert"}), "main.yaml:5:33");
    EXPECT_EQ(place({"listeners", "web.1", "tls", "certificates", "1", "key"}), "main.yaml:5:59");
    EXPECT_EQ(place({"listeners", "web.1", "tls", "groups"}), "none");
    EXPECT_EQ(place({"listeners", "web.2", "tls", "ciphers"}), "none");
    EXPECT_EQ(place({}), "none");
}

TEST_F(Include, ACycleIsAnError) {
    scratch_.write("a.yaml", "include: [b.yaml]\n");
    scratch_.write("b.yaml", "include: [a.yaml]\n");
    const std::string rest = "listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {}}]\n";
    const loaded got = load("include: [a.yaml]\n" + rest);
    EXPECT_NE(problems(got).find("b.yaml:1:11: error: 'a.yaml' includes itself"), std::string::npos)
        << problems(got);
    const loaded self = load("include: [\"*.yaml\"]\n" + rest);
    EXPECT_NE(problems(self).find("'main.yaml' includes itself"), std::string::npos)
        << problems(self);
    scratch_.write("c.yaml", "");
    const loaded twice = load("include: [c.yaml, c.yaml]\n" + rest);
    EXPECT_NE(problems(twice).find("'c.yaml' is included a second time"), std::string::npos)
        << problems(twice);
}

TEST_F(Include, EightLevelsAreTheDeepest) {
    for (int i = 1; i <= 9; ++i) {
        const std::string next =
            i == 9 ? "workers: 3\n" : "include: [" + std::to_string(i + 1) + ".yaml]\n";
        scratch_.write(std::to_string(i) + ".yaml", next);
    }
    const std::string rest = "listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {}}]\n";
    const loaded at = load("include: [2.yaml]\n" + rest);
    ASSERT_TRUE(at.ok()) << problems(at);
    EXPECT_EQ(at.value->workers, 3U);
    EXPECT_TRUE(load("include: [3.yaml]\n" + rest).ok());
    const loaded above = load("include: [1.yaml]\n" + rest);
    EXPECT_NE(problems(above).find("8.yaml:1:11: error: included files are nested too deeply"),
              std::string::npos)
        << problems(above);
}

TEST_F(Include, TwoHundredAndFiftySixFilesAreTheMost) {
    for (int i = 0; i < 255; ++i) {
        scratch_.write("d/" + std::to_string(1000 + i) + ".yaml", "");
    }
    const std::string rest = "listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {}}]\n";
    EXPECT_TRUE(load("include: [\"d/*.yaml\"]\n" + rest).ok());
    scratch_.write("d/2000.yaml", "");
    EXPECT_TRUE(load("include: [\"d/*.yaml\"]\n" + rest).ok());
    scratch_.write("d/2001.yaml", "");
    const loaded above = load("include: [\"d/*.yaml\"]\n" + rest);
    EXPECT_NE(problems(above).find("too many files are included"), std::string::npos)
        << problems(above);
}

TEST_F(Include, SixteenMebibytesAreTheMostOfAll) {
    const std::string three(3 * 1024 * 1024, '#');
    for (int i = 0; i < 5; ++i) {
        scratch_.write("d/" + std::to_string(i) + ".yaml", three);
    }
    const std::string rest = "listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {}}]\n";
    scratch_.write("d/5.yaml", std::string(1024 * 1024 - 1, '#'));
    EXPECT_TRUE(load("include: [\"d/*.yaml\"]\n" + rest).ok());
    scratch_.write("d/5.yaml", std::string(1024 * 1024, '#'));
    EXPECT_TRUE(load("include: [\"d/*.yaml\"]\n" + rest).ok());
    scratch_.write("d/5.yaml", std::string(1024 * 1024 + 1, '#'));
    const loaded above = load("include: [\"d/*.yaml\"]\n" + rest);
    EXPECT_NE(problems(above).find("together are larger than 16MiB"), std::string::npos)
        << problems(above);
}

}  // namespace
}  // namespace penstock::config
