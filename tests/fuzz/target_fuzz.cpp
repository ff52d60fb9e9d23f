// Any bytes as a target and as an authority: what is accepted is in its normal form, which is its
// own normal form, and holds nothing that origins could read in another way.
#include "penstock/base/check.hpp"
#include "penstock/http/path.hpp"
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
    http::request_head head;
    if (!http::normalize_target(text, head)) {
        PENSTOCK_CHECK(head.path.empty() && head.sent_path.empty() && head.query.empty());
        PENSTOCK_CHECK(!head.escaped_slash);
        return;
    }
    const std::string& path = head.path;
    const std::string& sent = head.forwarded_path();
    PENSTOCK_CHECK(path.starts_with('/') && is_visible(path) && is_visible(head.query));
    PENSTOCK_CHECK(sent.starts_with('/') && is_visible(sent) && !sent.starts_with("//"));
    PENSTOCK_CHECK(head.query.empty() || head.query.starts_with('?'));
    PENSTOCK_CHECK(text.ends_with(head.query) && !holds(head.query, "#"));
    for (const char* const never : {"/./", "/../", "\\", "#", "?", "%00"})
        PENSTOCK_CHECK(!holds(path, never) && !holds(sent, never));
    PENSTOCK_CHECK(!holds(path, "//") && !holds(path, "%2E"));
    PENSTOCK_CHECK(!path.ends_with("/.") && !path.ends_with("/.."));
    const bool escaped = holds(path, "%2F") || holds(path, "%5C");
    PENSTOCK_CHECK(!escaped || head.escaped_slash);
    PENSTOCK_CHECK(path.size() + head.query.size() <= text.size());

    // What leaves is read as what came, and as itself; so is the path that was matched.
    http::request_head again;
    PENSTOCK_CHECK(http::normalize_target(sent + head.query, again));
    PENSTOCK_CHECK(again.path == path && again.forwarded_path() == sent);
    PENSTOCK_CHECK(again.query == head.query);
    PENSTOCK_CHECK(http::normalize_target(path + head.query, again));
    PENSTOCK_CHECK(again.path == path && again.sent_path.empty());
    http::merge_slashes(head);
    PENSTOCK_CHECK(!holds(head.forwarded_path(), "//"));
    std::string read;
    http::read_escapes(path, http::separators::both, read);
    PENSTOCK_CHECK(http::normalize_target(read, again) && again.path == read);
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
