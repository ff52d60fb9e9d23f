#include "app/file_states.hpp"

#include "support/temp_dir.hpp"
#include "support/wait.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace penstock::app {
namespace {

using penstock::test::temp_dir;

// Waits until the kernel's clock has gone on, so that what is written from then on looks newer.
void let_files_settle(const temp_dir& in, const std::vector<std::string>& paths) {
    const penstock::test::time_limit limit(penstock::test::patience);
    while (look_before_reading(paths) != look_at(paths) && !limit.passed())
        in.write("clock", "");
}

TEST(FileStates, DifferWhenAFileIsReplacedWrittenOrGone) {
    const temp_dir dir;
    const std::vector<std::string> paths{dir.write("a", "one"), dir.path("b")};
    const file_states first = look_at(paths);
    EXPECT_EQ(look_at(paths), first);
    std::filesystem::rename(dir.write("new", "one"), paths[0]);
    const file_states replaced = look_at(paths);
    EXPECT_NE(replaced, first);
    dir.write("a", "longer");
    const file_states written = look_at(paths);
    EXPECT_NE(written, replaced);
    dir.write("b", "");
    EXPECT_NE(look_at(paths), written);
    std::filesystem::remove(paths[1]);
    EXPECT_EQ(look_at(paths), written);
    std::filesystem::remove(paths[0]);
    EXPECT_EQ(look_at(paths), file_states(2));
}

// As clusters replace secrets: a link leads elsewhere, to a file that is old already.
TEST(FileStates, DifferWhenALinkLeadsElsewhere) {
    const temp_dir dir;
    const std::vector<std::string> files{dir.write("old", "one"), dir.write("new", "two")};
    std::filesystem::create_symlink(files[0], dir.path("link"));
    const std::vector<std::string> paths{dir.path("link")};
    let_files_settle(dir, paths);
    const file_states before = look_before_reading(paths);
    std::filesystem::create_symlink(files[1], dir.path("next"));
    std::filesystem::rename(dir.path("next"), paths[0]);
    EXPECT_NE(look_at(paths), before);
}

// It may change once more within the same tick of the clock.
TEST(FileStates, AreNotKnownOfWhatHasJustChanged) {
    const temp_dir dir;
    const std::vector<std::string> paths{dir.write("a", "one")};
    EXPECT_EQ(look_before_reading(paths), file_states(1));
    let_files_settle(dir, paths);
    EXPECT_EQ(look_before_reading(paths), look_at(paths));
}

}  // namespace
}  // namespace penstock::app
