// A client on the other side of an h2_session, without a socket.
#pragma once

#include "penstock/http/h2_server_session.hpp"
#include "support/h2_frames.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

class h2_link {
 public:
    explicit h2_link(const http::h2_limits& limits = {}) : session(limits) {}

    // What the session has been ended with by then.
    http::h2_code send(std::string_view bytes, std::size_t piece = std::string_view::npos) {
        while (!bytes.empty()) {
            const std::string_view next = bytes.substr(0, piece);
            session.receive(next, now);
            session.send(out, std::string::npos);
            bytes.remove_prefix(next.size());
        }
        return session.ended_by();
    }
    http::h2_code greet() { return send(h2::hello() + h2::frame(h2::settings, h2::ack, 0)); }

    // Everything the session has said since it was last asked.
    std::vector<h2::read_frame> frames() {
        session.send(out, std::string::npos);
        std::vector<h2::read_frame> found;
        h2::read_frame next;
        while (h2::next_frame(out, next))
            found.push_back(next);
        EXPECT_EQ(out, "");
        return found;
    }
    // The only frame of that type among them; fails the test if there is none, or are more.
    h2::read_frame one(h2::type of, std::uint32_t stream) {
        h2::read_frame found;
        int count = 0;
        for (const h2::read_frame& next : frames()) {
            if (next.type == of && next.stream == stream) {
                found = next;
                ++count;
            }
        }
        EXPECT_EQ(count, 1);
        if (found.payload.size() < 8)
            found.payload.resize(8);
        return found;
    }
    http::h2_code reset_of(std::uint32_t stream) {
        return static_cast<http::h2_code>(one(h2::rst_stream, stream).number());
    }
    http::h2_code goaway() { return static_cast<http::h2_code>(one(h2::goaway, 0).number(4)); }

    http::h2_server_session session;
    std::string out;
    time_point now{1s};
};

}  // namespace penstock::test
