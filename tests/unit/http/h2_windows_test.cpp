// Windows that grow over a distance, and what waits in them: both sides, by counts.
#include "penstock/http/h2_windows.hpp"

#include "unit/http/h2_link.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace penstock::http {
namespace {

namespace h2 = test::h2;

constexpr std::uint64_t mib = std::uint64_t{1024} * 1024;

TEST(H2WindowSample, LooksAtLargeBodiesAlone) {
    h2_window_sample sample;
    for (int i = 0; i < 100'000; ++i)
        sample.add(h2_window_sample::small, 128, time_point(1s));
    EXPECT_FALSE(sample.whole());
    sample.add(h2_window_sample::small + 1, h2_window_sample::size - 1, time_point(1s));
    EXPECT_FALSE(sample.whole());
    EXPECT_EQ(sample.take(), std::nullopt);
    sample.add(h2_window_sample::size, 1, time_point(1s + 100ms));
    EXPECT_TRUE(sample.whole());
    EXPECT_EQ(sample.take(), h2_window_sample::size * 10);
    EXPECT_FALSE(sample.whole());
}

// What came before a pause says nothing about the rate.
TEST(H2WindowSample, BeginsAgainBehindAPause) {
    h2_window_sample sample;
    sample.add(mib, 100'000, time_point(1s));
    sample.add(mib, 100'000, time_point(2s + 1ns));
    EXPECT_FALSE(sample.whole());
    sample.add(mib, 40'000, time_point(2s + 10ms));
    EXPECT_EQ(sample.take(), 14'000'001U);
}

TEST(H2WindowSample, AsksForTwiceBandwidthTimesDelay) {
    EXPECT_EQ(h2_window_sample::window_for(0, 1s), h2_window_first);
    EXPECT_EQ(h2_window_sample::window_for(10'000'000, 10ms), h2_window_first);
    EXPECT_EQ(h2_window_sample::window_for(10'000'000, 200ms), 4'000'000U);
    EXPECT_EQ(h2_window_sample::window_for(10'000'000'000, 200ms), h2_window_most);
    EXPECT_EQ(h2_window_sample::window_for(UINT64_MAX, 60s), h2_window_most);
}

TEST(H2WindowAccount, SharesWhatIsFreeAndIsEmptyInTheEnd) {
    std::atomic<std::uint64_t> held{0};
    {
        h2_window_account first(held, 64 * mib);
        h2_window_account second(held, 64 * mib);
        EXPECT_EQ(first.take_up_to(23 * mib), 23 * mib);
        EXPECT_EQ(second.take_up_to(23 * mib), 25 * mib / 2);
        EXPECT_FALSE(second.relaxed());
        EXPECT_TRUE(second.take(28 * mib + mib / 2));
        EXPECT_FALSE(second.take(1));
        EXPECT_EQ(first.take_up_to(mib), 0U);
        second.give_back(28 * mib + mib / 2);
        EXPECT_EQ(held.load(), 35 * mib + mib / 2);
    }
    EXPECT_EQ(held.load(), 0U);
    h2_window_account none(held, 0);
    EXPECT_EQ(none.take_up_to(mib), 0U);
    EXPECT_FALSE(none.take(1));
}

// What the other side of a session knows of its windows.
struct granted {
    std::int64_t connection = 65'535;
    std::int64_t stream = 65'535;
    int settings = 0;

    void add(const h2::read_frame& next) {
        if (next.type == h2::window_update)
            (next.stream == 0 ? connection : stream) += next.number();
        if (next.type != h2::settings || next.has(h2::ack))
            return;
        ++settings;
        for (std::size_t at = 0; at < next.payload.size(); at += 6) {
            if (next.payload[at + 1] == 4)
                stream += std::int64_t{next.number(at + 2)} - initial;
            if (next.payload[at + 1] == 4)
                initial = next.number(at + 2);
        }
    }
    std::int64_t initial = 65'535;
};

// A client that sends as much as it may, and a reader that takes it at once or not.
class upload {
 public:
    explicit upload(const h2_limits& limits = {}) : to(limits) {
        session.use_account(&account);
        EXPECT_EQ(to.greet(), h2_code::no_error);
        hear();
        EXPECT_EQ(to.send(h2::head(1, h2::post(), false)), h2_code::no_error);
        stream = session.next_changed();
    }
    void hear() {
        const int known = windows.settings;
        for (const h2::read_frame& next : to.frames())
            windows.add(next);
        // Those of the beginning are acknowledged by then.
        for (int said = std::max(known, 1); said < windows.settings; ++said)
            session.receive(h2::frame(h2::settings, h2::ack, 0), to.now);
    }
    // One delay: all that the client may send, then all that it is told of. Returns the bytes.
    std::int64_t round(std::int64_t most, bool takes = true, nanoseconds each = 100us) {
        std::int64_t sent = 0;
        std::int64_t room = std::min({windows.connection, windows.stream, most});
        while (room > 0) {
            const std::int64_t size = std::min<std::int64_t>(room, 16'000);
            const std::string bytes(static_cast<std::size_t>(size), 'x');
            to.now += each;
            session.receive(h2::body(1, bytes, false), to.now);
            while (takes && !session.take_data(*stream, 65'536).empty()) {
            }
            if (session.wants_window())
                session.grow_windows(delay);
            room -= size;
            sent += size;
        }
        windows.connection -= sent;
        windows.stream -= sent;
        hear();
        to.now += delay;
        return sent;
    }

    std::atomic<std::uint64_t> held{0};
    h2_window_account account{held, 64 * mib};
    test::h2_link to;
    h2_server_session& session = to.session;
    h2_server_stream* stream = nullptr;
    granted windows;
    nanoseconds delay = 200ms;
};

TEST(H2Windows, FirstOnesAreAMebibyte) {
    upload one;
    EXPECT_EQ(one.windows.connection, std::int64_t{mib});
    EXPECT_EQ(one.windows.stream, std::int64_t{mib});
    EXPECT_EQ(one.held.load(), 0U);
}

// 20 MB took 80 round trips with a window of 256 KiB.
TEST(H2Windows, UploadOf20MegabytesTakesTwoRounds) {
    upload one;
    std::int64_t left = 20'000'000;
    int rounds = 0;
    for (; left > 0 && rounds < 100; ++rounds)
        left -= one.round(left);
    EXPECT_EQ(rounds, 2);
    EXPECT_EQ(one.session.connection_window(), h2_window_most);
    EXPECT_EQ(one.session.stream_window(), h2_window_most);
    EXPECT_EQ(one.held.load(), h2_window_most - mib);
    // The next one on this connection needs no more than one.
    EXPECT_GE(one.windows.initial, 20'000'000);
    EXPECT_GE(one.windows.connection, 20'000'000);
    EXPECT_EQ(one.windows.settings, 2);
}

// One that is slow by itself is served by the first window.
TEST(H2Windows, SlowUploadDoesNotGrowThem) {
    upload one;
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(one.round(200'000, true, 20ms), 200'000);
    EXPECT_EQ(one.session.connection_window(), h2_window_first);
    EXPECT_EQ(one.held.load(), 0U);
    EXPECT_EQ(one.windows.settings, 1);
}

// Nor do they grow for an origin that takes nothing: no more waits here than one window.
TEST(H2Windows, UploadThatIsNotTakenDoesNotGrowThem) {
    upload one;
    EXPECT_EQ(one.round(20'000'000, false), std::int64_t{mib});
    EXPECT_EQ(one.round(20'000'000, false), 0);
    EXPECT_EQ(one.session.connection_window(), h2_window_first);
    EXPECT_EQ(h2_session::data_waiting(*one.stream), mib);
}

TEST(H2Windows, NothingGrowsWithoutRoom) {
    upload one;
    one.held = 64 * mib;
    std::int64_t left = 20'000'000;
    int rounds = 0;
    for (; left > 0 && rounds < 100; ++rounds)
        left -= one.round(left);
    EXPECT_EQ(one.session.connection_window(), h2_window_first);
    // Credit is back early: each round is all of the window, but for an eighth.
    EXPECT_LE(rounds, 23);
    EXPECT_GE(rounds, 20);
    one.held = 0;
}

// A few requests that nobody takes leave the connection to the others.
TEST(H2Windows, StreamsShareTheConnectionWhileOneIsNotTaken) {
    upload one;
    ASSERT_EQ(one.to.send(h2::head(3, h2::post(), false)), h2_code::no_error);
    h2_server_stream* const other = one.session.next_changed();
    EXPECT_EQ(one.round(std::int64_t{mib}, false), std::int64_t{mib});
    // Of a stream that is opened now.
    EXPECT_EQ(one.windows.initial, h2_window_least);
    EXPECT_GE(one.windows.connection, std::int64_t{mib / 4});
    ASSERT_EQ(one.to.send(h2::body(3, std::string(16'000, 'x'), false)), h2_code::no_error);
    EXPECT_EQ(one.session.take_data(*other, 16'000).size(), 16'000U);
    while (!one.session.take_data(*one.stream, 65'536).empty()) {
    }
    // Not at once: whoever empties the window fills it again as fast.
    one.hear();
    EXPECT_EQ(one.windows.initial, h2_window_least);
    one.to.now += 1s;
    ASSERT_EQ(one.to.send(h2::body(3, "x", false)), h2_code::no_error);
    while (!one.session.take_data(*other, 65'536).empty()) {
    }
    one.hear();
    EXPECT_EQ(one.windows.initial, h2_window_first);
}

// A client that is faster than its origin fills and empties the connection's window many times a
// second. SETTINGS go out for it less and less often, and its acknowledgements are no flood.
TEST(H2Windows, FewSettingsFollowWhatWaits) {
    h2_limits limits;
    limits.floods.control = 3;
    upload one(limits);
    one.held = 64 * mib;
    ASSERT_EQ(one.to.send(h2::head(3, h2::post(), false)), h2_code::no_error);
    (void)one.session.next_changed();
    for (int i = 0; i < 400; ++i) {
        (void)one.round(std::int64_t{mib}, false, 10us);
        while (!one.session.take_data(*one.stream, 65'536).empty()) {
        }
        one.hear();
        one.to.now -= one.delay - 10ms;
    }
    EXPECT_EQ(one.session.breach(), h2_breach::none);
    // In four seconds: 50 ms apart at first, and a second in the end.
    EXPECT_GE(one.windows.settings, 8);
    EXPECT_LE(one.windows.settings, 24);
    one.held = 0;
}

// What was granted cannot be taken back, so a connection that has grown is known for it.
TEST(H2Windows, GrownOnesAreScarceOnceHalfIsInUse) {
    upload one;
    EXPECT_FALSE(one.session.has_grown());
    one.held = 64 * mib;
    EXPECT_FALSE(one.session.holds_scarce_window());
    one.held = 0;
    (void)one.round(20'000'000);
    EXPECT_TRUE(one.session.has_grown());
    EXPECT_FALSE(one.session.holds_scarce_window());
    one.held += 32 * mib - one.held.load();
    EXPECT_TRUE(one.session.holds_scarce_window());
}

// An origin that sends as much as it may, on as many streams as are asked for.
class downloads {
 public:
    explicit downloads(std::uint64_t total) : account(held, total) {
        session.use_account(&account);
        session.receive(h2::frame(h2::settings, 0, 0), now);
        hear();
    }
    h2_client_stream* open() {
        request_head head;
        head.method_text = "GET";
        head.scheme = "http";
        head.authority = "a.test";
        head.path = "/";
        session.restore_windows();
        const result<h2_client_stream*> made = session.open(head, {}, nullptr);
        EXPECT_TRUE(made.has_value());
        (*made)->owner = this;
        hear();
        session.receive(h2::head((*made)->id, {{":status", "200"}}, false), now);
        return *made;
    }
    void hear() {
        session.send(out, std::string::npos);
        if (out.starts_with(h2::preface))
            out.erase(0, h2::preface.size());
        h2::read_frame next;
        int said = windows.settings;
        while (h2::next_frame(out, next))
            windows.add(next);
        for (; said < windows.settings; ++said)
            session.receive(h2::frame(h2::settings, h2::ack, 0), now);
    }
    // All that the origin may send on this one, of which it has sent `before`.
    std::int64_t fill(const h2_client_stream& on, std::int64_t before = 0) {
        std::int64_t sent = before;
        while (sent < windows.initial) {
            const std::int64_t size = std::min<std::int64_t>(windows.initial - sent, 16'000);
            if (windows.connection < size)
                break;
            windows.connection -= size;
            now += 100us;
            session.receive(
                h2::body(on.id, std::string(static_cast<std::size_t>(size), 'x'), false), now);
            sent += size;
            hear();
        }
        return sent - before;
    }

    std::atomic<std::uint64_t> held{0};
    h2_window_account account;
    h2_client_session session{h2_limits{}};
    granted windows;
    std::string out;
    time_point now{1s};
};

// Responses that nobody reads: 64 KiB each, and beyond that what all may have together. What is
// under way when that is used up comes on top. None holds up another one.
TEST(H2Windows, WhatWaitsOfResponsesIsBounded) {
    constexpr std::uint64_t total = 4 * mib;
    downloads from(total);
    std::int64_t all = 0;
    for (int i = 0; i < 40; ++i)
        all += from.fill(*from.open());
    EXPECT_EQ(from.session.breach(), h2_breach::none);
    EXPECT_LE(from.held.load(), total);
    EXPECT_LE(all, static_cast<std::int64_t>(total + h2_window_first + 40 * h2_window_least));
    EXPECT_EQ(from.windows.initial, h2_window_least);
    // Each had its 64 KiB.
    EXPECT_GE(all, 40 * std::int64_t{h2_window_least});
    h2_client_stream* const quick = from.open();
    EXPECT_EQ(from.fill(*quick), h2_window_least);
    EXPECT_EQ(h2_session::data_waiting(*quick), h2_window_least);
}

// One client that reads nothing of many responses does not use up what all have together.
TEST(H2Windows, OneConnectionHoldsAFewWindows) {
    downloads from(64 * mib);
    std::vector<h2_client_stream*> held;
    std::int64_t all = 0;
    for (int i = 0; i < 60; ++i)
        all += from.fill(*held.emplace_back(from.open()));
    // What is charged by the block, and what comes with the last window.
    EXPECT_LE(all, static_cast<std::int64_t>(6 * mib + 60 * h2_window_least));
    EXPECT_LE(from.held.load(), 5 * mib);
    EXPECT_EQ(from.windows.initial, h2_window_least);
    // One that is read takes as much as ever, after a few round trips.
    h2_client_stream* const quick = from.open();
    from.windows.stream = from.windows.initial;
    std::vector<std::int64_t> rounds;
    for (int i = 0; i < 6; ++i) {
        rounds.push_back(from.windows.stream);
        for (std::int64_t left = rounds.back(); left > 0; left -= 16'000) {
            const auto size = static_cast<std::size_t>(std::min<std::int64_t>(left, 16'000));
            from.windows.stream -= static_cast<std::int64_t>(size);
            from.session.receive(h2::body(quick->id, std::string(size, 'x'), false), from.now);
            while (!from.session.take_data(*quick, 65'536).empty()) {
            }
        }
        from.hear();
    }
    EXPECT_EQ(rounds.front(), h2_window_least);
    for (std::size_t i = 1; i < rounds.size(); ++i)
        EXPECT_GE(rounds[i], std::min<std::int64_t>(mib - 128 * 1024, rounds[i - 1] * 7 / 4)) << i;
    EXPECT_LE(rounds.back(), std::int64_t{mib});
    // SETTINGS go out for it once a second at most.
    for (h2_client_stream* const each : held)
        from.session.release(*each);
    EXPECT_EQ(from.held.load(), 0U);
    (void)from.open();
    EXPECT_EQ(from.windows.initial, h2_window_least);
    from.now += 1s;
    from.session.receive(h2::frame(h2::ping, h2::ack, 0, "12345678"), from.now);
    (void)from.open();
    EXPECT_EQ(from.windows.initial, h2_window_first);
    EXPECT_EQ(from.session.breach(), h2_breach::none);
}

// Once they are read, there is room again, and new ones have the first window.
TEST(H2Windows, RoomOfResponsesComesBack) {
    downloads from(2 * mib);
    std::vector<h2_client_stream*> streams;
    for (int i = 0; i < 6; ++i) {
        streams.push_back(from.open());
        (void)from.fill(*streams.back());
    }
    EXPECT_EQ(from.windows.initial, h2_window_least);
    for (h2_client_stream* const each : streams) {
        while (!from.session.take_data(*each, 65'536).empty()) {
        }
    }
    EXPECT_EQ(from.held.load(), 0U);
    (void)from.open();
    EXPECT_EQ(from.windows.initial, h2_window_first);
    // Those that are given up give back what they had, too.
    h2_client_stream* const last = from.open();
    (void)from.fill(*last);
    EXPECT_GT(from.held.load(), 0U);
    from.session.release(*last);
    EXPECT_EQ(from.held.load(), 0U);
}

}  // namespace
}  // namespace penstock::http
