#include "penstock/base/byte_ring.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace penstock {
namespace {

constexpr std::size_t overhead = 4;  // bytes of a message beside its text

bool push(byte_ring& to, std::string_view text) {
    const std::span<const char> part(text.data(), text.size());
    return to.push({&part, 1});
}

std::string pop(byte_ring& from) {
    std::string text = "?";
    return from.pop(text) ? text : "nothing";
}

TEST(ByteRing, IsEmptyAtFirst) {
    byte_ring ring(64);
    std::string untouched = "before";
    EXPECT_FALSE(ring.pop(untouched));
    EXPECT_EQ(untouched, "before");
    EXPECT_EQ(ring.used(), 0U);
    EXPECT_EQ(ring.dropped(), 0U);
}

TEST(ByteRing, GivesMessagesInTheirOrder) {
    byte_ring ring(64);
    EXPECT_TRUE(push(ring, "one"));
    EXPECT_TRUE(push(ring, "three"));
    EXPECT_EQ(ring.used(), 8 + 2 * overhead);
    EXPECT_EQ(pop(ring), "one");
    EXPECT_EQ(pop(ring), "three");
    EXPECT_EQ(pop(ring), "nothing");
    EXPECT_EQ(ring.used(), 0U);
}

TEST(ByteRing, ReplacesWhatTheReaderHeld) {
    byte_ring ring(64);
    push(ring, "x");
    std::string text = "something longer";
    EXPECT_TRUE(ring.pop(text));
    EXPECT_EQ(text, "x");
}

TEST(ByteRing, JoinsThePartsOfAMessage) {
    byte_ring ring(64);
    const std::string head = "head ";
    const std::string tail = "tail";
    const std::span<const char> parts[] = {{head.data(), head.size()}, {}, {tail}};
    EXPECT_TRUE(ring.push(parts));
    EXPECT_EQ(pop(ring), "head tail");
}

TEST(ByteRing, CarriesAnEmptyMessage) {
    byte_ring ring(64);
    EXPECT_TRUE(ring.push({}));
    EXPECT_TRUE(push(ring, ""));
    EXPECT_EQ(pop(ring), "");
    EXPECT_EQ(pop(ring), "");
    EXPECT_EQ(pop(ring), "nothing");
}

TEST(ByteRing, CarriesEveryByte) {
    byte_ring ring(1024);
    std::string all;
    for (int byte = 0; byte < 256; ++byte)
        all += static_cast<char>(byte);
    EXPECT_TRUE(push(ring, all));
    EXPECT_EQ(pop(ring), all);
}

TEST(ByteRing, TakesUpToItsCapacityAndDropsWhatIsAbove) {
    for (const std::size_t size : {59U, 60U, 61U}) {
        byte_ring ring(64);
        const std::string text(size, 'x');
        EXPECT_EQ(push(ring, text), size <= 60) << size;
        EXPECT_EQ(ring.dropped(), size <= 60 ? 0U : 1U) << size;
        EXPECT_EQ(pop(ring), size <= 60 ? text : "nothing") << size;
    }
}

TEST(ByteRing, DropsWhatFindsNoRoomAndKeepsTheRest) {
    byte_ring ring(32);
    EXPECT_TRUE(push(ring, "first message"));
    EXPECT_FALSE(push(ring, "second message"));
    EXPECT_TRUE(push(ring, "third"));
    EXPECT_FALSE(push(ring, "fourth"));
    EXPECT_EQ(ring.dropped(), 2U);
    EXPECT_EQ(pop(ring), "first message");
    EXPECT_EQ(pop(ring), "third");
    EXPECT_EQ(pop(ring), "nothing");
    EXPECT_TRUE(push(ring, "there is room again"));
    EXPECT_EQ(pop(ring), "there is room again");
    EXPECT_EQ(ring.dropped(), 2U);
}

// Every size at every place: lengths and texts are cut by the end of the ring in every way.
TEST(ByteRing, GoesAroundAtEveryPlace) {
    for (std::size_t size = 0; size <= 28; ++size) {
        byte_ring ring(32);
        for (std::size_t i = 0; i < 100; ++i) {
            const std::string text(size, static_cast<char>('a' + i % 26));
            ASSERT_TRUE(push(ring, text)) << size;
            ASSERT_EQ(pop(ring), text) << size;
            ASSERT_TRUE(push(ring, "")) << size;
            ASSERT_EQ(pop(ring), "") << size;
        }
    }
}

TEST(ByteRing, CarriesMessagesBetweenTwoThreads) {
    constexpr std::uint64_t count = 20000;
    byte_ring ring(256);
    std::atomic<bool> done{false};
    std::thread writer([&] {
        for (std::uint64_t i = 0; i < count; ++i)
            push(ring, std::to_string(i) + std::string(i % 60, '.'));
        done = true;
    });
    std::uint64_t got = 0;
    std::uint64_t next = 0;
    std::string text;
    for (bool ending = false; !ending;) {
        ending = done;
        while (ring.pop(text)) {
            const std::uint64_t number = std::stoull(text);
            EXPECT_GE(number, next);
            EXPECT_EQ(text, std::to_string(number) + std::string(number % 60, '.'));
            next = number + 1;
            ++got;
        }
    }
    writer.join();
    EXPECT_EQ(got + ring.dropped(), count);
    EXPECT_EQ(ring.used(), 0U);
}

// A third thread that asks how full the ring is never sees less than nothing.
TEST(ByteRing, TellsHowMuchIsUsedWhileBothSidesRun) {
    byte_ring ring(256);
    std::atomic<bool> done{false};
    std::thread writer([&] {
        for (int i = 0; i < 20000; ++i)
            push(ring, "0123456789");
        done = true;
    });
    std::thread reader([&] {
        std::string text;
        while (!done || ring.used() > 0)
            ring.pop(text);
    });
    while (!done)
        EXPECT_LT(ring.used(), std::size_t{1} << 32);
    writer.join();
    reader.join();
    EXPECT_EQ(ring.used(), 0U);
}

TEST(ByteRingDeathTest, WantsAPowerOfTwo) {
    EXPECT_DEATH(byte_ring(0), "capacity");
    EXPECT_DEATH(byte_ring(48), "capacity");
}

}  // namespace
}  // namespace penstock
