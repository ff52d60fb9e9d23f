#include "penstock/base/log.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <limits>
#include <regex>
#include <string>
#include <thread>
#include <vector>

namespace penstock {
namespace {

// What reaches standard error while the object lives; the level is back at info afterwards.
class listening {
 public:
    explicit listening(log_level lowest) {
        set_log_level(lowest);
        testing::internal::CaptureStderr();
    }
    ~listening() {
        if (!told_)
            testing::internal::GetCapturedStderr();
        set_log_level(log_level::info);
    }
    listening(const listening&) = delete;
    listening& operator=(const listening&) = delete;
    std::string text() {
        told_ = true;
        return testing::internal::GetCapturedStderr();
    }

 private:
    bool told_ = false;
};

// The words of the one line that `write` logs, without its time and level.
template <class Write>
std::string words_of(Write write) {
    listening heard(log_level::info);
    write();
    const std::string text = heard.text();
    const std::string before = " info ";
    const std::size_t at = text.find(before);
    if (at == std::string::npos || text.find('\n') + 1 != text.size())
        return "not one line: " + text;
    return text.substr(at + before.size(), text.size() - at - before.size() - 1);
}

TEST(LogLevel, HasAName) {
    EXPECT_EQ(log_level_of("trace"), log_level::trace);
    EXPECT_EQ(log_level_of("debug"), log_level::debug);
    EXPECT_EQ(log_level_of("info"), log_level::info);
    EXPECT_EQ(log_level_of("warn"), log_level::warn);
    EXPECT_EQ(log_level_of("error"), log_level::error);
    EXPECT_EQ(log_level_of("off"), log_level::off);
}

TEST(LogLevel, IsInfoForAnyOtherName) {
    for (const char* const name : {"", "INFO", "warning", "debug ", "critical"})
        EXPECT_EQ(log_level_of(name), log_level::info) << name;
}

TEST(Log, WritesTimeLevelAndWordsOnOneLine) {
    listening heard(log_level::info);
    log_info("listener {} is open on {}", "web", 8080);
    const std::regex line(
        R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info listener web is open on 8080\n)");
    const std::string text = heard.text();
    EXPECT_TRUE(std::regex_match(text, line)) << text;
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
    listening heard(log_level::warn);
    log_debug("one");
    log_info("two");
    log_warn("three");
    log_error("four");
    const std::string text = heard.text();
    EXPECT_EQ(text.find("one"), std::string::npos) << text;
    EXPECT_EQ(text.find("two"), std::string::npos) << text;
    EXPECT_NE(text.find(" warning three\n"), std::string::npos) << text;
    EXPECT_NE(text.find(" error four\n"), std::string::npos) << text;
}

TEST(Log, TellsWhetherALevelIsWritten) {
    const listening heard(log_level::debug);
    EXPECT_FALSE(log_enabled(log_level::trace));
    EXPECT_TRUE(log_enabled(log_level::debug));
    EXPECT_TRUE(log_enabled(log_level::error));
}

TEST(Log, WritesNothingWhenOff) {
    listening heard(log_level::off);
    log_error("nobody hears this");
    EXPECT_EQ(heard.text(), "");
}

TEST(Log, PrintsEachKindOfValue) {
    const std::string text = "a string";
    const std::string_view part = std::string_view(text).substr(2, 3);
    const auto failure = boost::system::errc::make_error_code(boost::system::errc::broken_pipe);
    EXPECT_EQ(words_of([&] { log_info("{} {} {}", text, part, "literal"); }),
              "a string str literal");
    EXPECT_EQ(words_of([] { log_info("{}", std::numeric_limits<std::int64_t>::min()); }),
              "-9223372036854775808");
    EXPECT_EQ(words_of([] { log_info("{}", std::numeric_limits<std::uint64_t>::max()); }),
              "18446744073709551615");
    EXPECT_EQ(words_of([] { log_info("{:.2f}", 0.125); }), "0.12");
    EXPECT_EQ(words_of([&] { log_info("write: {}", failure); }), "write: Broken pipe");
}

TEST(Log, TakesValuesAsTheyAre) {
    EXPECT_EQ(words_of([] { log_info("path {}", "{} {0} %s"); }), "path {} {0} %s");
}

TEST(Log, StaysOneLineWhateverItsValuesHold) {
    EXPECT_EQ(words_of([] { log_info("host {}", "a\nb\r\t\x1b[31m\x7f"); }),
              R"(host a\x0ab\x0d\x09\x1b[31m\x7f)");
    EXPECT_EQ(words_of([] { log_info("{}", std::string_view("a\0b", 3)); }), R"(a\x00b)");
    EXPECT_EQ(words_of([] { log_info("{}", "höher"); }), "höher");
}

TEST(Log, WritesAFormatThatDoesNotFitAsItStands) {
    EXPECT_EQ(words_of([] { log_info("{} and {}", 1); }), "{} and {}");
    EXPECT_EQ(words_of([] { log_info("{:d}", "text"); }), "{:d}");
    EXPECT_EQ(words_of([] { log_info("open {", 1); }), "open {");
}

TEST(Log, KeepsLinesOfSeveralThreadsApart) {
    listening heard(log_level::info);
    std::vector<std::thread> threads;
    for (int writer = 0; writer < 4; ++writer) {
        threads.emplace_back([writer] {
            for (int i = 0; i < 50; ++i)
                log_info("writer {} line {} end", writer, i);
        });
    }
    for (std::thread& one : threads)
        one.join();
    const std::regex line(R"(\S+Z info writer [0-3] line \d+ end)");
    const std::string text = heard.text();
    int lines = 0;
    for (std::size_t at = 0; at < text.size(); ++lines) {
        const std::size_t end = text.find('\n', at);
        ASSERT_NE(end, std::string::npos);
        EXPECT_TRUE(std::regex_match(text.substr(at, end - at), line));
        at = end + 1;
    }
    EXPECT_EQ(lines, 200);
}

// Whoever reads the log may stop, and the daemon may not.
TEST(Log, DropsWhatStandardErrorDoesNotTake) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const int kept = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    const std::uint64_t before = log_lines_dropped();
    const std::string words(1000, 'x');
    int written = 0;
    for (; log_lines_dropped() < before + 3 && written < 10'000; ++written)
        log_info("{}", words);
    std::string text(std::size_t{1} << 20U, '\0');
    const ssize_t first = ::read(ends[0], text.data(), text.size());
    log_info("after");
    log_info("{}", std::string(100'000, 'y'));
    std::string rest(std::size_t{1} << 20U, '\0');
    const ssize_t second = ::read(ends[0], rest.data(), rest.size());
    ::dup2(kept, STDERR_FILENO);
    ::close(kept);
    ::close(ends[0]);
    ::close(ends[1]);
    EXPECT_EQ(log_lines_dropped(), before + 3);
    EXPECT_GT(written, 3);
    ASSERT_GT(first, 0);
    // Whole lines only.
    EXPECT_EQ(std::count(text.begin(), text.begin() + first, '\n'), written - 3);
    EXPECT_EQ(text[static_cast<std::size_t>(first) - 1], '\n');
    ASSERT_GT(second, 0);
    rest.resize(static_cast<std::size_t>(second));
    const std::string notice = " warning log: 3 lines were dropped here\n";
    EXPECT_EQ(rest.find(notice) + notice.size(), rest.find('\n') + 1) << rest.substr(0, 80);
    EXPECT_NE(rest.find(" info after\n"), std::string::npos);
    // A line is cut at what a pipe takes in one piece.
    EXPECT_EQ(rest.size() - rest.find(" info after\n") - 12, std::size_t{PIPE_BUF});
    EXPECT_EQ(rest.back(), '\n');
}

}  // namespace
}  // namespace penstock
