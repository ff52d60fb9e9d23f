#include "campaign/path_reading.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <optional>
#include <vector>

namespace penstock::campaign {
namespace {

using segments = std::vector<std::string>;

std::string lower_case(std::string_view text) {
    std::string made(text);
    for (char& c : made)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return made;
}

std::string path_of(std::string_view target) {
    if (lower_case(target.substr(0, 7)) == "http://" ||
        lower_case(target.substr(0, 8)) == "https://") {
        target.remove_prefix(target.find("//") + 2);
        target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
    }
    const std::string_view path = target.substr(0, target.find('?'));
    return path.empty() ? "/" : std::string(path);
}

// Calls for each escape of two hexadecimal digits; it returns what stands in its place, or nothing
// to leave it.
template <class Replace>
std::string replace_escapes(std::string_view path, Replace replace) {
    std::string made;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const std::string_view escape = path.substr(i, 3);
        const bool whole = escape.size() == 3 && escape[0] == '%' &&
                           std::isxdigit(escape[1]) != 0 && std::isxdigit(escape[2]) != 0;
        const std::optional<char> put = whole ? replace(static_cast<unsigned char>(std::stoi(
                                                    std::string(escape.substr(1)), nullptr, 16)))
                                              : std::nullopt;
        if (!whole) {
            made += path[i];
        } else if (put) {
            made += *put;
        } else {
            made += lower_case(escape);
        }
        i += whole ? 2 : 0;
    }
    return made;
}

std::string decode_unreserved(std::string_view path) {
    return replace_escapes(path, [](unsigned char byte) -> std::optional<char> {
        const bool plain =
            std::isalnum(byte) != 0 || byte == '-' || byte == '.' || byte == '_' || byte == '~';
        return plain ? std::optional(static_cast<char>(byte)) : std::nullopt;
    });
}

// Bit 0: %2f is a separator; bit 1: %5c is.
std::string separate(std::string_view path, unsigned which) {
    return replace_escapes(path, [&](unsigned char byte) -> std::optional<char> {
        const bool is = (byte == '/' && (which & 1U) != 0) || (byte == '\\' && (which & 2U) != 0);
        return is ? std::optional('/') : std::nullopt;
    });
}

segments split_path(std::string_view path) {
    segments made;
    path.remove_prefix(1);
    for (;;) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        made.emplace_back(path.substr(0, slash));
        if (slash == path.size())
            return made;
        path.remove_prefix(slash + 1);
    }
}

bool is_dots(const std::string& segment) { return segment == "." || segment == ".."; }

bool has_dots(std::string_view path) {
    const segments all = split_path(path);
    return std::any_of(all.begin(), all.end(), is_dots);
}

std::string merge(std::string_view path) {
    std::string made;
    for (const char c : path) {
        if (c != '/' || !made.ends_with('/'))
            made += c;
    }
    return made;
}

// RFC 3986 §5.2.4, where an empty segment is one like any other. Nothing: it leads above the root.
std::optional<std::string> resolve_dots(std::string_view path) {
    segments kept;
    const segments all = split_path(path);
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i] == "..") {
            if (kept.empty())
                return std::nullopt;
            kept.pop_back();
        } else if (all[i] != ".") {
            kept.push_back(all[i]);
        }
        if (is_dots(all[i]) && i + 1 == all.size())
            kept.emplace_back();
    }
    std::string made;
    for (const std::string& each : kept)
        made += "/" + each;
    return made.empty() ? "/" : made;
}

struct route {
    std::string_view name;
    std::string_view prefix;
    bool exact = false;
};
// The most specific first.
constexpr std::array routes{route{"one", "/m/one", true}, route{"open", "/m/guard/open/"},
                            route{"guard", "/m/guard/"}, route{"other", "/"}};

// Of a path that is decoded and merged.
std::string_view route_of(std::string_view path) {
    for (const route& each : routes) {
        if (each.exact ? path == each.prefix : path.starts_with(each.prefix))
            return each.name;
    }
    return {};
}

// The path of which all readers of a target have to think, whenever they merge slashes; nothing if
// they do not agree, or it leads above the root.
std::optional<std::string> agreed(std::string_view path) {
    const std::string decoded = decode_unreserved(path);
    const auto late = resolve_dots(decoded);
    const auto early = resolve_dots(merge(decoded));
    if (!late || !early || merge(*late) != merge(*early))
        return std::nullopt;
    return merge(*early);
}

// Of a path without dot segments: whether some way to read escaped separators makes one, or leads
// to another route.
bool is_disputed(std::string_view path, std::string_view route) {
    for (unsigned which = 1; which < 4; ++which) {
        const std::string read = separate(path, which);
        if (has_dots(read) || route_of(merge(read)) != route)
            return true;
    }
    return false;
}

bool has_hidden_dots(std::string_view path) {
    const segments all = split_path(decode_unreserved(path));
    return std::any_of(all.begin(), all.end(), [](const std::string& each) {
        return !is_dots(each) && has_dots("/" + separate(each, 3));
    });
}

}  // namespace

std::string routes_yaml() {
    std::string made = "routes:\n";
    for (const route& each : routes) {
        const std::string name(each.name);
        const std::string match = std::string(", match: {path: {") +
                                  (each.exact ? "exact" : "prefix") + ": \"" +
                                  std::string(each.prefix) + "\"}}";
        // `OPTIONS *` has no path that begins with a slash.
        made += "  - {name: " + name + ", upstream: app" + (each.prefix == "/" ? "" : match) +
                ", request_headers: {set: {" + std::string(route_field) + ": " + name + "}}}\n";
    }
    return made;
}

std::string path_fault(std::string_view sent, std::string_view arrived, std::string_view route) {
    if (!arrived.starts_with('/'))
        return {};
    const std::string came = path_of(sent);
    const std::string left = path_of(arrived);
    if (left.find("//") == 0)
        return "a path begins with two slashes";
    if (came.starts_with('*'))
        return {};
    if (!has_dots(decode_unreserved(came)) && !came.starts_with("//") && left != came)
        return "a path without dots changed";
    const auto meant = agreed(came);
    if (!meant)
        return "a path that readers disagree about was forwarded";
    const std::string understood = decode_unreserved(left);
    if (has_dots(left) || has_dots(understood))
        return "a dot segment was forwarded";
    if (merge(understood) != *meant)
        return "the path names another resource";
    if (route_of(*meant) != route)
        return "the path was taken for another route's";
    if (is_disputed(understood, route))
        return "an origin that reads escaped separators is asked for another route's path";
    return {};
}

std::string_view reason_against_path(std::string_view target) {
    const std::string path = path_of(target);
    if (!path.starts_with('/'))
        return {};
    const std::string decoded = decode_unreserved(path);
    if (!resolve_dots(decoded) || !resolve_dots(merge(decoded)))
        return "a target above the root";
    const auto meant = agreed(path);
    if (!meant || has_hidden_dots(path) || is_disputed(*meant, route_of(*meant)))
        return "a path with two readings";
    return {};
}

}  // namespace penstock::campaign
