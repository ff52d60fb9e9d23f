#include "unit/admin/stand_in.hpp"

#include "penstock/base/build_info.hpp"

namespace penstock::admin {
namespace {

using namespace test;

// What an expression of Python makes of the status; a text that is not JSON fails the test, and so
// does an object that has a name twice.
std::string asked(const process_view& view, const std::string& expression) {
    static const bool installed = is_installed("python3");
    if (!installed)
        return "python3 is not installed";
    const penstock::test::temp_dir dir;
    const std::string file = dir.write("status", status_json(view));
    const std::string program =
        "import json,sys\n"
        "def once(pairs):\n"
        "    assert len(dict(pairs)) == len(pairs), pairs\n"
        "    return dict(pairs)\n"
        "def no(word): raise ValueError(word)\n"
        "text = open(sys.argv[1], encoding='utf-8', newline='').read()\n"
        "s = json.loads(text, object_pairs_hook=once, parse_constant=no)\n"
        "print(json.dumps(eval(sys.argv[2])), end='')\n";
    const auto got = penstock::test::run({"python3", "-c", program, file, expression});
    EXPECT_EQ(got.status.code, 0) << got.err << status_json(view);
    return got.out;
}

class StatusJson : public testing::Test {
 protected:
    void SetUp() override {
        if (!is_installed("python3"))
            GTEST_SKIP() << "python3 is not installed";
    }
    stand_in process;
};

TEST_F(StatusJson, IsOneLine) {
    const std::string text = status_json(process.view());
    EXPECT_EQ(text.find('\n'), text.size() - 1);
}

TEST_F(StatusJson, TellsTheProcess) {
    process.shown.generation = 4;
    EXPECT_EQ(asked(process.view(), "[s['generation'],s['config_file'],s['version']]"),
              "[4, \"penstock.yaml\", \"" + std::string(this_build().version) + "\"]");
    EXPECT_EQ(asked(process.view(), "s['uptime_seconds'] > 0"), "true");
    // The clock was put back since the start.
    process.shown.started_at = 99999999999;
    EXPECT_EQ(asked(process.view(), "s['uptime_seconds']"), "0");
}

TEST_F(StatusJson, TellsItsState) {
    EXPECT_EQ(asked(process.view(), "s['state']"), "\"ready\"");
    process.shown.ready = false;
    EXPECT_EQ(asked(process.view(), "s['state']"), "\"starting\"");
    process.shown.draining = true;
    EXPECT_EQ(asked(process.view(), "s['state']"), "\"draining\"");
}

TEST_F(StatusJson, TellsTheLastReload) {
    process.shown.last_reload_ok = false;
    process.shown.last_reload_at = 1700000000;
    process.shown.last_reload_error = "penstock.yaml:3:1: error: unknown key 'listners'";
    EXPECT_EQ(asked(process.view(), "s['last_reload']"),
              "{\"ok\": false, \"at\": 1700000000, "
              "\"error\": \"penstock.yaml:3:1: error: unknown key 'listners'\"}");
}

TEST_F(StatusJson, TellsWhatEarlierGenerationsHaveLeft) {
    EXPECT_EQ(asked(process.view(), "s['retired']"), "{\"generations\": 0, \"upstreams\": 0}");
    process.shown.retired_generations = 3;
    process.shown.retired_upstreams = 2;
    EXPECT_EQ(asked(process.view(), "s['retired']"), "{\"generations\": 3, \"upstreams\": 2}");
}

TEST_F(StatusJson, TellsTheWorkers) {
    EXPECT_EQ(asked(process.view(), "[w['index'] for w in s['workers']]"), "[0, 1]");
    EXPECT_EQ(asked(process.view(),
                    "all(w['loop_delay_us'] >= 0 and w['exceptions'] == 0 for w in s['workers'])"),
              "true");
}

TEST_F(StatusJson, TellsTheListeners) {
    listener_view& front = process.shown.listeners[0];
    front.bound = {"127.0.0.1:8080", "[::1]:8080"};
    front.tls = true;
    process.sides[0]->serves.active = 1;
    process.sides[1]->serves.active = 2;
    process.sides[1]->serves.idle = 5;
    process.counts.accepted = 70;
    process.counts.refused = 8;
    EXPECT_EQ(asked(process.view(), "s['listeners']"),
              R"([{"name": "web", "addresses": ["127.0.0.1:8080", "[::1]:8080"], "tls": true, )"
              R"("connections": {"active": 3, "idle": 5}, "accepted": 70, "refused": 8}])");
}

TEST_F(StatusJson, TellsTheUpstreams) {
    upstream::shared_endpoint& more = process.add_endpoint("10.0.0.2:3000");
    more.weight = 3;
    more.connections = 4;
    more.waiting = 2;
    process.sides[0]->origins.active = 1;
    process.sides[1]->origins.idle = 3;
    process.sides[1]->origins.queued = 2;
    EXPECT_EQ(asked(process.view(), "s['upstreams']"),
              R"([{"name": "app", "connections": {"active": 1, "idle": 3}, "queued": 2, )"
              R"("endpoints": [{"address": "127.0.0.1:3000", "weight": 1, "state": "up", )"
              R"("connections": 0, "waiting": 0}, )"
              R"({"address": "10.0.0.2:3000", "weight": 3, "state": "up", )"
              R"("connections": 4, "waiting": 2}]}])");
}

TEST_F(StatusJson, IsWholeForAProcessWithoutAnything) {
    EXPECT_EQ(asked(process_view(), "[s['workers'],s['listeners'],s['upstreams']]"),
              "[[], [], []]");
}

TEST_F(StatusJson, IsJsonWhateverNamesHold) {
    const std::string names[] = {
        "\"quoted\"", "back\\slash", "line\nbreak", "\x01\x1f\x7f", std::string("nul\0nul", 7),
        "\xff\xfe",   "\xe2\x82",    "ünïcode",     "</script>",    "{}[],:"};
    stand_in odd(names[0], names[1]);
    odd.shown.config_file.clear();
    for (const std::string& name : names) {
        odd.add_endpoint(name);
        odd.shown.config_file += name;
        odd.shown.last_reload_error += name;
    }
    odd.shown.listeners[0].bound.assign(std::begin(names), std::end(names));
    EXPECT_EQ(asked(odd.view(),
                    "s['config_file'] == s['last_reload']['error'] == "
                    "''.join(s['listeners'][0]['addresses']) == "
                    "''.join(e['address'] for e in s['upstreams'][0]['endpoints'][1:])"),
              "true");
    EXPECT_EQ(asked(odd.view(), "s['listeners'][0]['addresses'][:5] + [s['listeners'][0]['name']]"),
              R"(["\"quoted\"", "back\\slash", "line\nbreak", "\u0001\u001f\u007f", )"
              R"("nul\u0000nul", "\"quoted\""])");
}

}  // namespace
}  // namespace penstock::admin
