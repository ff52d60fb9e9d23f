#include "net/tls_early_data.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::net {
namespace {

std::string framed(char type, std::size_t size) {
    return std::string{type, 3, 3, static_cast<char>(size >> 8), static_cast<char>(size & 0xff)} +
           std::string(size, 'x');
}

// What is left of `bytes` if they come `piece` by piece and are read `room` by room.
std::string left_of(tls_early_data& of, const std::string& bytes, std::size_t piece,
                    std::size_t room) {
    std::string left;
    std::string held;
    for (std::size_t at = 0; at < bytes.size() && !of.exceeded(); at += piece) {
        held += bytes.substr(at, piece);
        for (;;) {
            const tls_early_data::step next = of.next(held, room);
            EXPECT_TRUE(next.dropped == 0 || next.passed == 0);
            EXPECT_LE(next.passed, room);
            if (next.dropped + next.passed == 0 || of.exceeded())
                break;
            left += held.substr(0, next.passed);
            held.erase(0, next.dropped + next.passed);
        }
    }
    return left + held;
}

TEST(TlsEarlyDataFilter, DropsRecordsOfDataUpToTheNextHello) {
    const std::string change = framed(20, 1);
    const std::string hello = framed(22, 300);
    const std::string data = framed(23, 40);
    const std::string bytes = data + change + data + data + hello + data + hello;
    for (const std::size_t piece : {1U, 2U, 5U, 7U, 44U, 45U, 46U, 10000U}) {
        for (const std::size_t room : {1U, 5U, 100U, 10000U}) {
            tls_early_data of;
            of.note_offer(true);
            of.note_retry();
            EXPECT_EQ(left_of(of, bytes, piece, room), change + hello + data + hello);
        }
    }
}

TEST(TlsEarlyDataFilter, PassesEverythingElse) {
    const std::string bytes = framed(23, 40) + framed(22, 300) + framed(23, 3);
    tls_early_data unannounced;
    unannounced.note_offer(false);
    unannounced.note_retry();
    EXPECT_EQ(left_of(unannounced, bytes, 7, 5), bytes);
    tls_early_data first;
    first.note_offer(true);
    EXPECT_EQ(left_of(first, bytes, 7, 5), bytes);
    tls_early_data answered;
    answered.note_offer(true);
    answered.note_retry();
    answered.note_answer();
    EXPECT_EQ(left_of(answered, bytes, 7, 5), bytes);
}

TEST(TlsEarlyDataFilter, F8_HasALimit) {
    std::string bytes;
    for (std::size_t left = tls_early_data::skipped_max; left > 0; left -= 16384)
        bytes += framed(23, 16384);
    for (const std::size_t more : {0U, 1U}) {
        tls_early_data of;
        of.note_offer(true);
        of.note_retry();
        const std::string last = more == 0 ? std::string() : framed(23, more);
        static_cast<void>(left_of(of, bytes + last, 10000, 5));
        EXPECT_EQ(of.exceeded(), more > 0);
    }
}

}  // namespace
}  // namespace penstock::net
