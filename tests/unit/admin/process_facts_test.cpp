#include "admin/process_facts.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <vector>

namespace penstock::admin {
namespace {

TEST(ProcessFacts, SeeDescriptorsComeAndGo) {
    const double before = read_process_facts().open_descriptors;
    std::vector<int> opened;
    for (int i = 0; i < 10; ++i)
        opened.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(read_process_facts().open_descriptors, before + 10);
    for (const int fd : opened)
        ::close(fd);
    EXPECT_EQ(read_process_facts().open_descriptors, before);
}

TEST(ProcessFacts, SeeMemoryThatIsTouched) {
    constexpr std::size_t size = std::size_t{64} << 20;
    const double before = read_process_facts().resident_bytes;
    const std::vector<char> touched(size, 'x');
    EXPECT_GT(read_process_facts().resident_bytes, before + static_cast<double>(size) / 2);
    EXPECT_EQ(touched.back(), 'x');
}

TEST(ProcessFacts, SeeTimeThatIsSpent) {
    const double before = read_process_facts().cpu_seconds;
    double after = before;
    for (int i = 0; i < 1'000'000 && after <= before; ++i)
        after = read_process_facts().cpu_seconds;
    EXPECT_GT(after, before);
}

}  // namespace
}  // namespace penstock::admin
