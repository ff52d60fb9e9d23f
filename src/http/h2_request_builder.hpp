// h2_request_builder: decoded fields → the head of a request (RFC 9113 §8.2, §8.3), counted before
// anything is stored. Nobody has looked at them before: what two readers could take for two
// messages ends here.
#pragma once

#include "http/h2_priority.hpp"
#include "penstock/http/h1_head.hpp"
#include "penstock/http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::http {

// A field that HTTP/2 can carry (RFC 9113 §8.2): its name in lower case, a value without control
// bytes or white space around it, and nothing that is meant for one connection. No pseudo-field is.
[[nodiscard]] bool is_h2_field(const fields::field& one) noexcept;

class h2_request_builder {
 public:
    static constexpr std::size_t crumbs_max = 200;  // cookie fields, beside the count of the others

    // With `extended_connect`, a request may name a :protocol (RFC 8441).
    h2_request_builder(const head_limits& limits, bool extended_connect) noexcept
        : limits_(limits), extended_connect_(extended_connect) {}

    // False once so much came that the connection has to end: decoding goes on for as long as the
    // peer wishes otherwise.
    [[nodiscard]] bool add(const fields::field& one, request_head& into);
    // After the last field: an error that is answered by a status of its own, or none. Says nothing
    // of a head that is `malformed`.
    [[nodiscard]] error finish(request_head& into);
    // It is no request at all (RFC 9113 §8.1.1): its stream is reset. Known after `finish`.
    [[nodiscard]] bool malformed() const noexcept { return malformed_; }
    // RFC 8441: the value of :protocol; empty if there was none.
    [[nodiscard]] std::string_view protocol() const noexcept { return protocol_; }
    // As sent, as far as they were looked at.
    [[nodiscard]] std::string_view sent_target() const noexcept { return target_; }
    [[nodiscard]] std::string_view sent_authority() const noexcept { return authority_; }
    // What the client wishes; null if it says nothing.
    [[nodiscard]] const h2_priority* priority() const noexcept {
        return priority_ ? &*priority_ : nullptr;
    }

    // Whatever else is wrong with it: more was decoded than a head may have.
    [[nodiscard]] bool exceeds_limit() const noexcept { return bytes_ > limits_.head; }

 private:
    enum pseudo : std::uint8_t {
        none = 0,
        method = 1,
        scheme = 2,
        authority = 4,
        path = 8,
        protocol_name = 16
    };

    [[nodiscard]] static pseudo pseudo_of(std::string_view name) noexcept;
    void add_pseudo(std::string_view name, std::string_view value, request_head& into);
    void add_field(const fields::field& one, request_head& into);
    [[nodiscard]] bool has_what_it_needs(const request_head& head) const noexcept;
    [[nodiscard]] error agree_on_host(request_head& into);
    void fail(errc why) noexcept {
        if (why_ == errc{})
            why_ = why;
    }

    head_limits limits_;
    std::string target_;
    std::string protocol_;
    std::string authority_;
    std::string cookie_;
    bool cookie_never_indexed_ = false;  // as soon as one of its crumbs is
    bool extended_connect_;
    bool malformed_ = false;
    bool fields_begun_ = false;  // no pseudo-field may follow
    std::uint8_t seen_ = none;   // of `pseudo`
    std::optional<std::string> host_;
    std::optional<h2_priority> priority_;
    std::size_t bytes_ = 0;
    std::size_t count_ = 0;
    std::size_t crumbs_ = 0;
    errc why_{};
};

}  // namespace penstock::http
