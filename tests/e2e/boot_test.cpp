// Starting: the shortest configurations that work, and what is said when it cannot start.
#include "support/certificate.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

scripted_origin::script hello() {
    return scripted_origin::answer(
        [](const http_request& asked) { return ok_response("hello from " + asked.target); });
}

std::string minimal(const std::string& bind, const std::string& origin) {
    return "listeners: {web: {bind: \"" + bind +
           "\"}}\n"
           "upstreams: {app: {endpoints: [\"" +
           origin +
           "\"]}}\n"
           "routes: [{upstream: app}]\n";
}

command_result start(const std::string& yaml) {
    const temp_dir dir;
    return run({penstock_binary(), "run", "-c", dir.write("penstock.yaml", yaml)});
}

TEST(Boot, ProxiesWithThreeLines) {
    scripted_origin origin(hello());
    daemon proxy(minimal("127.0.0.1:0", origin.address()));
    const command_result got = curl({proxy.url("web", "/a?b")});
    EXPECT_EQ(got.out, "hello from /a?b");
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
    EXPECT_TRUE(contains(proxy.running().err(), "drained")) << proxy.running().err();
}

TEST(Boot, ProxiesWithTwoOptions) {
    scripted_origin origin(hello());
    daemon proxy(std::vector<std::string>{"run", "--listen", "127.0.0.1:0", "--to",
                                          "http://" + origin.address()});
    EXPECT_EQ(curl({proxy.url("web", "/x")}).out, "hello from /x");
    EXPECT_FALSE(contains(proxy.running().err(), "admin on")) << "no admin was asked for";
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
}

TEST(Boot, VerifiesAnHttpsOriginByDefault) {
    const temp_dir dir;
    scripted_origin origin(hello(), write_certificate(dir, "localhost"));
    daemon proxy(std::vector<std::string>{"run", "--listen", "127.0.0.1:0", "--to",
                                          "https://" + origin.address()});
    EXPECT_EQ(curl({"-o", "/dev/null", "-w", "%{http_code}", proxy.url("web")}).out, "502");
}

TEST(Boot, ListensOnEachAddressOfEachListener) {
    scripted_origin origin(hello());
    daemon proxy(
        "listeners: {one: {bind: [\"127.0.0.1:0\", \"127.0.0.1:0\"]}, two: {bind: "
        "\"127.0.0.1:0\"}}\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() +
        "\"]}}\n"
        "routes: [{upstream: app}]\n");
    for (const std::uint16_t port : {proxy.port("one"), proxy.port("one", 1), proxy.port("two")})
        EXPECT_EQ(curl({"http://127.0.0.1:" + std::to_string(port) + "/"}).out, "hello from /");
}

TEST(Boot, ServesOnEveryWorker) {
    scripted_origin origin(hello());
    daemon proxy(
        "workers: 4\n"
        "admin: {bind: \"127.0.0.1:0\"}\n" +
        minimal("127.0.0.1:0", origin.address()));
    for (int i = 0; i < 40; ++i)
        EXPECT_EQ(curl({proxy.url("web")}).out, "hello from /");
    const samples found = wait_for_sum(proxy, "penstock_requests_total", {}, 40);
    EXPECT_EQ(sum(found, "penstock_requests_total"), 40);
}

// The CPUs that each thread of a process may use, by the thread's name.
std::map<std::string, std::string> cpus_of_threads(pid_t process) {
    std::map<std::string, std::string> found;
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
        std::ifstream file(task.path() / "status");
        std::string name;
        for (std::string line; std::getline(file, line);) {
            if (line.starts_with("Name:\t"))
                name = line.substr(6);
            if (line.starts_with("Cpus_allowed_list:\t"))
                found[name] = line.substr(19);
        }
    }
    return found;
}

TEST(Boot, TiesWorkersToCpusIfItIsTold) {
    scripted_origin origin(hello());
    const auto cpus_with = [&origin](const std::string& workers) {
        daemon proxy("workers: " + workers + "\n" + minimal("127.0.0.1:0", origin.address()));
        EXPECT_EQ(curl({proxy.url("web", "/a")}).out, "hello from /a");
        return cpus_of_threads(proxy.running().pid());
    };
    std::map<std::string, std::string> free = cpus_with("2");
    std::map<std::string, std::string> tied = cpus_with("{count: 2, pin: true}");
    const std::string all = free["penstock"];
    EXPECT_NE(all, "");
    EXPECT_EQ(free["worker/0"], all);
    for (const char* const worker : {"worker/0", "worker/1"})
        EXPECT_TRUE(tied[worker].find_first_not_of("0123456789") == std::string::npos &&
                    !tied[worker].empty())
            << worker << ": " << tied[worker];
    // Where there are two, they have one each.
    const bool several = all.find_first_of(",-") != std::string::npos;
    EXPECT_EQ(tied["worker/0"] != tied["worker/1"], several);
    EXPECT_EQ(tied["penstock"], all) << "the control thread goes where it likes";
}

