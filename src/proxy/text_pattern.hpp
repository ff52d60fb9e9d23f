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

// What variables stand for. What a client said of its target is taken from the record, which edits
// and rewrites leave alone; its fields from those that were kept, or from the head of a request
// that nothing has edited.
struct text_facts {
    const exchange::request& request;
    std::string_view upstream;  // empty = the record's
    int status = 0;
    exchange::reason why = exchange::reason::none;
};

// What a body is written in, which is how values are escaped in it.
enum class markup : std::uint8_t { none, html, json };
// By the Content-Type of a response. A browser guesses where there is none, or none that says
// anything, and may guess HTML.
[[nodiscard]] markup markup_of(const http::fields& of) noexcept;

class text_pattern {
 public:
    text_pattern() = default;
    // `text` has passed config::parse_variables for that place.
    text_pattern(std::string_view text, config::text_place at);

    // Without variables; then literal() is all of it.
    [[nodiscard]] bool is_literal() const noexcept { return pieces_.empty(); }
    [[nodiscard]] const std::string& literal() const noexcept { return literal_; }
    // Appends. `in` counts for the text of a body.
    void expand(const text_facts& of, std::string& to, markup in = markup::none) const;
    // The whole text, which lives in `scratch` if it has variables.
    [[nodiscard]] std::string_view text(const text_facts& of, std::string& scratch) const;
    // Adds the names of the request's fields that the text reads.
    void add_fields_read(std::vector<std::string>& to) const;

 private:
    enum class escape : std::uint8_t {
        plain,
        field,
        body,
        url,        // a part of a URL as one
        url_value,  // a part of a URL as the value of a parameter: one decoding brings it back
        argument,   // a value of a query, which is encoded as such
        part,       // what is no part of a URL
    };
    struct piece {
        config::text_piece from;
        escape how = escape::plain;
    };
    class position;

    std::string literal_;
    std::vector<piece> pieces_;
};

// Keeps the fields of these names as they came, for texts that are put together when the head has
// been edited. Without names nothing is kept.
void keep_fields(exchange::request& of, const std::vector<std::string>& names);

}  // namespace penstock::proxy
