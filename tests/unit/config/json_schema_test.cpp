// The JSON Schema against a real validator: ajv from npm, fetched once into the build folder.
#include "contract_example.hpp"
#include "every_value.hpp"
#include "penstock/config/dump.hpp"
#include "penstock/config/load.hpp"
#include "penstock/config/schema.hpp"
#include "scratch.hpp"
#include "support/process.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <vector>

namespace penstock::config {
namespace {

using namespace std::chrono_literals;

// Fetches what the validator needs, one process at a time; empty if there is no npm or no network.
std::string node_modules() {
    const std::string folder = (repository() / "build/npm").string();
    const std::string script =
        "mkdir -p '" + folder + "' && cd '" + folder +
        "' && exec 9>lock && flock 9 && "
        "{ test -e node_modules/.ready || { npm install --silent --no-fund --no-audit "
        "--prefix . ajv@8.17.1 js-yaml@4.1.0 >&2 && touch node_modules/.ready; }; }";
    const test::command_result got = test::run({"sh", "-c", script}, 120s);
    return got.status.code == 0 ? folder + "/node_modules" : "";
}

// Prints "ok" or what is wrong, one line for each file.
constexpr std::string_view validator = R"js(
const [modules, schema, ...files] = process.argv.slice(2);
const fs = require("fs");
const Ajv = require(modules + "/ajv/dist/2020").default;
const yaml = require(modules + "/js-yaml");
const check = new Ajv({strict: false}).compile(JSON.parse(fs.readFileSync(schema, "utf8")));
for (const file of files) {
  let verdict;
  try {
    const value = yaml.load(fs.readFileSync(file, "utf8"), {schema: yaml.CORE_SCHEMA});
    verdict = check(value) ? "ok" : JSON.stringify(check.errors[0]);
  } catch (problem) {
    verdict = "not YAML: " + String(problem.reason);
  }
  console.log(verdict);
}
)js";

class AjvTest : public testing::Test {
 protected:
    void SetUp() override {
        modules_ = node_modules();
        if (modules_.empty()) {
            GTEST_SKIP() << "ajv cannot be fetched from npm";
        }
        scratch_.write("validate.js", validator);
        scratch_.write("schema.json", json_schema());
    }

    std::vector<std::string> verdicts(const std::vector<std::string>& texts) {
        std::vector<std::string> argv = {"node", scratch_.at("validate.js"), modules_,
                                         scratch_.at("schema.json")};
        for (const std::string& text : texts) {
            argv.push_back(scratch_.write("file" + std::to_string(argv.size()) + ".yaml", text));
        }
        const test::command_result got = test::run(argv, 120s);
        EXPECT_EQ(got.status.code, 0) << got.err;
        std::vector<std::string> lines;
        std::istringstream out(got.out);
        for (std::string line; std::getline(out, line);) {
            lines.push_back(line);
        }
        EXPECT_EQ(lines.size(), texts.size());
        lines.resize(texts.size());
        return lines;
    }

    const scratch_directory& scratch() { return scratch_; }

 private:
    scratch_directory scratch_;
    std::string modules_;
};

std::vector<std::string> good_files() {
    std::vector<std::string> files = {std::string(contract_example)};
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(repository() / "config")) {
        if (file.path().extension() == ".yaml") {
            files.push_back(read_whole(file.path()));
        }
    }
    return files;
}

TEST_F(AjvTest, AcceptsEveryExampleAndEveryDump) {
    std::vector<std::string> files = good_files();
    write_named_files(scratch());
    ASSERT_GT(files.size(), 5U);
    for (const std::string& text : good_files()) {
        const loaded outcome = load_text(text, scratch().at("p.yaml"));
        ASSERT_TRUE(outcome.ok()) << render_text(outcome.problems);
        files.push_back(dump(*outcome.value));
    }
    const std::vector<std::string> got = verdicts(files);
    for (std::size_t i = 0; i < files.size(); ++i) {
        EXPECT_EQ(got[i], "ok") << files[i];
    }
}

