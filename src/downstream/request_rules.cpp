#include "downstream/request_rules.hpp"

#include "penstock/http/error.hpp"

namespace penstock::downstream {
namespace {

using http::field_id;

bool has_body(const http::framing& framing) noexcept {
    return framing.kind == http::framing_kind::chunked || framing.length > 0;
}

// RFC 9110 §10.1.1, and not a byte beyond it: an Expect that two readers could read in two ways is
// how a body is smuggled past one of them.
error judge_expect(http::request_head& head, bool body, request_facts& facts) {
    const std::size_t count = head.fields.count(field_id::expect);
    if (count == 0)
        return {};
    if (count > 1 || !http::equal_nocase(*head.fields.find(field_id::expect), "100-continue"))
        return http::errc::bad_expectation;
    facts.expects_continue = body && head.version != http::version::http_1_0;
    if (!facts.expects_continue)
        head.fields.remove(field_id::expect);
    return {};
}

error judge_upgrade(http::request_head& head, bool body, request_facts& facts) {
    const bool asked = head.fields.count(field_id::upgrade) > 0;
    facts.wants_websocket = asked && head.verb == http::method::get &&
                            head.version == http::version::http_1_1 &&
                            head.fields.has_token(field_id::connection, "upgrade") &&
                            head.fields.has_token(field_id::upgrade, "websocket");
    head.fields.remove(field_id::upgrade);
    head.fields.remove(field_id::http2_settings);
    // Where the new protocol's bytes would begin must not depend on who reads.
    if (asked && body)
        return http::errc::body_not_allowed;
    return {};
}

}  // namespace

result<request_facts> judge_request(http::request_head& head) {
    const result<http::framing> framing = http::request_framing(head);
    if (!framing)
        return framing.error();
    request_facts facts;
    facts.framing = *framing;
    facts.keeps_alive = http::keeps_alive(head.version, head.fields);
    facts.accepts_trailers =
        head.version == http::version::http_1_1 && head.fields.has_token(field_id::te, "trailers");
    const bool body = has_body(*framing);
    if (const error wrong = judge_expect(head, body, facts))
        return wrong;
    if (const error wrong = judge_upgrade(head, body, facts))
        return wrong;
    return facts;
}

}  // namespace penstock::downstream
