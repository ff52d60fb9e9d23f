// Location fields of origins that name the origin itself: a client cannot go there, so they are
// given the scheme and the authority that it knows, as nginx's proxy_redirect does.
#pragma once

#include "penstock/http/message.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock::proxy {

struct origin_names {
    std::string_view scheme;            // spoken with the origin
    std::string_view endpoint;          // its address as configured, "app.internal:8080"
    std::string_view client_scheme;     // that the client used
    std::string_view client_authority;  // that it asked for; empty = it named none
};

// Where the URL of a Refresh begins: "5; url=…", perhaps in quotes, with blanks anywhere, as
// browsers read it; the size of the value if there is none.
[[nodiscard]] std::size_t url_in_refresh(std::string_view value) noexcept;
// True if one of these fields may be there; of most responses none is.
[[nodiscard]] bool names_location(const http::response_head& of) noexcept;
// Of Location, Content-Location and Refresh. `scratch` is used.
void rewrite_locations(http::response_head& of, const origin_names& by, std::string& scratch);

}  // namespace penstock::proxy
