#include "penstock/net/openssl_memory.hpp"

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace penstock::net {
namespace {

// OpenSSL takes its functions once in a process, and before it has taken memory, so what can be
// asked here is what a program gets that is too late: its heap stays in use.
TEST(OpensslMemory, IsTheHeapsForWhoComesTooLate) {
    void* const block = OPENSSL_malloc(100);
    ASSERT_NE(block, nullptr);
    EXPECT_FALSE(recycle_openssl_memory());
    OPENSSL_free(block);
}

TEST(OpensslMemory, KeepsWhatIsInABlockThatGrowsOrShrinks) {
    const openssl_memory_functions of = openssl_memory();
    // Around the sizes of the lists of small blocks, and of records.
    for (const std::size_t from : {1U, 16U, 4080U, 4096U, 16367U, 16384U, 20463U, 20465U, 70000U}) {
        for (const std::size_t to : {1U, 17U, 4090U, 16368U, 18000U, 20480U, 90000U}) {
            auto* block = static_cast<char*>(of.take(from, "", 0));
            ASSERT_NE(block, nullptr);
            std::memset(block, 'x', from);
            block = static_cast<char*>(of.resize(block, to, "", 0));
            ASSERT_NE(block, nullptr);
            const std::size_t kept = std::min(from, to);
            EXPECT_EQ(std::string(block, kept), std::string(kept, 'x')) << from << ' ' << to;
            std::memset(block, 'y', to);
            of.give_back(block, "", 0);
        }
    }
    EXPECT_EQ(of.take(0, "", 0), nullptr);
    EXPECT_EQ(of.take(SIZE_MAX, "", 0), nullptr);
    EXPECT_EQ(of.resize(of.take(10, "", 0), 0, "", 0), nullptr);
    of.give_back(of.resize(nullptr, 10, "", 0), "", 0);
    of.give_back(nullptr, "", 0);
}

// More at once than are kept, and given back by a thread that did not take them.
TEST(OpensslMemory, MayChangeThreads) {
    const openssl_memory_functions of = openssl_memory();
    std::vector<void*> blocks;
    for (int i = 0; i < 40; ++i)
        blocks.push_back(of.take(i % 2 == 0 ? 17000 : 500, "", 0));
    std::thread([&] {
        for (void* const each : blocks)
            of.give_back(each, "", 0);
        void* const again = of.take(17000, "", 0);
        std::memset(again, 'x', 17000);
        of.give_back(again, "", 0);
    }).join();
}

}  // namespace
}  // namespace penstock::net
