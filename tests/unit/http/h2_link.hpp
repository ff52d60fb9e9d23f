// The other side of an h2_session, without a socket: a client (h2_link) or an origin
// (h2_origin_link).
#pragma once

#include "penstock/http/h2_client_session.hpp"
#include "penstock/http/h2_server_session.hpp"
#include "support/h2_frames.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

// Gives a session bytes in pieces and takes what it says; what it has been ended with by then.
template <class Session>
http::h2_code feed(Session& session, std::string& out, std::string_view bytes, std::size_t piece,
                   time_point now) {
    while (!bytes.empty()) {
        const std::string_view next = bytes.substr(0, piece);
        session.receive(next, now);
        session.send(out, std::string::npos);
        bytes.remove_prefix(next.size());
    }
    return session.ended_by();
}

class h2_link {
 public:
    explicit h2_link(const http::h2_limits& limits = {}) : session(limits) {}

    http::h2_code send(std::string_view bytes, std::size_t piece = std::string_view::npos) {
        return feed(session, out, bytes, piece, now);
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

// SETTINGS have been exchanged.
class h2_origin_link {
 public:
    h2_origin_link() { send(h2::frame(h2::settings, 0, 0) + h2::frame(h2::settings, h2::ack, 0)); }
    // A request without a body.
    http::h2_client_stream* open() {
        http::request_head head;
        head.method_text = "GET";
        head.scheme = "http";
        head.authority = "a.test";
        head.path = "/";
        http::h2_client_stream* const stream = session.open(head, {}, nullptr).value();
        stream->owner = this;
        session.send(out, std::string::npos);
        return stream;
    }
    http::h2_code send(std::string_view bytes, std::size_t piece = std::string_view::npos) {
        return feed(session, out, bytes, piece, now);
    }
    // The code of the RST_STREAM of that stream among all that was said; fails the test if there is
    // none.
    http::h2_code reset_of(std::uint32_t stream) {
        if (out.starts_with(h2::preface))
            out.erase(0, h2::preface.size());
        h2::read_frame next;
        while (h2::next_frame(out, next)) {
            if (next.type == h2::rst_stream && next.stream == stream)
                return static_cast<http::h2_code>(next.number());
        }
        ADD_FAILURE() << "no RST_STREAM for stream " << stream;
        return http::h2_code::no_error;
    }

    http::h2_client_session session{http::h2_limits{}};
    std::string out;
    time_point now{1s};
};

}  // namespace penstock::test
