// Any bytes as a target and as an authority: what is accepted is in its normal form, which is its
// own normal form, and holds nothing that origins could read in another way.
#include "penstock/base/check.hpp"
#include "penstock/http/target.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace penstock;

namespace {

bool holds(std::string_view text, std::string_view what) {
    return text.find(what) != std::string_view::npos;
}

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
}

void check_target(std::string_view text) {
    std::string path;
    std::string query;
    if (!http::normalize_target(text, path, query)) {
        PENSTOCK_CHECK(path.empty() && query.empty());
        return;
    }
    PENSTOCK_CHECK(path.starts_with('/') && is_visible(path) && is_visible(query));
    PENSTOCK_CHECK(query.empty() || query.starts_with('?'));
    PENSTOCK_CHECK(text.ends_with(query) && !holds(query, "#"));
    for (const char* const never :
         {"//", "/./", "/../", "\\", "#", "?", "%2E", "%2F", "%5C", "%00"})
        PENSTOCK_CHECK(!holds(path, never));
    PENSTOCK_CHECK(!path.ends_with("/.") && !path.ends_with("/.."));
    PENSTOCK_CHECK(path.size() + query.size() <= text.size());

    std::string same_path;
    std::string same_query;
    PENSTOCK_CHECK(http::normalize_target(path + query, same_path, same_query));
    PENSTOCK_CHECK(same_path == path && same_query == query);
}

// Every escape is the only form of its byte, and of no byte that ends a name, a list or a path.
void check_escapes(std::string_view authority) {
    constexpr std::string_view hex = "0123456789abcdef";
    for (std::size_t at = authority.find('%'); at != std::string_view::npos;
         at = authority.find('%', at + 1)) {
        PENSTOCK_CHECK(at + 2 < authority.size());
        const std::size_t high = hex.find(authority[at + 1]);
        const std::size_t low = hex.find(authority[at + 2]);
        PENSTOCK_CHECK(high != std::string_view::npos && low != std::string_view::npos);
        const std::size_t byte = high * 16 + low;
        PENSTOCK_CHECK(byte >= 0x80 ||
                       std::string_view("!$&'()*+=").find(static_cast<char>(byte)) !=
                           std::string_view::npos);
    }
}

void check_authority(std::string_view text) {
    std::string authority;
    if (!http::normalize_authority(text, authority)) {
        PENSTOCK_CHECK(authority.empty());
        return;
    }
    PENSTOCK_CHECK(authority.size() <= text.size() && is_visible(authority));
    PENSTOCK_CHECK(authority.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ@,;/\\?# ") ==
                   std::string::npos);
    PENSTOCK_CHECK(!authority.ends_with(':'));
    check_escapes(authority);
    const std::string_view host = http::host_of(authority);
    PENSTOCK_CHECK(!host.empty() && authority.starts_with(host) && !host.ends_with('.'));
    PENSTOCK_CHECK(host.starts_with('[') == host.ends_with(']'));
    PENSTOCK_CHECK(http::host_of(host) == host);

    std::string same;
    PENSTOCK_CHECK(http::normalize_authority(authority, same));
    PENSTOCK_CHECK(same == authority);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_target(text);
    check_authority(text);
    return 0;
}
