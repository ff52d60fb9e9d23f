#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace penstock::config {

namespace {

bool share_methods(const route_match& a, const route_match& b) {
    if (a.methods.empty() || b.methods.empty()) {
        return a.methods.empty() && b.methods.empty();  // naming methods is more specific
    }
    return std::any_of(a.methods.begin(), a.methods.end(), [&](const std::string& method) {
        return std::find(b.methods.begin(), b.methods.end(), method) != b.methods.end();
    });
}

std::ptrdiff_t values_in(const std::vector<header_match>& headers) {
    return std::count_if(headers.begin(), headers.end(),
                         [](const header_match& h) { return h.value.has_value(); });
}

// One request cannot carry two values of one field.
bool exclude_each_other(const route_match& a, const route_match& b) {
    return std::any_of(a.headers.begin(), a.headers.end(), [&](const header_match& one) {
        return std::any_of(b.headers.begin(), b.headers.end(), [&](const header_match& other) {
            return one.name == other.name && one.value.has_value() && other.value.has_value() &&
                   *one.value != *other.value;
        });
    });
}

bool equally_specific_headers(const route_match& a, const route_match& b) {
    return a.headers.size() == b.headers.size() && values_in(a.headers) == values_in(b.headers);
}

// Naming listeners, or the scheme, is more specific; of two that do, one request has one.
bool share_listeners(const route_match& a, const route_match& b) {
    if (a.listeners.empty() || b.listeners.empty()) {
        return a.listeners.empty() && b.listeners.empty();
    }
    return std::any_of(a.listeners.begin(), a.listeners.end(), [&](const std::string& name) {
        return std::find(b.listeners.begin(), b.listeners.end(), name) != b.listeners.end();
    });
}

bool compete(const route_match& a, const route_match& b) {
    return share_methods(a, b) && share_listeners(a, b) && a.scheme == b.scheme &&
           equally_specific_headers(a, b) && !exclude_each_other(a, b);
}

// Routes compete only where host pattern and path are the same: of two different ones that match a
// request, one is always more specific (exact before wildcard, the longer before the shorter). Nor
// do they if scheme, number of headers or number of header values differ.
using competition =
    std::tuple<std::string, path_match, std::string, std::string, std::size_t, std::ptrdiff_t>;

competition competition_of(const std::string& host, const route_match& of) {
    return {host, of.path_kind, of.path, of.scheme, of.headers.size(), values_in(of.headers)};
}

// The routes of one competition, found by what they require of a request, so that thousands of
// routes that one header, method or listener tells apart are not compared with each other.
class rivals {
 public:
    // A route that a request can match as well as this one, or null.
    [[nodiscard]] const route* find(const route_match& of) const {
        for (const routes* const list : candidates(of)) {
            for (const route* const one : *list) {
                if (compete(of, one->match)) {
                    return one;
                }
            }
        }
        return nullptr;
    }

    void add(const route& one) {
        ++count_;
        for (const header_match& header : one.match.headers) {
            if (header.value.has_value()) {
                by_header_[header.name][*header.value].push_back(&one);
                ++with_header_[header.name];
            }
        }
        for (const std::string& method : or_any(one.match.methods)) {
            by_method_[method].push_back(&one);
        }
        for (const std::string& name : or_any(one.match.listeners)) {
            by_listener_[name].push_back(&one);
        }
    }

 private:
    using routes = std::vector<const route*>;
    using index = std::unordered_map<std::string, routes>;

    static const std::vector<std::string>& or_any(const std::vector<std::string>& words) {
        static const std::vector<std::string> any{""};
        return words.empty() ? any : words;
    }

    // Lists which together have every rival, and as few other routes as possible.
    [[nodiscard]] std::vector<const routes*> candidates(const route_match& of) const {
        std::vector<const routes*> best = having(by_method_, or_any(of.methods));
        const auto offer = [&best](std::vector<const routes*> lists) {
            if (size_of(lists) < size_of(best)) {
                best = std::move(lists);
            }
        };
        offer(having(by_listener_, or_any(of.listeners)));
        for (const header_match& header : of.headers) {
            const auto with = with_header_.find(header.name);
            // A rival has the same value, or no value of this field at all.
            const bool all_have = with != with_header_.end() && with->second == count_;
            if (header.value.has_value() && all_have) {
                offer(having(by_header_.at(header.name), {*header.value}));
            }
        }
        return best;
    }

    static std::vector<const routes*> having(const index& in,
                                             const std::vector<std::string>& words) {
        std::vector<const routes*> lists;
        for (const std::string& word : words) {
            if (const auto found = in.find(word); found != in.end()) {
                lists.push_back(&found->second);
            }
        }
        return lists;
    }

    static std::size_t size_of(const std::vector<const routes*>& lists) {
        return std::accumulate(
            lists.begin(), lists.end(), std::size_t{0},
            [](std::size_t sum, const routes* one) { return sum + one->size(); });
    }

