// Any bytes as a response head: the verdict is the same however they are cut, its framing is one of
// the four, and what is understood serialises to a head that reads the same again.
#include "penstock/base/check.hpp"
#include "penstock/http/forwarding.hpp"
#include "penstock/http/h1_head.hpp"

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

verdict judge(std::string_view bytes, std::size_t step, http::response_head& into) {
    http::head_limits limits;
    limits.head = 2048;
    limits.line = 256;
    limits.field = 512;
    limits.count = 16;
    http::h1_response_parser parser(limits);
    for (std::size_t known = step < bytes.size() ? step : bytes.size();; known += step) {
        if (known > bytes.size())
            known = bytes.size();
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

void check_meaning(http::response_head& head) {
    for (const auto verb : {http::method::get, http::method::head}) {
        const auto framing = http::response_framing(head, verb);
        const bool bodyless = head.status < 200 || head.status == 204 || head.status == 304;
        if (framing && bodyless)
            PENSTOCK_CHECK(framing->kind == http::framing_kind::none);
    }
    http::strip_hop_by_hop(head.fields);
    head.fields.remove(http::field_id::host);
    std::string text;
    PENSTOCK_CHECK(http::encode_response(head, {}, text));
    http::response_head again;
    http::head_limits limits;
    http::h1_response_parser parser(limits);
    const auto fed = parser.feed(text, again);
    PENSTOCK_CHECK(fed && *fed == text.size());
    PENSTOCK_CHECK(again.status == head.status && again.fields.size() == head.fields.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    http::response_head whole;
    http::response_head cut;
    const verdict first = judge(bytes, bytes.size() + 1, whole);
    PENSTOCK_CHECK(first == judge(bytes, 1, cut));
    if (first.length) {
        PENSTOCK_CHECK(*first.length <= bytes.size());
        check_meaning(whole);
    }
    return 0;
}
