// Edits of message heads that a route asks for, in the order remove, set, add.
#pragma once

#include "penstock/config/model.hpp"
#include "penstock/http/message.hpp"

namespace penstock::proxy {

// `Host` among the set fields rewrites the authority that the origin sees.
void edit_request(http::request_head& head, const config::header_edits& by);
void edit_response(http::response_head& head, const config::header_edits& by);

}  // namespace penstock::proxy