    std::size_t count_ = 0;
    index by_method_;
    index by_listener_;
    std::unordered_map<std::string, index> by_header_;          // name → value → routes
    std::unordered_map<std::string, std::size_t> with_header_;  // name → routes with a value of it
};

std::string place(const location& where) {
    return where.file + ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
}

void report(reader& in, const route& later, const route& earlier) {
    in.error(later.where,
             "route " + in_quotes(later.name) + " is ambiguous: a request can match it and " +
                 in_quotes(earlier.name) + " at " + place(earlier.where) + " equally well",
             "make the match of one of them more specific");
}

// Names made from one base are numbered on from the last, so that thousands of them stay cheap.
class name_maker {
 public:
    explicit name_maker(std::unordered_set<std::string> taken) : taken_(std::move(taken)) {}

    std::string make(const std::string& base) {
        std::size_t& last = last_[base];
        std::string name = base;
        while (!taken_.insert(name).second) {
            last = std::max<std::size_t>(last, 1) + 1;
            name = base + "-" + std::to_string(last);
        }
        return name;
    }

 private:
    std::unordered_set<std::string> taken_;
    std::unordered_map<std::string, std::size_t> last_;
};

}  // namespace

void name_routes(reader& in, std::vector<route>& routes) {
    std::unordered_set<std::string> taken;
    for (const route& one : routes) {
        if (!one.name.empty() && !taken.insert(one.name).second) {
            in.error(one.where, "a second route named " + in_quotes(one.name));
        }
    }
    name_maker names(std::move(taken));
    for (std::size_t i = 0; i < routes.size(); ++i) {
        route& one = routes[i];
        if (one.name.empty()) {
            const std::string& first = one.split.empty() ? one.upstream : one.split[0].upstream;
            one.name = names.make(first.empty() ? "route" + std::to_string(i + 1) : first);
        }
    }
}

void check_ambiguous(reader& in, const std::vector<const route*>& routes) {
    static const std::vector<std::string> any_host{""};
    std::map<competition, rivals> earlier;
    std::set<std::pair<const route*, const route*>> reported;
    for (const route* const one : routes) {
        const route_match& match = one->match;
        for (const std::string& host : match.hosts.empty() ? any_host : match.hosts) {
            rivals& others = earlier[competition_of(host, match)];
            const route* const rival = others.find(match);
            if (rival != nullptr && reported.insert({one, rival}).second) {
                report(in, *one, *rival);
            }
            others.add(*one);
        }
    }
}

void check_references(reader& in, const std::vector<upstream>& upstreams) {
    std::unordered_set<std::string_view> known;
    std::vector<std::string_view> names;
    for (const upstream& one : upstreams) {
        known.insert(one.name);
        names.push_back(one.name);
    }
    std::unordered_set<std::string_view> used;
    bool all_known = true;
    for (const yaml_node* const node : in.references()) {
        if (node->kind != node_kind::scalar) {
            continue;  // reported where it was read
        }
        used.insert(node->text);
        if (!known.contains(node->text)) {
            all_known = false;
            // Comparing with thousands of names is for the first few errors only.
            std::string hint = in.errors() < 20 ? nearest_hint(node->text, names) : "";
            in.error(*node, "unknown upstream " + in_quotes(node->text), std::move(hint));
        }
    }
    // A misspelt name may have meant any upstream, so none is called unused.
    for (const upstream& one : upstreams) {
        if (all_known && !used.contains(one.name)) {
            in.warn(one.where, "upstream " + in_quotes(one.name) + " is used by no route");
        }
    }
}

void check_listener_names(reader& in, const std::vector<listener>& listeners) {
    std::vector<std::string_view> names;
    for (const listener& one : listeners) {
        names.push_back(one.name);
    }
    const std::unordered_set<std::string_view> known(names.begin(), names.end());
    for (const yaml_node* const node : in.listener_references()) {
        if (!known.contains(node->text)) {
            in.error(*node, "unknown listener " + in_quotes(node->text),
                     nearest_hint(node->text, names));
        }
    }
}

namespace {

// Every address is that of both families.
std::vector<std::string> hosts_bound(const address& at) {
    if (at.host != every_address) {
        return {at.host};
    }
    return {at.host, "0.0.0.0", "[::]"};
}

}  // namespace

void check_bound(reader& in) {
    std::vector<bound_address>& bound = in.bound();
    std::stable_sort(bound.begin(), bound.end(), [](const auto& a, const auto& b) {
        return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
    });
    std::map<std::pair<std::string, std::uint16_t>, const bound_address*> seen;
    for (const bound_address& one : bound) {
        if (one.at.port == 0 && !is_unix(one.at)) {
            continue;
        }
        const bound_address* first = &one;
        for (const std::string& host : hosts_bound(one.at)) {
            const bound_address* const taken =
                seen.emplace(std::pair(host, one.at.port), &one).first->second;
            first = first == &one ? taken : first;
        }
        if (first != &one) {
            in.error(one.where, one.owner + " binds " + format_address(one.at) + ", and so does " +
                                    first->owner + " at " + place(first->where));
        }
    }
    for (const bound_address& one : bound) {
        const std::string wildcard = one.at.host.starts_with('[') ? "[::]" : "0.0.0.0";
        const auto found = seen.find({wildcard, one.at.port});
        const bool all = one.at.host == wildcard || one.at.host == every_address;
        if (!all && !is_unix(one.at) && found != seen.end()) {
            in.warn(one.where, one.owner + " shares its port with " + found->second->owner +
                                   ", which binds every address at " + place(found->second->where));
        }
    }
}

}  // namespace penstock::config
