// text_pattern: a text of the configuration with its variables, cut into pieces once per generation
// and put together for each request that needs it. What a client sent is escaped as the place
// requires: in a URL with percent signs, in HTML and JSON as those want it, in a field without
// control bytes.
#pragma once

#include "penstock/config/variables.hpp"
#include "penstock/exchange/exchange.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::proxy {

// What variables stand for. Of the request, what its client said is taken from the record, which
// edits and rewrites leave alone.
struct text_facts {
    const exchange::request& request;
    std::string_view upstream;  // empty = the record's
    int status = 0;
    exchange::reason why = exchange::reason::none;
};

class text_pattern {
 public:
    enum class markup : std::uint8_t { none, html, json };

    text_pattern() = default;
    // `text` has passed config::parse_variables for that place. `body` says what a body is
    // written in.
    text_pattern(std::string_view text, config::text_place at, markup body = markup::none);

    // Without variables; then literal() is all of it.
    [[nodiscard]] bool is_literal() const noexcept { return pieces_.empty(); }
    [[nodiscard]] const std::string& literal() const noexcept { return literal_; }
    // Appends.
    void expand(const text_facts& of, std::string& to) const;
    // The whole text, which lives in `scratch` if it has variables.
    [[nodiscard]] std::string_view text(const text_facts& of, std::string& scratch) const;

 private:
    enum class escape : std::uint8_t { field, url, url_part, html, json, plain };
    struct piece {
        config::text_piece from;
        escape how = escape::plain;
    };
    static escape escape_of(config::variable what, config::text_place at, markup body) noexcept;
    static void append(std::string_view value, escape how, std::string& to);

    std::string literal_;
    std::vector<piece> pieces_;
};

}  // namespace penstock::proxy
