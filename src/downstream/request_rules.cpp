#include "downstream/request_rules.hpp"

#include "penstock/http/error.hpp"
#include "penstock/http/path.hpp"

namespace penstock::downstream {
namespace {

using http::field_id;

bool has_body(const http::framing& framing) noexcept {
    return framing.kind == http::framing_kind::chunked || framing.length > 0;
}

// What no route could follow is as if it had not been sent (RFC 9110 §7.8). Several lines are one
// list.
void judge_upgrade(http::request_head& head, request_facts& facts) {
    if (head.fields.count(field_id::upgrade) > 0) {
        const bool verb = head.verb == http::method::get || head.verb == http::method::post;
        const bool asked = verb && head.version == http::version::http_1_1 &&
                           head.fields.has_token(field_id::connection, "upgrade");
        for (const http::fields::field one : head.fields) {
            if (asked && one.id == field_id::upgrade)
                facts.upgrade.append(facts.upgrade.empty() ? "" : ",").append(one.value);
        }
        facts.wants_websocket = asked && head.verb == http::method::get &&
                                head.fields.has_token(field_id::upgrade, "websocket");
        head.fields.remove(field_id::upgrade);
    }
    head.fields.remove(field_id::http2_settings);
}

}  // namespace

// An Expect that two readers could read in two ways is how a body is smuggled past one of them.
result<bool> judge_expect(http::request_head& head, bool body) {
    const std::size_t count = head.fields.count(field_id::expect);
    if (count == 0)
        return false;
    if (count > 1 || !http::equal_nocase(*head.fields.find(field_id::expect), "100-continue"))
        return result<bool>(boost::system::in_place_error, http::errc::bad_expectation);
    const bool expects = body && head.version != http::version::http_1_0;
    if (!expects)
        head.fields.remove(field_id::expect);
    return expects;
}

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
    const result<bool> expects = judge_expect(head, body);
    if (!expects)
        return expects.error();
    facts.expects_continue = *expects;
    judge_upgrade(head, facts);
    return facts;
}

error judge_path(http::request_head& head, const config::path_rules& by, exchange::record& of) {
    if (head.escaped_slash && by.encoded_slash == config::encoded_slash::refuse) {
        const error wrong = http::errc::escaped_separator;
        of.detail = wrong.message();
        return wrong;
    }
    if (!head.sent_path.empty() && by.merge_slashes == config::merged_slashes::forward) {
        http::merge_slashes(head);
        of.path.assign(head.forwarded_path()).append(head.query);
    }
    return {};
}

}  // namespace penstock::downstream