const std::string rest = "routes: [{respond: {}}]\n";
const std::string web = "listeners: {web: {bind: \":80\"}}\n";

// Whatever loads, however it is written and wherever its parts come from.
TEST_F(AjvTest, AcceptsWhatLoads) {
    scratch().write("a.pem", "x");
    scratch().write("more.yaml", web + rest);
    const std::string tls = "tls: {certificates: [{cert: a.pem, key: a.pem}]}";
    const std::vector<std::string> files = {
        every_value,
        "listeners: {web: {bind: \"unix:/run/web.sock\"}}\nupstreams: {u: {endpoints: "
        "[\"unix:/run/u.sock\", {address: \"unix:/u\"}]}}\nadmin: {bind: \"unix:/a\"}\n"
        "routes: [{upstream: u}]\n",
        "defaults: {listener: {tls: {min_version: \"1.3\"}}}\nlisteners: {web: {bind: \":80\", " +
            tls + "}}\n" + rest,
        "defaults: {listener: {" + tls +
            "}}\nlisteners: {web: {bind: \":80\", tls: {min_version: \"1.3\"}}, plain: {bind: "
            "\":81\", tls: false}, quoted: {bind: \":82\", tls: \"false\"}}\n" +
            rest,
        "defaults: {listener: {bind: \":80\"}, upstream: {endpoints: [\"a:1\"]}}\n"
        "listeners: {web: {}}\nupstreams: {u: }\nroutes: [{upstream: u}]\n",
        "defaults: {route: {respond: {}}}\npolicies: {p: }\n" + web +
            "routes: [{use: [p]}, {match: {hosts: [h]}, timeouts: {total: 0s}}]\n",
        "workers: \"2\"\nlisteners: {web: {bind: \":80\", limits: {connections: \"5\", body: "
        "\"7\"}, socket: {nodelay: \"true\", backlog: \"9\"}}}\n"
        "routes: [{respond: {status: \"204\"}}]\n",
        "listeners: {web: {bind: \":80\", socket: {nodelay: True, keepalive: FALSE}}}\n"
        "routes: [{redirect: {to: /, status: \"307\"}}]\n",
        "include: more.yaml\nlisteners:\nroutes: []\n",
        "include: more.yaml\nroutes:\n  - {match: {hosts: [h]}, respond: {body: 5}}\n",
        "log: {access: 7}\nadmin:\ndrain:\n" + web + rest,
        web +
            "upstreams: {u: {endpoints: [\"a:1\"], tls: \"true\"}, v: {endpoints: [\"b:1\"], tls: "
            "}}\nroutes: [{upstream: u, flush: True}, {match: {hosts: [h]}, upstream: v}]\n"};
    const std::vector<std::string> got = verdicts(files);
    for (std::size_t i = 0; i < files.size(); ++i) {
        const loaded outcome = load_text(files[i], scratch().at("p.yaml"));
        EXPECT_TRUE(outcome.ok()) << render_text(outcome.problems) << files[i];
        EXPECT_EQ(got[i], "ok") << files[i];
    }
}

