// Variables in values that leave with a message: `${name}` stands for what is known of the request,
// `$$` for a dollar; any other '$' is one. Which names there are and where each has a value is
// said here alone. What they are replaced by is `proxy`'s business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

enum class variable : std::uint8_t {
    scheme,      // that the client used: http or https
    host,        // that it asked for, without port
    port,        // that it asked for
    path,        // as it is forwarded: as received, with dot segments resolved
    query,       // with its '?', or empty
    uri,         // path and query
    method,      //
    client_ip,   //
    listener,    // names of the configuration
    route,       //
    upstream,    //
    request_id,  //
    header,      // a field of the request: its first value
    cookie,      // its value
    arg,         // of the query, as received
    capture,     // of the regex that matched the path
    tls_sni,     //
    tls_client_subject,
    status,  // of the response
    reason,  // why a reply is our own; "none" for any other
};

// Where a text stands: it decides which variables have a value and how that is escaped.
enum class text_place : std::uint8_t {
    request_header,   // of a request to an origin
    response_header,  // of any response to a client
    url,              // of a redirect
    url_host,
    url_path,
    url_query,
    body,  // of a reply
    rewritten_path,
    rewritten_host,
};

// A literal, or a variable with what follows its dot: `${header.Accept}`.
struct text_piece {
    std::string literal;
    std::optional<variable> what;
    std::string argument;
};

struct parsed_text {
    std::vector<text_piece> pieces;
    std::string message;  // what is wrong; empty = nothing
    std::string hint;

    [[nodiscard]] bool ok() const noexcept { return message.empty(); }
};

// Cuts a text into its pieces; neighbouring literals are one piece. An unknown name, one without a
// value at that place, a missing or needless argument and a '${' without its '}' are errors.
[[nodiscard]] parsed_text parse_variables(std::string_view text, text_place at);
// Whether some variable of a text that was checked is this one.
[[nodiscard]] bool uses(std::string_view text, text_place at, variable what);

}  // namespace penstock::config
