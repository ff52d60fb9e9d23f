// RFC 9218 on the side that answers: whose body leaves next when several wait for the connection.
#include "penstock/http/h2_server_session.hpp"

#include "unit/http/h2_link.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {
namespace {

namespace h2 = test::h2;
using testing::ElementsAre;

constexpr std::size_t frame_bytes = 16384;
constexpr auto priority_update = static_cast<h2::type>(0x10);

// A body of so many bytes, all of which are there.
class ready_body final : public h2_outgoing {
 public:
    explicit ready_body(std::size_t size) : left_(size, 'x') {}
    piece take(std::size_t max) override {
        now_ = left_.substr(0, max);
        left_.erase(0, now_.size());
        return {now_, left_.empty(), false};
    }
    const fields* trailers() const noexcept override { return nullptr; }

 private:
    std::string left_;
    std::string now_;
};

// A client with room for whatever comes, once it opens the connection's window; until then no body
// leaves.
class H2Priority : public testing::Test {
 protected:
    H2Priority() {
        EXPECT_EQ(to.greet(), h2_code::no_error);
        EXPECT_EQ(to.send(h2::setting(4, 1 << 24)), h2_code::no_error);
        // Uses up the window of the connection.
        ask(1, "");
        answer(1, 65535);
        (void)order();
    }

    // A request with that value of the field; none if it is empty.
    void ask(std::uint32_t id, const std::string& priority) {
        h2::field_list fields = h2::get();
        if (!priority.empty())
            fields.emplace_back("priority", priority);
        ASSERT_EQ(to.send(h2::head(id, fields)), h2_code::no_error);
        h2_server_stream* stream = to.session.next_changed();
        // Those before it have changed too if they are over.
        while (stream != nullptr && stream->id != id)
            stream = to.session.next_changed();
        ASSERT_NE(stream, nullptr);
        EXPECT_FALSE(stream->refused);
        streams[id] = stream;
    }
    void answer(std::uint32_t id, std::size_t bytes = 3 * frame_bytes) {
        response_head head;
        head.status = 200;
        ASSERT_TRUE(streams.contains(id));
        ASSERT_TRUE(to.session.respond(*streams[id], head, bytes, &bodies.emplace_back(bytes)));
    }
    // Asks for those streams, in that order, and answers them in the same.
    void both(const std::string& priority_of_3, const std::string& priority_of_5) {
        ask(3, priority_of_3);
        ask(5, priority_of_5);
        answer(3);
        answer(5);
        EXPECT_THAT(order(), ElementsAre());
    }
    void update(std::uint32_t id, std::string_view value) {
        const std::string payload = h2::number(id).append(value);
        ASSERT_EQ(to.send(h2::frame(priority_update, 0, 0, payload)), h2_code::no_error);
    }
    void open_window(std::uint32_t by = 1 << 24) {
        ASSERT_EQ(to.send(h2::window(0, by)), h2_code::no_error);
    }
    // Of which stream each DATA frame is that has left since it was last asked.
    std::vector<std::uint32_t> order() {
        std::vector<std::uint32_t> found;
        for (const h2::read_frame& next : to.frames()) {
            if (next.type == h2::data)
                found.push_back(next.stream);
        }
        return found;
    }

    std::list<ready_body> bodies;  // before `to`, which asks them for more
    test::h2_link to;
    std::map<std::uint32_t, h2_server_stream*> streams;
};

// §4.1: a lower number goes first, and 3 is what no number stands for.
TEST_F(H2Priority, LowerUrgencyNumberLeavesFirst) {
    both("u=5", "u=1");
    open_window();
    EXPECT_THAT(order(), ElementsAre(5, 5, 5, 3, 3, 3));
}

TEST_F(H2Priority, RequestWithoutOneHasUrgency3) {
    both("u=4", "");
    ask(7, "u=2");
    answer(7);
    open_window();
    EXPECT_THAT(order(), ElementsAre(7, 7, 7, 5, 5, 5, 3, 3, 3));
}

TEST_F(H2Priority, MoreUrgentOneOvertakesABodyThatHasBegun) {
    ask(3, "u=3");
    answer(3);
    open_window(frame_bytes);
    EXPECT_THAT(order(), ElementsAre(3));
    ask(5, "u=0");
    answer(5);
    open_window();
    EXPECT_THAT(order(), ElementsAre(5, 5, 5, 3, 3));
}

// §7.1: for a stream that is open, and for one that is about to be.
TEST_F(H2Priority, UpdateOfAnOpenStreamCounts) {
    both("", "");
    update(5, "u=1");
    open_window();
    EXPECT_THAT(order(), ElementsAre(5, 5, 5, 3, 3, 3));
}

TEST_F(H2Priority, UpdateMayAlsoPutAStreamBack) {
    both("u=1", "");
    update(3, "u=6");
    open_window();
    EXPECT_THAT(order(), ElementsAre(5, 5, 5, 3, 3, 3));
}

TEST_F(H2Priority, UpdateInFrontOfItsRequestCounts) {
    update(5, "u=1");
    both("", "");
    open_window();
    EXPECT_THAT(order(), ElementsAre(5, 5, 5, 3, 3, 3));
}

// §4.2 and §10: a body that is of use only as a whole is not cut up by its equals.
TEST_F(H2Priority, EqualsLeaveOneAfterTheOther) {
    both("u=2", "u=2");
    open_window();
    EXPECT_THAT(order(), ElementsAre(3, 3, 3, 5, 5, 5));
}

TEST_F(H2Priority, IncrementalEqualsAlternate) {
    both("u=2, i", "u=2, i");
    open_window();
    EXPECT_THAT(order(), ElementsAre(3, 5, 3, 5, 3, 5));
}

TEST_F(H2Priority, UpdateMayMakeStreamsIncremental) {
    both("", "");
    update(3, "i");
    update(5, "i");
    open_window();
    EXPECT_THAT(order(), ElementsAre(3, 5, 3, 5, 3, 5));
}

TEST_F(H2Priority, IncrementalOnesWaitForTheMoreUrgent) {
    both("u=4, i", "u=4, i");
    ask(7, "u=2");
    answer(7);
    open_window();
    EXPECT_THAT(order(), ElementsAre(7, 7, 7, 3, 5, 3, 5, 3, 5));
}

// §4: what cannot be read is as if it were not there, and costs its request nothing.
TEST_F(H2Priority, ValueThatCannotBeReadIsIgnored) {
    std::uint32_t id = 3;
    for (const std::string value :
         {"u", "u=", "u=8", "u=-1", "u=1.5", "u=\"1\"", "=", "u=1,,", "(", "i=2", "\x80"}) {
        SCOPED_TRACE(value);
        ask(id, value);
        ask(id + 2, "u=2");
        answer(id);
        answer(id + 2);
        open_window(6 * frame_bytes);
        // It has urgency 3, and no other.
        const std::uint32_t next = id + 2;
        EXPECT_THAT(order(), ElementsAre(next, next, next, id, id, id));
        id += 4;
    }
}

TEST_F(H2Priority, UpdateThatCannotBeReadIsIgnored) {
    both("u=2", "u=1");
    for (const std::string_view value : {"u=", "u=8", "(", "\x80"})
        update(3, value);
    open_window();
    EXPECT_THAT(order(), ElementsAre(5, 5, 5, 3, 3, 3));
}

TEST_F(H2Priority, ParametersThatAreNotKnownAreIgnored) {
    both("u=5, x=1;y, z", "u=1;a=b, x");
    open_window();
    EXPECT_THAT(order(), ElementsAre(5, 5, 5, 3, 3, 3));
}

}  // namespace
}  // namespace penstock::http
