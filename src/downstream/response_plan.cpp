#include "downstream/response_plan.hpp"

namespace penstock::downstream {
namespace {

// HEAD, 204 and 304: a head that ends the message, with a length for information at most.
void plan_bodyless(const exchange::response& with, response_plan& plan) {
    plan.encoding.body = {http::framing_kind::none, 0};
    if (with.head.status == 204)
        return;
    std::optional<std::uint64_t> length = with.announced_length;
    if (!length && with.body)
        length = with.body->length();
    if (!length)
        return;
    plan.encoding.length_known = true;
    plan.encoding.body.length = *length;
}

}  // namespace

response_plan plan_response(const asked& by, const exchange::response& with, bool keep_alive) {
    response_plan plan;
    plan.encoding.to = by.version;
    plan.encoding.keep_alive = keep_alive;
    if (with.upgraded) {
        plan.encoding.upgrade = by.upgrade;
        plan.encoding.body = {http::framing_kind::none, 0};
        plan.sends_body = with.body != nullptr;
        return plan;
    }
    const int status = with.head.status;
    if (by.verb == http::method::head || status == 204 || status == 304) {
        plan_bodyless(with, plan);
        return plan;
    }
    if (!with.body || !by.verb) {
        plan.encoding.body = {http::framing_kind::length, 0};
        return plan;
    }
    plan.sends_body = true;
    const std::optional<std::uint64_t> length = with.body->length();
    // Of an empty body with trailers a length would leave them no place.
    const bool only_trailers = length == std::uint64_t{0} &&
                               by.version != http::version::http_1_0 && with.body->finished() &&
                               !with.body->trailers().empty();
    if (length && !only_trailers) {
        plan.encoding.body = {http::framing_kind::length, *length};
    } else if (by.version == http::version::http_1_0) {
        plan.encoding.body = {http::framing_kind::until_close, 0};
        plan.encoding.keep_alive = false;
    } else {
        plan.encoding.body = {http::framing_kind::chunked, 0};
    }
    return plan;
}

}  // namespace penstock::downstream