TEST(Boot, HasTheAdminEndpoints) {
    scripted_origin origin(hello());
    daemon proxy(proxy_to(origin.address()));
    const auto code = [&proxy](const char* path) {
        return curl({"-o", "/dev/null", "-w", "%{http_code}", proxy.admin_url(path)}).out;
    };
    EXPECT_EQ(code("/healthz"), "200");
    EXPECT_EQ(code("/readyz"), "200");
    EXPECT_EQ(code("/metrics"), "200");
    EXPECT_EQ(code("/status"), "200");
    EXPECT_EQ(code("/nothing"), "404");
    const std::string status = curl({proxy.admin_url("/status")}).out;
    for (const std::string& part : {std::string("\"web\""), std::string("\"app\""),
                                    origin.address(), std::to_string(proxy.port("web"))})
        EXPECT_TRUE(contains(status, part)) << part << "\n" << status;
    EXPECT_EQ(sum(scrape(proxy), "penstock_config_generation"), 1);
    EXPECT_EQ(sum(scrape(proxy), "penstock_config_last_reload_success"), 1);
}

// The operator hears of a cap that was asked for, and not of the default.
TEST(Boot, FitsConnectionCapsBelowTheLimitOfOpenFiles) {
    scripted_origin origin(hello());
    const std::string tells = "the limit of 400 open files leaves room for";
    for (const bool asked : {false, true}) {
        const temp_dir dir;
        std::string yaml = minimal("127.0.0.1:0", origin.address());
        if (asked) {
            const std::string bind = "bind: \"127.0.0.1:0\"";
            const std::size_t at = yaml.find(bind);
            ASSERT_NE(at, std::string::npos);
            yaml.insert(at + bind.size(), ", limits: {connections: 1000}");
        }
        process proxy(
            {"sh", "-c",
             "ulimit -n 400; exec " + penstock_binary() + " run -c " + dir.write("a.yaml", yaml)});
        proxy.wait_for("ready: ");
        proxy.signal(SIGTERM);
        EXPECT_EQ(proxy.wait(), (exit_status{0, 0}));
        EXPECT_EQ(contains(proxy.out() + proxy.err(), tells), asked) << yaml;
    }
}

TEST(Boot, ServesWithClosedStandardStreams) {
    scripted_origin origin(hello());
    const temp_dir dir;
    process proxy({"sh", "-c",
                   "exec " + penstock_binary() + " run -c " +
                       dir.write("a.yaml", "log: {access: {path: \"-\"}}\n" +
                                               minimal("127.0.0.1:0", origin.address())) +
                       " <&- >&-"});
    const std::string line = proxy.wait_for("listening on ");
    const std::size_t begin = line.find("127.0.0.1:");
    const std::string at = line.substr(begin, line.find(' ', begin) - begin);
    proxy.wait_for("ready: ");
    EXPECT_EQ(curl({"http://" + at + "/x"}).out, "hello from /x");
    proxy.signal(SIGTERM);
    EXPECT_EQ(proxy.wait(), (exit_status{0, 0}));
}

TEST(Boot, SharesAFullPoolBetweenWorkers) {
    scripted_origin origin(hello());
    daemon proxy(
        "workers: 4\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() +
        "\"], pool: {connections: 1, queue_timeout: 20s}}}\n"
        "routes: [{upstream: app}]\n");
    const command_result got =
        curl({"--parallel", "--parallel-max", "16", "--parallel-immediate", "-o", "/dev/null", "-w",
              "%{http_code}\n", proxy.url("web", "/[1-200]")});
    EXPECT_EQ(got.status.code, 0) << got.err;
    EXPECT_EQ(got.out.find("50"), std::string::npos) << got.out;
}

