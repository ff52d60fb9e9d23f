// h2_client_session: the side of an HTTP/2 connection that asks. `open` begins a stream with its
// request; interim heads, the response and its body come by way of `next_changed`.
//
// Windows: a stream's opens as its body is taken, the connection's as bytes arrive, so that a
// response which nobody reads does not hold up the others.
#pragma once

#include "penstock/http/h2_session.hpp"

namespace penstock::http {

struct h2_client_stream final : h2_stream {
    // What is kept of interim heads; its owner is to find that it was too much.
    static constexpr std::size_t interims_max = 101;
    static constexpr std::size_t interim_bytes_max = std::size_t{64} * 1024;

    response_head head;                   // the final one, once head_complete
    std::vector<response_head> interims;  // of those before it, what the owner has not taken away
    std::size_t interim_bytes = 0;        // decoded, of all that came
    error refused;                        // the head was too large, or its status is none
    bool begun = false;                   // something of a response came
    // The origin has not looked at the request, and it may be sent again (RFC 9113 §8.7).
    [[nodiscard]] bool unprocessed() const noexcept {
        return closed && code == h2_code::refused_stream;
    }

 private:
    friend class h2_client_session;
    response_head incoming_;
    std::size_t bytes_ = 0;
    method verb_ = method::get;
};

struct h2_request_encoding {
    std::optional<std::uint64_t> length;  // announced; the body has to keep to it
    bool trailers = false;                // TE: trailers
    std::string_view protocol;            // makes it an extended CONNECT (RFC 8441)
    bool tls = false;                     // of this connection, which its scheme has to match
};

class h2_client_session final : public h2_session {
 public:
    explicit h2_client_session(const h2_limits& limits);
    ~h2_client_session() override;

    [[nodiscard]] h2_client_stream* next_changed() noexcept {
        return static_cast<h2_client_stream*>(next_changed_stream());
    }

    // How many more streams may be opened now; none after a GOAWAY.
    [[nodiscard]] std::size_t slots() const noexcept;
    // A head that can't be written is an error, and nothing is sent. Only while there are slots.
    [[nodiscard]] result<h2_client_stream*> open(const request_head& head,
                                                 const h2_request_encoding& how, h2_outgoing* body);
    // The origin has said that it takes no new streams.
    [[nodiscard]] bool going_away() const noexcept;
    // Why, as its latest GOAWAY says; `no_error` before one has come.
    [[nodiscard]] h2_code goaway_code() const noexcept;
    // The origin's SETTINGS have come, and with them what it can do.
    [[nodiscard]] bool settings_received() const noexcept;
    [[nodiscard]] bool extended_connect() const noexcept;
    void ping() noexcept;

 private:
    void begin_head(h2_stream_id id, bool opens) override;
    [[nodiscard]] verdict add_head_field(h2_stream& of, const fields::field& one) override;
    void finish_head(h2_stream& of, bool ended) override;
    [[nodiscard]] h2_code release_code(const h2_stream& of) const noexcept override;
    [[nodiscard]] std::size_t ahead_max() const noexcept override { return SIZE_MAX; }
    [[nodiscard]] bool counts_waiting() const noexcept override { return true; }
};

}  // namespace penstock::http
