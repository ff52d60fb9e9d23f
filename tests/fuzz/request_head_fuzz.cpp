// Any bytes as a request head: the verdict is the same however they are cut, and what is understood
// serialises to a head that reads the same again.
#include "penstock/base/check.hpp"
#include "penstock/http/h1_head.hpp"
#include "penstock/http/refused_head.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using namespace penstock;

namespace {

struct verdict {
    std::optional<std::size_t> length;
    error failed;
    bool operator==(const verdict&) const = default;
};

http::head_limits small_limits() {
    http::head_limits limits;
    limits.head = 2048;
    limits.line = 256;
    limits.field = 512;
    limits.count = 16;
    return limits;
}

verdict judge(std::string_view bytes, std::size_t step, http::request_head& into) {
    http::h1_request_parser parser(small_limits());
    for (std::size_t known = step < bytes.size() ? step : bytes.size();; known += step) {
        if (known > bytes.size())
            known = bytes.size();
        // A copy of its own, so that the address sanitizer sees a read past what was received.
        const std::string received(bytes.substr(0, known));
        const auto fed = parser.feed(received, into);
        if (!fed)
            return {std::nullopt, fed.error()};
        if (*fed)
            return {**fed, {}};
        if (known == bytes.size())
            return {};
    }
}

// What is said of a refused head is in our own words; what is shown of it was sent.
void check_explanation(std::string_view bytes, error why) {
    const http::head_glance seen = http::glance_at(bytes);
    for (const std::string_view part : {seen.method, seen.target, seen.host, seen.user_agent})
        PENSTOCK_CHECK(part.empty() || (part.data() >= bytes.data() &&
                                        part.data() + part.size() <= bytes.data() + bytes.size()));
    const std::string rule = http::explain(why, {bytes, seen.target});
    PENSTOCK_CHECK(!rule.empty() && rule.size() <= http::explained_max);
    for (const char c : rule)
        PENSTOCK_CHECK(c >= 0x20 && c <= 0x7e && c != '"' && c != '\\');
}

void check_round_trip(http::request_head& head) {
    if (head.authority.empty() || head.verb == http::method::connect)
        return;
    for (const auto id :
         {http::field_id::connection, http::field_id::content_length, http::field_id::upgrade,
          http::field_id::transfer_encoding, http::field_id::te})
        head.fields.remove(id);
    std::string text;
    PENSTOCK_CHECK(http::encode_request(head, {}, text));
    http::request_head again;
    http::head_limits limits;
    http::h1_request_parser parser(limits);
    const auto fed = parser.feed(text, again);
    PENSTOCK_CHECK(fed && *fed == text.size());
    PENSTOCK_CHECK(again.path == head.path && again.query == head.query);
    PENSTOCK_CHECK(again.authority == head.authority && again.fields.size() == head.fields.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    http::request_head whole;
    http::request_head cut;
    const verdict first = judge(bytes, bytes.size() + 1, whole);
    PENSTOCK_CHECK(first == judge(bytes, 1, cut));
    if (first.failed)
        check_explanation(bytes, first.failed);
    if (first.length) {
        PENSTOCK_CHECK(*first.length <= bytes.size());
        check_round_trip(whole);
    }
    return 0;
}
