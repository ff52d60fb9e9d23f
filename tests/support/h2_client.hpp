// A client that speaks HTTP/2 frame by frame over a peer: sends exactly what it is told, and
// gathers what comes back by stream. Acknowledges SETTINGS and PINGs; gives no window back by
// itself.
#pragma once

#include "support/h2_frames.hpp"
#include "support/peer.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

struct h2_response {
    std::vector<h2::field_list> heads;  // the interim ones, the final one, trailers
    std::string body;
    bool ended = false;
    std::optional<std::uint32_t> reset;

    [[nodiscard]] bool over() const noexcept { return ended || reset.has_value(); }
    [[nodiscard]] int status() const;                // of the final head; 0 = none
    [[nodiscard]] std::vector<int> interim() const;  // those before it
    [[nodiscard]] std::string field(std::string_view name) const;
    [[nodiscard]] std::string trailer(std::string_view name) const;

 private:
    [[nodiscard]] std::size_t final_at() const;
};

class h2_client {
 public:
    // Connects, and sends preface and SETTINGS.
    explicit h2_client(std::uint16_t port, bool tls = false);

    void send(std::string_view bytes) { wire.send(bytes); }
    // Reads until the stream is over, and returns what came of it.
    const h2_response& response(std::uint32_t stream, milliseconds limit = patience);
    // Reads until so many body bytes of the stream are there.
    const h2_response& body(std::uint32_t stream, std::size_t bytes);
    // Reads until a GOAWAY with a code other than NO_ERROR, or the connection's end.
    std::optional<std::uint32_t> goaway();
    // Reads one frame; false at the end of the connection.
    bool read(milliseconds limit = patience);
    // Windows of the connection and of a stream.
    void open_window(std::uint32_t stream, std::uint32_t by);

    peer wire;
    std::map<std::uint32_t, h2_response> responses;
    std::map<std::uint32_t, std::uint32_t> settings;
    std::vector<h2::read_frame> goaways;
    h2::read_frame last;

 private:
    void take(const h2::read_frame& next);

    std::string received_;
    h2::inflater inflater_;
};

}  // namespace penstock::test