TEST_F(AjvTest, RejectsWhatIsMissing) {
    scratch().write("a.pem", "x");
    const std::vector<std::string> files = {
        "listeners:\n" + rest,
        "listeners: {}\n" + rest,
        "listeners: {web: }\n" + rest,
        "listeners: {web: {tls: false}}\n" + rest,
        "listeners: {web: {bind: \":80\", tls: {min_version: \"1.3\"}}}\n" + rest,
        "listeners: {web: {bind: \":80\", tls: }}\n" + rest,
        "listeners: {web: {bind: \":80\", tls: true}}\n" + rest,
        "listeners: {web: {bind: \"unix:\"}}\n" + rest,
        web + "routes: []\n",
        web + "routes: [~]\n",
        web + "defaults: {route: {respond: {}}}\nroutes: [~]\n",
        web + "upstreams: {u: }\nroutes: [{upstream: u}]\n",
        web + "upstreams: {u: {endpoints: [~]}}\nroutes: [{upstream: u}]\n",
        web + "upstreams: {u: {endpoints: [{weight: 1}]}}\nroutes: [{upstream: u}]\n",
        web + "routes: [{split: [{weight: 1}]}]\n",
        "defaults: {listener: {tls: {certificates: [{cert: a.pem}]}}}\n" + web + rest};
    const std::vector<std::string> got = verdicts(files);
    for (std::size_t i = 0; i < files.size(); ++i) {
        EXPECT_FALSE(load_text(files[i], scratch().at("p.yaml")).ok()) << files[i];
        EXPECT_TRUE(got[i].starts_with("{")) << got[i] << "\n" << files[i];
    }
}

TEST_F(AjvTest, AcceptsReferencesAndFilesThatOnlyInclude) {
    const std::vector<std::string> files = {
        "include: [\"conf.d/*.yaml\"]\n",
        "include: conf.d/a.yaml\nworkers: \"${env:WORKERS:-4}\"\n",
        "listeners: {w: {bind: \"${env:BIND}\", limits: {body: \"${env:BODY}\"},\n"
        "  timeouts: {head: \"${file:head}\"}, socket: {nodelay: \"${env:NODELAY}\",\n"
        "  keepalive: \"${env:KEEPALIVE}\"}}}\n"
        "policies: {p: {websocket: false}}\n"
        "defaults: {listener: {limits: {connections: 5}}, route: {use: [p]}}\n"
        "routes: [{use: [p], respond: {status: \"${env:STATUS}\"}}]\n"};
    for (const std::string& verdict : verdicts(files)) {
        EXPECT_EQ(verdict, "ok");
    }
}

// What a schema can see: shape, words and units, and not rules between values.
bool is_structural(const diagnostic& problem) {
    static const std::regex pattern(
        "^unknown key |has to be a map, not|has to be a list, not|is not one of |"
        "is not a duration|is not a size|is not a ratio|is neither true nor false|"
        "is not a whole number$|^'?an? .* needs '|^'[a-z_]+' needs '|has no unit|"
        "has an unknown unit|needs at least one|items, at most|is too large: at most [0-9]+$|"
        "expected a single value");
    return problem.severity == severity::error && std::regex_search(problem.message, pattern);
}

std::vector<std::string> broken_files() {
    std::vector<std::string> files;
    for (const auto& file :
         std::filesystem::directory_iterator(repository() / "tests/unit/config/golden")) {
        std::istringstream text(read_whole(file.path()));
        bool yaml = false;
        for (std::string line; std::getline(text, line);) {
            if (line.starts_with("=== ")) {
                files.emplace_back();
                yaml = true;
            } else if (line == ">>>") {
                yaml = false;
            } else if (yaml) {
                files.back() += line + "\n";
            }
        }
    }
    return files;
}

TEST_F(AjvTest, RejectsWhatCheckRejectsForItsStructure) {
    std::vector<std::string> files;
    std::vector<std::string> why;
    for (const std::string& text : broken_files()) {
        const loaded outcome = load_text(text, scratch().at("p.yaml"));
        for (const diagnostic& problem : outcome.problems) {
            if (is_structural(problem)) {
                files.push_back(text);
                why.push_back(problem.message);
                break;
            }
        }
    }
    const std::vector<std::string> got = verdicts(files);
    std::size_t judged = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
        // What is no YAML for the parser says nothing of the schema.
        if (!got[i].starts_with("not YAML")) {
            ++judged;
            EXPECT_TRUE(got[i].starts_with("{")) << got[i] << why[i] << "\n" << files[i];
        }
    }
    EXPECT_GE(judged, 40U);
}

}  // namespace
}  // namespace penstock::config
