#include "support/process.hpp"

#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace penstock::test {
namespace {

TEST(Process, GivesExitCodeAndBothStreams) {
    const command_result done = run({"sh", "-c", "echo one; echo two >&2; exit 3"});
    EXPECT_EQ(done.status, (exit_status{3, 0}));
    EXPECT_EQ(done.out, "one\n");
    EXPECT_EQ(done.err, "two\n");
}

TEST(Process, NamesTheSignalThatEndedIt) {
    process sleeper({"sleep", "1000"});
    EXPECT_TRUE(sleeper.running());
    sleeper.signal(SIGTERM);
    EXPECT_EQ(sleeper.wait(), (exit_status{-1, SIGTERM}));
    EXPECT_FALSE(sleeper.running());
    EXPECT_THROW(sleeper.signal(SIGTERM), test_error);
}

TEST(Process, WaitsForWholeLines) {
    process shell({"sh", "-c", "printf 'port 1'; printf '23\\n' >&2; printf '42\\n'; sleep 1000"});
    EXPECT_EQ(shell.wait_for("port"), "port 142");
    EXPECT_THROW(shell.wait_for("absent", 20ms), test_error);
}

TEST(Process, SaysThatTheCommandEndedWithoutTheLine) {
    process shell({"sh", "-c", "echo something else"});
    EXPECT_THROW(shell.wait_for("ready"), test_error);
    process missing({"/nonexistent/command"});
    EXPECT_EQ(missing.wait().code, 127);
}

TEST(Process, TakesGrandchildrenAlong) {
    pid_t grandchild = 0;
    {
        process shell({"sh", "-c", "sleep 1000 & echo child $!; wait"});
        grandchild = std::atoi(shell.wait_for("child").c_str() + 6);
        ASSERT_GT(grandchild, 0);
        EXPECT_EQ(::kill(grandchild, 0), 0);
        shell.signal(SIGKILL);
        shell.wait();
    }
    // Killed with its group; whoever adopted it may not have collected it yet.
    const std::string stat = run({"ps", "-o", "stat=", "-p", std::to_string(grandchild)}).out;
    EXPECT_TRUE(stat.empty() || stat.front() == 'Z') << stat;
}

TEST(Process, DrainsMoreThanAPipeHolds) {
    const command_result done = run({"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"});
    EXPECT_EQ(done.out.size(), 1'000'000U);
}

TEST(TempDir, GoesWithItsObject) {
    std::string path;
    {
        const temp_dir dir;
        path = dir.write("a", "text");
        EXPECT_EQ(dir.read("a"), "text");
    }
    EXPECT_NE(run({"test", "-e", path}).status.code, 0);
}

}  // namespace
}  // namespace penstock::test
