#include "penstock/proxy/router.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace penstock::proxy {
namespace {

struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>()(text);
    }
};
// Found by a view, so that a look-up makes no string.
template <class Value>
using text_map = std::unordered_map<std::string, Value, text_hash, std::equal_to<>>;

struct candidate {
    std::size_t route = 0;
    std::vector<std::string> methods;
    std::vector<config::header_match> headers;
    std::vector<name_id> listeners;
    std::string scheme;

    [[nodiscard]] std::size_t values() const {
        return static_cast<std::size_t>(
            std::count_if(headers.begin(), headers.end(),
                          [](const config::header_match& one) { return one.value.has_value(); }));
    }
    [[nodiscard]] bool more_specific(const candidate& other) const {
        if (methods.empty() != other.methods.empty())
            return !methods.empty();
        if (headers.size() != other.headers.size())
            return headers.size() > other.headers.size();
        if (values() != other.values())
            return values() > other.values();
        if (listeners.empty() != other.listeners.empty())
            return !listeners.empty();
        return scheme.empty() < other.scheme.empty();
    }
    [[nodiscard]] bool accepts(const http::request_head& head, name_id listener) const {
        const bool method = methods.empty() || std::find(methods.begin(), methods.end(),
                                                         head.method_text) != methods.end();
        const bool here = listeners.empty() || std::find(listeners.begin(), listeners.end(),
                                                         listener) != listeners.end();
        const bool secure = scheme.empty() || scheme == head.scheme;
        return method && here && secure &&
               std::all_of(headers.begin(), headers.end(),
                           [&](const auto& wanted) { return has_field(head.fields, wanted); });
    }

 private:
    static bool has_field(const http::fields& of, const config::header_match& wanted) {
        if (!wanted.value)
            return of.find(wanted.name).has_value();
        for (const http::fields::field one : of) {
            if (one.value == *wanted.value && http::equal_nocase(one.name, wanted.name))
                return true;
        }
        return false;
    }
};

// Routes with the same host pattern and path, the most specific first.
using candidates = std::vector<candidate>;

// What is looked for, beside host and path.
struct query {
    const http::request_head& head;
    name_id listener;
};

const candidate* first_match(const candidates& among, const query& of) {
    for (const candidate& one : among) {
        if (one.accepts(of.head, of.listener))
            return &one;
    }
    return nullptr;
}

// The routes of one host pattern.
struct host_table {
    text_map<candidates> exact;
    text_map<candidates> prefixes;
    std::vector<std::size_t> prefix_lengths;  // that occur, longest first
    candidates any;

    void add(const config::route_match& match, candidate made) {
        candidates& group = group_of(match);
        const auto at = std::upper_bound(group.begin(), group.end(), made,
                                         [](const candidate& left, const candidate& right) {
                                             return left.more_specific(right);
                                         });
        group.insert(at, std::move(made));
    }
    [[nodiscard]] const candidate* find(const query& of, std::string_view path) const {
        if (const auto found = exact.find(path); found != exact.end()) {
            if (const candidate* const match = first_match(found->second, of))
                return match;
        }
        for (const std::size_t length : prefix_lengths) {
            if (length > path.size())
                continue;
            const auto found = prefixes.find(path.substr(0, length));
            const candidate* const match =
                found == prefixes.end() ? nullptr : first_match(found->second, of);
            if (match != nullptr)
                return match;
        }
        return first_match(any, of);
    }

 private:
    candidates& group_of(const config::route_match& match) {
        switch (match.path_kind) {
            case config::path_match::exact:
                return exact[match.path];
            case config::path_match::prefix:
                note_length(match.path.size());
                return prefixes[match.path];
            case config::path_match::any:
                break;
        }
        return any;
    }
    void note_length(std::size_t length) {
        const auto at = std::lower_bound(prefix_lengths.begin(), prefix_lengths.end(), length,
                                         std::greater<>());
        if (at == prefix_lengths.end() || *at != length)
            prefix_lengths.insert(at, length);
    }
};

}  // namespace

struct router::table {
    text_map<host_table> hosts;
    text_map<host_table> wildcards;  // by what follows the '*', ".example.com"
    host_table any;

    host_table& of_host(const std::string& pattern) {
        return pattern.starts_with("*.") ? wildcards[pattern.substr(1)] : hosts[pattern];
    }
};

router::router(const std::vector<config::route>& routes) : table_(std::make_unique<table>()) {
    for (std::size_t i = 0; i < routes.size(); ++i) {
        const config::route_match& match = routes[i].match;
        candidate made{i, match.methods, match.headers, {}, match.scheme};
        for (const std::string& listener : match.listeners)
            made.listeners.push_back(intern_name(listener));
        if (match.hosts.empty())
            table_->any.add(match, made);
        for (const std::string& host : match.hosts)
            table_->of_host(host).add(match, made);
    }
}

router::router(router&&) noexcept = default;

router::~router() = default;

std::optional<std::size_t> router::find(const http::request_head& head, std::string_view path,
                                        name_id listener) const {
    const query of{head, listener};
    const std::string_view host = head.host();
    if (const auto found = table_->hosts.find(host); found != table_->hosts.end()) {
        if (const candidate* const match = found->second.find(of, path))
            return match->route;
    }
    if (!table_->wildcards.empty()) {
        // From the left, so that the longest suffix is met first; a '*' stands for at least a byte.
        for (std::size_t dot = host.find('.', 1); dot != std::string_view::npos;
             dot = host.find('.', dot + 1)) {
            const auto found = table_->wildcards.find(host.substr(dot));
            const candidate* const match =
                found == table_->wildcards.end() ? nullptr : found->second.find(of, path);
            if (match != nullptr)
                return match->route;
        }
    }
    const candidate* const match = table_->any.find(of, path);
    return match != nullptr ? std::optional(match->route) : std::nullopt;
}

}  // namespace penstock::proxy
