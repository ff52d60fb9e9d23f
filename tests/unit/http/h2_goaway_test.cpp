// RFC 9113 §6.8: what a GOAWAY names is what was taken up. A request above it may be sent again, so
// none of those ever reaches the owner of the session.
#include "unit/http/h2_link.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::http {
namespace {

namespace h2 = test::h2;
using link = test::h2_link;

constexpr std::size_t pieces[] = {1, std::string::npos};

// Stream 1 has been taken up.
class H2Goaway : public testing::TestWithParam<std::size_t> {
 protected:
    H2Goaway() {
        EXPECT_EQ(to.greet(), h2_code::no_error);
        EXPECT_EQ(to.send(h2::head(1, h2::get())), h2_code::no_error);
        first = to.session.next_changed();
        EXPECT_NE(first, nullptr);
        (void)to.frames();
    }
    // As it comes off a socket that takes nothing: the session has no chance to say anything.
    void receive(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::string_view next = bytes.substr(0, GetParam());
            to.session.receive(next, to.now);
            bytes.remove_prefix(next.size());
        }
    }
    // The streams that are given to the owner as ones to be served.
    std::vector<h2_stream_id> taken_up() {
        std::vector<h2_stream_id> found;
        while (h2_server_stream* const next = to.session.next_changed()) {
            if (next->closed)
                to.session.release(*next);
            else
                found.push_back(next->id);
        }
        return found;
    }
    // What the GOAWAYs name, in their order.
    std::vector<h2_stream_id> named() {
        std::vector<h2_stream_id> found;
        for (const h2::read_frame& next : to.frames()) {
            if (next.type == h2::goaway)
                found.push_back(next.number());
        }
        return found;
    }
    void expect_first_is_answered() {
        response_head head;
        head.status = 204;
        ASSERT_TRUE(to.session.respond(*first, head, std::nullopt, nullptr));
        EXPECT_FALSE(first->head_sent);
        EXPECT_EQ(to.one(h2::headers, 1).stream, 1U);
        EXPECT_TRUE(first->head_sent);
        to.session.release(*first);
        EXPECT_TRUE(to.session.over());
        EXPECT_EQ(to.session.active(), 0U);
    }

    using ids = std::vector<h2_stream_id>;
    link to;
    h2_server_stream* first = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Pieces, H2Goaway, testing::ValuesIn(pieces), [](const auto& of) {
    return of.param == 1 ? std::string("Bytes") : std::string("Whole");
});

TEST_P(H2Goaway, KeepsOutWhatComesBeforeItHasLeft) {
    to.session.refuse_new();
    receive(h2::head(3, h2::get()) + h2::head(5, h2::post(), false) + h2::body(5, "x"));
    EXPECT_EQ(taken_up(), ids());
    EXPECT_EQ(named(), ids{1});
    receive(h2::head(7, h2::get()));
    EXPECT_EQ(taken_up(), ids());
    EXPECT_FALSE(to.session.over());
    expect_first_is_answered();
}

TEST_P(H2Goaway, KeepsOutWhatWasReadAndNotTakenUp) {
    receive(h2::head(3, h2::post(), false) + h2::body(3, "x") + h2::head(5, h2::get()));
    to.session.refuse_new();
    EXPECT_EQ(taken_up(), ids());
    EXPECT_EQ(named(), ids{1});
    expect_first_is_answered();
}

TEST_P(H2Goaway, KeepsOutAHeadThatWasNotWhole) {
    const std::string block = h2::block(h2::get());
    receive(h2::frame(h2::headers, h2::end_stream, 3, block.substr(0, 5)));
    to.session.refuse_new();
    receive(h2::frame(h2::continuation, h2::end_headers, 3, block.substr(5)));
    EXPECT_EQ(taken_up(), ids());
    EXPECT_EQ(named(), ids{1});
    expect_first_is_answered();
}

TEST_P(H2Goaway, LetsInWhatComesBehindTheFirstOfTwo) {
    to.session.announce_end();
    receive(h2::head(3, h2::get()));
    EXPECT_EQ(taken_up(), ids{3});
    to.session.refuse_new();
    receive(h2::head(5, h2::get()));
    EXPECT_EQ(taken_up(), ids());
    EXPECT_EQ(named(), (ids{0x7fffffff, 3}));
}

TEST_P(H2Goaway, OfABreachKeepsOutWhatCameWithIt) {
    receive(h2::head(3, h2::get()) + h2::body(9, "x"));
    EXPECT_TRUE(to.session.ended());
    EXPECT_EQ(taken_up(), ids());
    EXPECT_EQ(named(), ids{1});
}

TEST_P(H2Goaway, OfADeadlineKeepsOutWhatWasNotTakenUp) {
    receive(h2::head(3, h2::get()));
    to.session.terminate(h2_breach::stalled);
    EXPECT_EQ(taken_up(), ids());
    EXPECT_EQ(named(), ids{1});
}

// The library ends it, and says so only as the GOAWAY leaves.
TEST_P(H2Goaway, OfTheLibraryNamesWhatMayHaveBeenTakenUp) {
    receive(h2::head(3, h2::get()) + h2::frame(h2::ping, 0, 1, "12345678"));
    EXPECT_EQ(taken_up(), ids{3});
    EXPECT_EQ(named(), ids{3});
}

TEST_P(H2Goaway, OfTheLibraryIsTheLastOne) {
    receive(h2::head(3, h2::get()) + h2::frame(h2::ping, 0, 1, "12345678"));
    to.session.refuse_new();
    EXPECT_TRUE(to.session.ended());
    EXPECT_EQ(taken_up(), ids());
    EXPECT_EQ(named(), ids{3});
}

TEST_P(H2Goaway, NeverNamesAHigherStreamThanTheOneBefore) {
    to.session.refuse_new();
    receive(h2::head(3, h2::get()) + h2::frame(h2::ping, 0, 1, "12345678"));
    EXPECT_EQ(taken_up(), ids());
    EXPECT_EQ(named(), (ids{1, 1}));
}

}  // namespace
}  // namespace penstock::http
