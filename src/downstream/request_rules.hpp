// request_rules: what a request's head means for this side: how its body is framed, whether the
// connection may live on, what the client waits for and asks to be switched to. Pure; the grammar
// was the parser's, statuses are the handler's.
#pragma once

#include "penstock/config/model.hpp"
#include "penstock/exchange/record.hpp"
#include "penstock/http/h1_head.hpp"

#include <string>

namespace penstock::downstream {

struct request_facts {
    http::framing framing;
    bool keeps_alive = false;
    bool expects_continue = false;
    bool wants_websocket = false;
    std::string upgrade;  // the protocols that the client offers, if one could be followed
    bool accepts_trailers = false;
};

// Also drops from the head what stops here: every Upgrade (the encoder writes the one we serve
// itself), HTTP2-Settings, and an Expect that nobody has to answer. Whether a body may stand behind
// an Upgrade depends on the route, so the handler judges that.
[[nodiscard]] result<request_facts> judge_request(http::request_head& head);

// RFC 9110 §10.1.1, and not a byte beyond it, of any version: true if the client waits for 100.
// Drops an Expect that nobody has to answer.
[[nodiscard]] result<bool> judge_expect(http::request_head& head, bool body);

// What the listener says about paths, done to one and to what its record says of it:
// errc::escaped_separator, with its detail, where it wants none.
[[nodiscard]] error judge_path(http::request_head& head, const config::path_rules& by,
                               exchange::record& of);

}  // namespace penstock::downstream
