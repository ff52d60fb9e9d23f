#include "net/tls_record_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace penstock::net {
namespace {

constexpr std::size_t most = tls_record_source::record_max;

// The sizes of the records that a list of buffers makes, after it was checked that nothing is lost.
std::vector<std::size_t> sizes_of(const std::vector<std::string>& parts, int& copies,
                                  std::size_t record = most) {
    std::vector<iovec> list;
    std::string whole;
    for (const std::string& part : parts) {
        list.push_back({const_cast<char*>(part.data()), part.size()});
        whole += part;
    }
    tls_record_source source(list, record);
    std::string room(std::min(record, most), ' ');
    std::string seen;
    std::vector<std::size_t> sizes;
    copies = 0;
    for (;;) {
        const std::string_view next = source.next([&] {
            ++copies;
            return room.data();
        });
        if (next.empty())
            break;
        sizes.push_back(next.size());
        seen += next;
    }
    EXPECT_EQ(seen, whole);
    return sizes;
}

TEST(TlsRecordSource, FillsRecords) {
    int copies = 0;
    using sizes = std::vector<std::size_t>;
    EXPECT_EQ(sizes_of({}, copies), sizes{});
    EXPECT_EQ(sizes_of({"", ""}, copies), sizes{});
    EXPECT_EQ(sizes_of({"abc"}, copies), sizes{3});
    EXPECT_EQ(copies, 0);
    EXPECT_EQ(sizes_of({"abc", "", "d"}, copies), sizes{4});
    EXPECT_EQ(copies, 1);
    EXPECT_EQ(sizes_of({std::string(2 * most + 1, 'x')}, copies), (sizes{most, most, 1}));
    EXPECT_EQ(copies, 0);
    // A head and a large body: the body is used where it lies, but for what fills the first record.
    EXPECT_EQ(sizes_of({"head", std::string(2 * most, 'x')}, copies), (sizes{most, most, 4}));
    EXPECT_EQ(copies, 1);
    EXPECT_EQ(sizes_of({std::string(most, 'x'), "y", "z"}, copies), (sizes{most, 2}));
    EXPECT_EQ(copies, 1);
}

TEST(TlsRecordSource, KeepsToASmallerRecord) {
    int copies = 0;
    using sizes = std::vector<std::size_t>;
    EXPECT_EQ(sizes_of({std::string(9000, 'x')}, copies, 4096), (sizes{4096, 4096, 808}));
    EXPECT_EQ(copies, 0);
    EXPECT_EQ(sizes_of({"head", std::string(4096, 'x')}, copies, 4096), (sizes{4096, 4}));
    // Larger than a record can be.
    EXPECT_EQ(sizes_of({std::string(most + 1, 'x')}, copies, 2 * most), (sizes{most, 1}));
}

}  // namespace
}  // namespace penstock::net
