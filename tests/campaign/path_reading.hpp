// How origins may read a path, written without a look at Penstock's own code: with or without
// merging slashes, decoding escapes of unreserved characters, or taking %2f and %5c for
// separators. The campaign's routes are told apart here as well.
#pragma once

#include <string>
#include <string_view>

namespace penstock::campaign {

// The routes of the campaign's configuration, as YAML. Each tells the origin its name.
[[nodiscard]] std::string routes_yaml();
inline constexpr std::string_view route_field = "x-route";

// What is wrong about this path having arrived because of that target, and having been taken for
// the named route's; empty if nothing is.
[[nodiscard]] std::string path_fault(std::string_view sent, std::string_view arrived,
                                     std::string_view route);

// Why a target has to be refused for its path; empty if there is no reason.
[[nodiscard]] std::string_view reason_against_path(std::string_view target);

// A path that readers may disagree about, made of `pick(n)` in 0 … n-1.
template <class Pick>
[[nodiscard]] std::string odd_path(Pick pick) {
    constexpr std::string_view pieces[] = {
        "a",     "b",       "one",    "guard", "open",      "/",        "/",   "/",   "/",
        "//",    "/./",     "/../",   "..",    ".",         "/..",      "/.",  "%2f", "%2F",
        "%5c",   "%5C",     "%2e",    "%2E",   "%7e",       "%61",      "%e4", "%C3", "%3f",
        "%252f", "%67uard", "guard/", "a%2fb", "guard%2fa", "%2fguard/"};
    std::string made = pick(3) == 0 ? "/m/guard" : "/m";
    for (std::size_t count = pick(9); count > 0; --count)
        made += pieces[pick(std::size(pieces))];
    return made;
}

}  // namespace penstock::campaign
