#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace penstock::config {

namespace {

// Routes compete only where host pattern and path are the same: of two different ones that match a
// request, one is always more specific (exact before wildcard, the longer before the shorter).
using competition = std::tuple<std::string, path_match, std::string>;

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
    std::map<competition, std::vector<const route*>> earlier;
    std::set<std::pair<const route*, const route*>> reported;
    for (const route* const one : routes) {
        const route_match& match = one->match;
        for (const std::string& host : match.hosts.empty() ? any_host : match.hosts) {
            auto& rivals = earlier[{host, match.path_kind, match.path}];
            const auto rival = std::find_if(rivals.begin(), rivals.end(), [&](const route* other) {
                return compete(match, other->match);
            });
            if (rival != rivals.end() && reported.insert({one, *rival}).second) {
                report(in, *one, **rival);
            }
            rivals.push_back(one);
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
    // Of a misspelt name nobody knows which upstream was meant, so none is called unused.
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
    for (const yaml_node* const node : in.listener_references()) {
        if (std::find(names.begin(), names.end(), node->text) == names.end()) {
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
