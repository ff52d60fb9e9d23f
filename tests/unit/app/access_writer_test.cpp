#include "app/access_writer.hpp"

#include "penstock/proxy/access_log.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>

namespace penstock::app {
namespace {

using penstock::test::temp_dir;

access_file open_file(const std::string& path) {
    result<access_file> made = access_file::open(path);
    EXPECT_TRUE(made) << path;
    return std::move(*made);
}

void write_entry(proxy::access_log& to, const std::string& path) {
    exchange::record record;
    record.status = 500;
    record.method = "GET";
    record.path = path;
    to.write(record, config::access_log());
}

int lines_of(const std::string& text, std::string_view holding) {
    int count = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        EXPECT_NE(end, std::string::npos) << "no line end";
        const std::string_view line = std::string_view(text).substr(begin, end - begin);
        count += line.find(holding) != std::string_view::npos ? 1 : 0;
        begin = end == std::string::npos ? text.size() : end + 1;
    }
    return count;
}

TEST(AccessFile, AppendsAndIsNotForEverybodyToRead) {
    const temp_dir dir;
    const std::atomic<bool> ending{false};
    EXPECT_FALSE(open_file(dir.path("log")).write("one\n", ending));
    EXPECT_FALSE(open_file(dir.path("log")).write("two\n", ending));
    EXPECT_EQ(dir.read("log"), "one\ntwo\n");
    struct stat about {};
    ASSERT_EQ(::stat(dir.path("log").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07, 0U);
}

TEST(AccessFile, SaysWhyItCannotBeOpened) {
    const temp_dir dir;
    EXPECT_EQ(access_file::open(dir.path("none/log")).error().value(), ENOENT);
    ASSERT_EQ(::mkfifo(dir.path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(access_file::open(dir.path("fifo")).error().value(), ENXIO);
}

TEST(AccessFile, ReopensAtItsPathAndKeepsTheOldOneIfItCannot) {
    const temp_dir dir;
    const std::atomic<bool> ending{false};
    access_file file = open_file(dir.path("log"));
    ASSERT_EQ(std::rename(dir.path("log").c_str(), dir.path("old").c_str()), 0);
    EXPECT_FALSE(file.write("before\n", ending));
    EXPECT_FALSE(file.reopen());
    EXPECT_FALSE(file.write("after\n", ending));
    EXPECT_EQ(dir.read("old"), "before\n");
    EXPECT_EQ(dir.read("log"), "after\n");
}

TEST(AccessFile, ReportsAFullDisk) {
    const std::atomic<bool> ending{false};
    access_file full = open_file("/dev/full");
    EXPECT_EQ(full.write("lost\n", ending).value(), ENOSPC);
    EXPECT_EQ(full.write("lost\n", ending).value(), ENOSPC);
}

TEST(AccessWriter, WritesWhatAllRingsHoldBeforeItEnds) {
    const temp_dir dir;
    proxy::access_log first(1);
    proxy::access_log second(2);
    access_writer writer;
    writer.use(open_file(dir.path("log")), {&first.ring(), &second.ring()});
    for (int i = 0; i < 1000; ++i) {
        write_entry(first, "/first");
        write_entry(second, "/second");
    }
    writer.stop();
    EXPECT_EQ(lines_of(dir.read("log"), "/first"), 1000);
    EXPECT_EQ(lines_of(dir.read("log"), "/second"), 1000);
    EXPECT_EQ(writer.lost(), 0U);
}

TEST(AccessWriter, PutsWhatCameBeforeAChangeIntoTheOldFile) {
    const temp_dir dir;
    proxy::access_log log(1);
    access_writer writer;
    writer.use(open_file(dir.path("old")), {&log.ring()});
    write_entry(log, "/one");
    while (log.ring().used() > 0)
        std::this_thread::yield();
    writer.use(open_file(dir.path("new")), {&log.ring()});
    writer.stop();
    EXPECT_EQ(lines_of(dir.read("old"), "/one"), 1);
    EXPECT_EQ(dir.read("new"), "");
}

TEST(AccessWriter, DropsEntriesOfALogThatIsOff) {
    const temp_dir dir;
    proxy::access_log log(1);
    access_writer writer;
    writer.use(std::nullopt, {&log.ring()});
    write_entry(log, "/one");
    writer.stop();
    EXPECT_EQ(log.ring().used(), 0U);
}

TEST(AccessWriter, CountsLinesThatAFullDiskCosts) {
    proxy::access_log log(1);
    access_writer writer;
    writer.use(open_file("/dev/full"), {&log.ring()});
    write_entry(log, "/one");
    write_entry(log, "/two");
    writer.stop();
    EXPECT_EQ(writer.lost(), 2U);
}

}  // namespace
}  // namespace penstock::app
