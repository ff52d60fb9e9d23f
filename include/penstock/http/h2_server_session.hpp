// h2_server_session: the side of an HTTP/2 connection that is asked. Requests come out of
// `next_changed`, answers go in by `respond`. In which order answers leave is what the client asks
// for (RFC 9218), by its Priority field or PRIORITY_UPDATE.
#pragma once

#include "penstock/http/h2_session.hpp"

namespace penstock::http {

struct h2_server_stream final : h2_stream {
    request_head head;
    std::string protocol;     // of an extended CONNECT (RFC 8441)
    error refused;            // the head could not be accepted: an answer of our own
    std::string sent_target;  // of a refused head, what it asked for as sent: for logs
    std::string sent_host;
    bool answered = false;  // a final response was submitted
};

class h2_server_session final : public h2_session {
 public:
    explicit h2_server_session(const h2_limits& limits);
    ~h2_server_session() override;

    // A stream that has changed since it was last returned; null if there is none. One that is
    // returned open is taken up: the owner may act on it, and no GOAWAY denies that. Behind a
    // GOAWAY none is taken up that was not before.
    [[nodiscard]] h2_server_stream* next_changed() noexcept;

    // A head that can't be written is an error, and nothing is sent. No body: the head is all.
    // `length` is announced; the body has to keep to it.
    [[nodiscard]] result<void> respond(h2_server_stream& to, const response_head& head,
                                       std::optional<std::uint64_t> length, h2_outgoing* body);
    [[nodiscard]] result<void> send_interim(h2_server_stream& to, const response_head& head);

    // GOAWAY in two steps (RFC 9113 §6.8): no new streams, please; then what was taken up so far.
    // The second is fixed as it is said: streams that were not taken up by then are over.
    void announce_end() noexcept;
    void refuse_new();

 private:
    struct request_rules;
    void begin_head(h2_stream_id id, bool opens) override;
    [[nodiscard]] verdict add_head_field(h2_stream& of, const fields::field& one) override;
    void finish_head(h2_stream& of, bool ended) override;
    void set_priority(const h2_server_stream& of) noexcept;
    void on_priority_update(h2_stream_id id) noexcept override;
    void on_reset_by_peer(h2_stream* of) noexcept override;
    void on_reset_by_us(h2_code code) noexcept override;
    [[nodiscard]] h2_code release_code(const h2_stream& of) const noexcept override;
    [[nodiscard]] std::size_t ahead_max() const noexcept override;
    [[nodiscard]] bool counts_waiting() const noexcept override { return false; }
    void count_glitch(h2_breach of) noexcept;

    std::unique_ptr<request_rules> rules_;
};

}  // namespace penstock::http
