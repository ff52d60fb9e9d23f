// An origin that speaks HTTP/2 frame by frame, inside the script of a scripted_origin.
#pragma once

#include "support/h2_frames.hpp"
#include "support/peer.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace penstock::test {

// One connection of an origin, frame by frame. SETTINGS are exchanged before anything else.
class h2_server {
 public:
    explicit h2_server(peer& over) : wire(over) {
        (void)wire.read_exactly(h2::preface.size());
        wire.send(h2::frame(h2::settings, 0, 0));
    }
    // The next request's stream; what else comes is acknowledged or passed over. 0 at the end.
    std::uint32_t request() {
        while (read()) {
            if (last.type == h2::headers)
                return last.stream;
        }
        return 0;
    }
    // Reads until so many bytes of the latest request's body are there; false if they do not come.
    bool body_of(std::size_t bytes) {
        while (body.size() < bytes) {
            if (!read() || last.type == h2::rst_stream)
                return false;
        }
        return true;
    }
    // Reads one frame; false at the end of the connection.
    bool read() {
        while (!h2::next_frame(received_, last)) {
            const std::string more = wire.read_some();
            if (more.empty())
                return false;
            received_ += more;
        }
        if (last.type == h2::settings && !last.has(h2::ack))
            wire.send(h2::frame(h2::settings, h2::ack, 0));
        if (last.type == h2::goaway)
            said_goodbye = last.number(4);
        if (last.type == h2::rst_stream)
            reset = last.number();
        if (last.type == h2::headers)
            body.clear();
        if (last.type == h2::data)
            body += last.payload;
        const bool of_message = last.type == h2::headers || last.type == h2::data;
        if (of_message)
            ended = last.has(h2::end_stream);
        return true;
    }
    void answer(std::uint32_t stream, const h2::field_list& fields = {{":status", "200"}}) {
        wire.send(h2::head(stream, fields));
    }

    peer& wire;
    h2::read_frame last;
    std::string body;  // of the latest request
    bool ended = false;
    std::uint32_t said_goodbye = 0xffff;
    std::uint32_t reset = 0xffff;

 private:
    std::string received_;
};

}  // namespace penstock::test
