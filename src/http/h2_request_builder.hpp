// h2_request_builder: decoded fields → the head of a request (RFC 9113 §8.3), counted before
// anything is stored. The library has checked names, values and which pseudo-fields are there; what
// is left is what they mean.
#pragma once

#include "penstock/http/h1_head.hpp"
#include "penstock/http/message.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace penstock::http {

class h2_request_builder {
 public:
    static constexpr std::size_t crumbs_max = 200;  // cookie fields, beside the count of the others
    static constexpr std::size_t field_overhead = 32;

    explicit h2_request_builder(const head_limits& limits) noexcept : limits_(limits) {}

    // False once so much came that the connection has to end: decoding goes on for as long as the
    // peer wishes otherwise.
    [[nodiscard]] bool add(const fields::field& one, request_head& into);
    // After the last field: an error that is answered by a status of its own, or none.
    [[nodiscard]] error finish(request_head& into);
    // RFC 8441: the value of :protocol; empty if there was none.
    [[nodiscard]] std::string_view protocol() const noexcept { return protocol_; }

    // Whatever else is wrong with it: more was decoded than a head may have.
    [[nodiscard]] bool exceeds_limit() const noexcept { return bytes_ > limits_.head; }

 private:
    void add_pseudo(std::string_view name, std::string_view value, request_head& into);
    void add_field(const fields::field& one, request_head& into);
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
    std::optional<std::string> host_;
    std::size_t bytes_ = 0;
    std::size_t count_ = 0;
    std::size_t crumbs_ = 0;
    errc why_{};
};

}  // namespace penstock::http
