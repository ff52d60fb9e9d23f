// An origin that speaks HTTP/2 frame by frame, inside the script of a scripted_origin.
#pragma once

#include "support/h2_frames.hpp"
#include "support/peer.hpp"

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
        for (;;) {
            h2::read_frame next;
            while (h2::next_frame(received_, next)) {
                if (next.type == h2::settings && !next.has(h2::ack))
                    wire.send(h2::frame(h2::settings, h2::ack, 0));
                if (next.type == h2::goaway)
                    said_goodbye = next.number(4);
                if (next.type == h2::rst_stream)
                    reset = next.number();
                if (next.type == h2::headers)
                    return next.stream;
            }
            const std::string more = wire.read_some();
            if (more.empty())
                return 0;
            received_ += more;
        }
    }
    void answer(std::uint32_t stream, const h2::field_list& fields = {{":status", "200"}}) {
        wire.send(h2::head(stream, fields));
    }

    peer& wire;
    std::uint32_t said_goodbye = 0xffff;
    std::uint32_t reset = 0xffff;

 private:
    std::string received_;
};

}  // namespace penstock::test