TEST(Boot, EndsWith78ForABadConfiguration) {
    const command_result got = start("listeners: {web: {bind: \"127.0.0.1:0\", tsl: {}}}\n");
    EXPECT_EQ(got.status.code, 78);
    EXPECT_EQ(got.out, "");
    EXPECT_TRUE(contains(got.err, "penstock.yaml:1:")) << got.err;
    EXPECT_TRUE(contains(got.err, "did you mean 'tls'?")) << got.err;
    const command_result none = run({penstock_binary(), "run", "-c", "/nowhere/penstock.yaml"});
    EXPECT_EQ(none.status.code, 78);
    EXPECT_TRUE(contains(none.err, "/nowhere/penstock.yaml")) << none.err;
}

TEST(Boot, EndsWith71IfSomebodyListensThereAlready) {
    scripted_origin taken(hello());
    const command_result got = start(minimal(taken.address(), "127.0.0.1:1"));
    EXPECT_EQ(got.status.code, 71);
    EXPECT_TRUE(contains(got.err, "penstock: listener 'web' cannot listen on " + taken.address() +
                                      ": Address already in use\n"))
        << got.err;
    const command_result admin = start("admin: {bind: \"" + taken.address() + "\"}\n" +
                                       minimal("127.0.0.1:0", "127.0.0.1:1"));
    EXPECT_EQ(admin.status.code, 71);
    EXPECT_TRUE(contains(admin.err, "penstock: admin cannot listen on " + taken.address() +
                                        ": Address already in use\n"))
        << admin.err;
}

TEST(Boot, EndsWith71IfTheAccessLogCannotBeOpened) {
    const command_result got = start("log: {access: {path: /nowhere/access.log}}\n" +
                                     minimal("127.0.0.1:0", "127.0.0.1:1"));
    EXPECT_EQ(got.status.code, 71);
    EXPECT_TRUE(contains(got.err,
                         "penstock: access log '/nowhere/access.log': No such file or directory\n"))
        << got.err;
}

TEST(Boot, EndsWith1IfAnOriginHasNoAddress) {
    const command_result got = start(minimal("127.0.0.1:0", std::string(64, 'a') + ".test:80"));
    // The loader may know already that no name looks like this.
    EXPECT_TRUE(got.status.code == 1 || got.status.code == 78) << got.status.code;
    EXPECT_TRUE(contains(got.err, "penstock.yaml:2:")) << got.err;
}

// As an operator meets it: the network's names are gone, and each line says which and where.
TEST(Boot, NamesEveryOriginWithoutAnAddress) {
    const command_result got = start(
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
        "upstreams:\n"
        "  a: {endpoints: [\"one.invalid:80\", \"two.invalid:80\"]}\n"
        "  b: {endpoints: [\"three.invalid:80\"]}\n"
        "routes: [{upstream: a}, {match: {path: {prefix: /b/}}, upstream: b}]\n");
    EXPECT_EQ(got.status.code, 1);
    for (const char* const part :
         {"penstock.yaml:3:", "'one.invalid'", "'two.invalid'",
          "penstock.yaml:4:", "'three.invalid'", "\n    b: {endpoints: [\"three.invalid:80\"]}\n"})
        EXPECT_TRUE(contains(got.err, part)) << part << "\n" << got.err;
}

// The log marks a warning as one; its text does not do so again.
TEST(Boot, SaysWarningOnceInALine) {
    scripted_origin origin(hello());
    daemon proxy(
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() +
        "\"]}, idle: {endpoints: [\"127.0.0.1:1\"]}}\n"
        "routes: [{upstream: app}]\n");
    const std::string line = proxy.running().wait_for("'idle'");
    EXPECT_NE(line.find(" warning "), std::string::npos) << line;
    EXPECT_EQ(line.find("warning"), line.rfind("warning")) << line;
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
}

TEST(Boot, EndsWith78IfAKeyIsNotThatOfTheCertificate) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    const certificate_files others = write_certificate(dir, "b.test");
    const command_result got =
        start("listeners: {web: {bind: \"127.0.0.1:0\", tls: {certificates: [{cert: " + files.cert +
              ", key: " + others.key +
              "}]}}}\n"
              "upstreams: {app: {endpoints: [\"127.0.0.1:1\"]}}\n"
              "routes: [{upstream: app}]\n");
    EXPECT_EQ(got.status.code, 78);
    EXPECT_TRUE(contains(got.err, "TLS of listener 'web': private key")) << got.err;
}

}  // namespace
}  // namespace penstock::test
