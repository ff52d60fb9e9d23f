// `penstock demo`: every line that it tells people to type works as printed.
#include "support/daemon.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>

#include <csignal>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// The commands that the demo prints, without their comments.
std::vector<std::string> commands_in(const std::string& text) {
    std::vector<std::string> made;
    for (std::size_t at = text.find("  curl "); at != std::string::npos;
         at = text.find("  curl ", at + 1)) {
        const std::string line = text.substr(at + 2, text.find('\n', at) - at - 2);
        made.push_back(line.substr(0, line.find("  #")));
    }
    return made;
}

// Demos look for a free port and then take it, so two that start in the same moment may meet: the
// shards of this suite have them one after the other. Locks this program's own file.
descriptor one_demo_at_a_time() {
    descriptor held(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    if (!held || ::flock(held.get(), LOCK_EX) != 0)
        throw_errno("flock");
    return held;
}

class Demo : public testing::Test {
 protected:
    Demo() { demo.running().wait_for("Ctrl-C"); }
    std::string base(const std::string& scheme, const std::string& listener) {
        return scheme + "://127.0.0.1:" + std::to_string(demo.port(listener));
    }
    descriptor alone = one_demo_at_a_time();
    // A free port or the usual one: other demos may run on this machine.
    daemon demo{std::vector<std::string>{"demo"}};
};

TEST_F(Demo, PrintsCommandsThatWork) {
    const std::vector<std::string> commands = commands_in(demo.running().out());
    EXPECT_GE(commands.size(), 7U) << demo.running().out();
    for (const std::string& command : commands) {
        const command_result got =
            run({"sh", "-c", command + " -q -sS --fail --noproxy '*' --max-time 20"}, 60s);
        EXPECT_EQ(got.status.code, 0) << command << "\n" << got.err;
    }
}

TEST_F(Demo, MirrorsWhatItWasAsked) {
    const std::string got = curl({base("http", "http") + "/a/b?c=d", "-H", "X-Test: \"1\""}).out;
    EXPECT_TRUE(contains(got, "\"method\": \"GET\"")) << got;
    EXPECT_TRUE(contains(got, "\"path\": \"/a/b?c=d\"")) << got;
    EXPECT_TRUE(contains(got, "\"X-Test\": \"\\\"1\\\"\"")) << got;
    EXPECT_TRUE(contains(curl({"-d", "12345", base("http", "http")}).out, "\"body_bytes\": 5"));
    const std::string page =
        curl({"-H", "Accept: text/html", base("http", "http") + "/<script>"}).out;
    EXPECT_TRUE(contains(page, "<title>Penstock demo</title>")) << page;
    EXPECT_FALSE(contains(page, "<script>")) << page;
}

TEST_F(Demo, ServesHttps) {
    const std::string got = curl({"-k", base("https", "https") + "/"}).out;
    EXPECT_TRUE(contains(got, "\"X-Forwarded-Proto\": \"https\"")) << got;
}

// As a listener without `protocols` does: both versions, over TLS by ALPN.
TEST_F(Demo, SpeaksHttp2) {
    const auto version = [](const std::vector<std::string>& more) {
        std::vector<std::string> arguments{"-k", "-o", "/dev/null", "-w", "%{http_version}"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return curl(arguments).out;
    };
    EXPECT_EQ(version({base("https", "https") + "/"}), "2");
    EXPECT_EQ(version({"--http1.1", base("https", "https") + "/"}), "1.1");
    EXPECT_EQ(version({"--http2-prior-knowledge", base("http", "http") + "/"}), "2");
    EXPECT_EQ(version({base("http", "http") + "/"}), "1.1");
}

TEST_F(Demo, ServesBytesOfAnyCount) {
    for (const std::string count : {"0", "1", "16384", "1000000"}) {
        const command_result got = curl({"-o", "/dev/null", "-w", "%{size_download}",
                                         base("http", "http") + "/bytes/" + count});
        EXPECT_EQ(got.out, count);
    }
    EXPECT_TRUE(
        contains(curl({"-I", base("http", "http") + "/bytes/77"}).out, "Content-Length: 77"));
    EXPECT_TRUE(contains(curl({"-i", base("http", "http") + "/bytes/x"}).out, " 400 "));
}

TEST_F(Demo, EndsWithCtrlC) {
    EXPECT_TRUE(contains(curl({base("http", "http") + "/slow?ms=1"}).out, "/slow"));
    demo.running().signal(SIGINT);
    EXPECT_EQ(demo.running().wait(), (exit_status{0, 0}));
}

TEST_F(Demo, TakesFreePortsBesideAnotherDemo) {
    daemon second(std::vector<std::string>{"demo"});
    second.running().wait_for("Ctrl-C");
    EXPECT_NE(second.port("http"), demo.port("http"));
    EXPECT_TRUE(contains(second.running().err(), "taking a free one")) << second.running().err();
    const std::string url = "http://127.0.0.1:" + std::to_string(second.port("http")) + "/";
    EXPECT_TRUE(contains(second.running().out(), url));
    EXPECT_TRUE(contains(curl({url}).out, "\"method\": \"GET\""));
}

}  // namespace
}  // namespace penstock::test
