#include "config/inherit.hpp"

#include "config/references.hpp"
#include "config/schema_find.hpp"
#include "config/text.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace penstock::config {

namespace {

// A policy of many keys that many routes use is read for each of them.
constexpr std::size_t inherited_nodes_max = 2'000'000;

// Keys of these exclude each other, so one object's say is the whole of it.
constexpr std::array<std::string_view, 5> replaced_whole = {"routes[].match.path",
                                                            "routes[].rewrite", "routes[].respond",
                                                            "routes[].redirect", "routes[].files"};

bool is_replaced(std::string_view path) noexcept {
    return std::find(replaced_whole.begin(), replaced_whole.end(), path) != replaced_whole.end();
}

bool is_scalar(const yaml_node* node) noexcept {
    return node != nullptr && node->kind == node_kind::scalar;
}

// One header field of a `fields` value in either form.
struct header_entry {
    std::string name;                 // in lower case
    yaml_node::entry as_written;      // of a map
    const yaml_node* item = nullptr;  // of a list
};

std::vector<header_entry> headers_of(const yaml_node& node) {
    std::vector<header_entry> out;
    for (const yaml_node::entry& entry : node.entries) {
        out.push_back({lower(entry.key->text), entry, nullptr});
    }
    for (const yaml_node* const item : node.items) {
        const yaml_node* const name =
            item->kind == node_kind::scalar ? item : member_of(*item, "name");
        out.push_back({is_scalar(name) ? lower(name->text) : "", {}, item});
    }
    return out;
}

class overlay {
 public:
    overlay(reader& in, node_store& made) : in_(in), made_(made) {}

    // `over` laid over `under`, both at this path of the schema.
    const yaml_node* lay(const yaml_node& under, const yaml_node& over, const std::string& path) {
        if (over.kind == node_kind::null) {
            return &under;
        }
        const key_info* const row = find_key(path);
        const bool fields = row != nullptr && row->type == key_type::fields;
        if (fields || path.ends_with("_headers.remove")) {
            return lay_headers(under, over);
        }
        const bool maps = under.kind == node_kind::map && over.kind == node_kind::map;
        return maps && !is_replaced(path) ? lay_maps(under, over, path) : &over;
    }

    // False once so much was put together that something is wrong.
    bool spend(const yaml_node& node) {
        spent_ += node.weight;
        if (spent_ > inherited_nodes_max && !reported_) {
            reported_ = true;
            in_.error(node, "too many values are inherited",
                      "all that is taken over from policies and defaults is at most " +
                          std::to_string(inherited_nodes_max) + " values");
        }
        return !reported_;
    }

 private:
    const yaml_node* lay_maps(const yaml_node& under, const yaml_node& over,
                              const std::string& path) {
        yaml_node& whole = hollow_copy(made_, over);
        whole.weight = over.weight + under.weight;
        whole.entries = over.entries;
        const bool acts = path == "routes[]" &&
                          std::any_of(over.entries.begin(), over.entries.end(),
                                      [](const auto& one) { return is_action(one.key->text); });
        std::unordered_map<std::string_view, std::size_t> places;
        for (std::size_t i = 0; i < over.entries.size(); ++i) {
            if (is_scalar(over.entries[i].key)) {
                places.emplace(over.entries[i].key->text, i);
            }
        }
        for (const yaml_node::entry& entry : under.entries) {
            if (acts && is_action(entry.key->text)) {
                continue;
            }
            const auto place = places.find(entry.key->text);
            if (place == places.end()) {
                whole.entries.push_back(entry);
                continue;
            }
            const yaml_node*& there = whole.entries[place->second].value;
            there = lay(*entry.value, *there, join_path(path, entry.key->text));
        }
        return &whole;
    }

    // Fields that only `under` has, then those of `over`; a map and a list become a list.
    const yaml_node* lay_headers(const yaml_node& under, const yaml_node& over) {
        const auto has_fields = [](const yaml_node& node) {
            return node.kind == node_kind::map || node.kind == node_kind::list;
        };
        if (!has_fields(under) || !has_fields(over)) {
            return &over;
        }
        yaml_node& whole = hollow_copy(made_, over);
        whole.kind = under.kind == over.kind ? over.kind : node_kind::list;
        whole.weight = over.weight + under.weight;
        const std::vector<header_entry> upper = headers_of(over);
        std::unordered_set<std::string_view> replaced;
        for (const header_entry& one : upper) {
            replaced.insert(one.name);
        }
        for (const header_entry& one : headers_of(under)) {
            if (!replaced.contains(one.name)) {
                add(whole, one);
            }
        }
        for (const header_entry& one : upper) {
            add(whole, one);
        }
        return &whole;
    }

    void add(yaml_node& whole, const header_entry& one) {
        if (whole.kind == node_kind::map) {
            whole.entries.push_back(one.as_written);
        } else {
            whole.items.push_back(one.item != nullptr ? one.item : item_of(one.as_written));
        }
    }

    // {name, value} of a map's entry.
    const yaml_node* item_of(const yaml_node::entry& entry) {
        yaml_node& item = hollow_copy(made_, *entry.key);
        item.kind = node_kind::map;
        item.text = {};
        item.entries = {{word("name", *entry.key), entry.key},
                        {word("value", *entry.key), entry.value}};
        return &item;
    }

    const yaml_node* word(std::string_view text, const yaml_node& near) {
        yaml_node& made = hollow_copy(made_, near);
        made.kind = node_kind::scalar;
        made.text = text;
        return &made;
    }

    reader& in_;
    node_store& made_;
    std::size_t spent_ = 0;
    bool reported_ = false;
};

class inheritance {
 public:
    inheritance(reader& in, node_store& made, const yaml_node& root)
        : in_(in), made_(made), overlay_(in, made), root_(root) {
        if (const yaml_node* const defaults = member_of(root, "defaults"); defaults != nullptr) {
            listener_ = member_of(*defaults, "listener");
            route_ = member_of(*defaults, "route");
            upstream_ = member_of(*defaults, "upstream");
        }
        policies_ = member_of(root, "policies");
    }

    const yaml_node& run() {
        yaml_node& whole = hollow_copy(made_, root_);
        for (const yaml_node::entry& entry : root_.entries) {
            whole.entries.push_back({entry.key, changed(entry)});
        }
        warn_of_unused();
        return whole;
    }

 private:
    const yaml_node* changed(const yaml_node::entry& entry) {
        const yaml_node& value = *entry.value;
        if (entry.key->text == "listeners" && value.kind == node_kind::map) {
            return named(value, listener_, "listeners.<name>");
        }
        if (entry.key->text == "upstreams" && value.kind == node_kind::map) {
            return named(value, upstream_, "upstreams.<name>");
        }
        return entry.key->text == "routes" && value.kind == node_kind::list ? routes(value)
                                                                            : &value;
    }

    const yaml_node* named(const yaml_node& map, const yaml_node* defaults,
                           const std::string& path) {
        if (!is_map(defaults)) {
            return &map;
        }
        yaml_node& whole = hollow_copy(made_, map);
        for (const yaml_node::entry& entry : map.entries) {
            whole.entries.push_back({entry.key, over(*defaults, *entry.value, path)});
        }
        return &whole;
    }

    const yaml_node* routes(const yaml_node& list) {
        yaml_node& whole = hollow_copy(made_, list);
        for (const yaml_node* const item : list.items) {
            whole.items.push_back(item->kind == node_kind::map ? route(*item) : item);
        }
        return &whole;
    }

    const yaml_node* route(const yaml_node& own) {
        const yaml_node* const use = member_of(own, "use");
        const yaml_node* const by_default = is_map(route_) ? member_of(*route_, "use") : nullptr;
        const yaml_node* under = is_map(route_) ? route_ : nullptr;
        for (const yaml_node* const policy : used(use != nullptr ? use : by_default)) {
            under = under == nullptr ? policy : over(*under, *policy, "routes[]");
        }
        return under == nullptr ? &own : over(*under, own, "routes[]");
    }

    const yaml_node* over(const yaml_node& under, const yaml_node& own, const std::string& path) {
        return overlay_.spend(under) ? placed(overlay_.lay(under, own, path), own) : &own;
    }

    // An object with nothing of its own still lies where its name is.
    const yaml_node* placed(const yaml_node* merged, const yaml_node& own) {
        if (own.kind != node_kind::null) {
            return merged;
        }
        yaml_node& copy = hollow_copy(made_, *merged);
        copy.entries = merged->entries;
        copy.line = own.line;
        copy.column = own.column;
        copy.file = own.file;
        return &copy;
    }

    // The policies of a `use`, in its order.
    std::vector<const yaml_node*> used(const yaml_node* use) {
        std::vector<const yaml_node*> out;
        if (use == nullptr) {
            return out;
        }
        for (const yaml_node* const item : items_of(in_, *use, *find_key("routes[].use"))) {
            const yaml_node* const name = &with_references_of(in_, made_, *item);
            const std::string* const text = text_of(in_, *name);
            const yaml_node* const policy =
                text == nullptr || !is_map(policies_) ? nullptr : member_of(*policies_, *text);
            if (policy != nullptr) {
                used_.insert(*text);
            } else if (text != nullptr) {
                in_.error(*name, "unknown policy " + in_quotes(*text), hint_for(*text));
            }
            if (is_map(policy)) {
                out.push_back(policy);
            }
        }
        return out;
    }

    std::string hint_for(const std::string& name) const {
        std::vector<std::string_view> names;
        if (is_map(policies_)) {
            for (const yaml_node::entry& entry : policies_->entries) {
                names.push_back(entry.key->text);
            }
        }
        return names.empty() ? "'policies' has none" : nearest_hint(name, names);
    }

    void warn_of_unused() {
        if (!is_map(policies_) || in_.errors() > 0) {
            return;
        }
        for (const yaml_node::entry& entry : policies_->entries) {
            if (!used_.contains(entry.key->text)) {
                in_.warn(*entry.key,
                         "policy " + in_quotes(entry.key->text) + " is used by no route");
            }
        }
    }

    static bool is_map(const yaml_node* node) noexcept {
        return node != nullptr && node->kind == node_kind::map;
    }

    reader& in_;
    node_store& made_;
    overlay overlay_;
    const yaml_node& root_;
    const yaml_node* listener_ = nullptr;
    const yaml_node* route_ = nullptr;
    const yaml_node* upstream_ = nullptr;
    const yaml_node* policies_ = nullptr;
    std::set<std::string> used_;
};

}  // namespace

bool is_action(std::string_view key) noexcept {
    return key == "upstream" || key == "respond" || key == "redirect" || key == "split" ||
           key == "files";
}

const yaml_node& with_inherited(reader& in, node_store& made, const yaml_node& root) {
    return root.kind == node_kind::map ? inheritance(in, made, root).run() : root;
}

}  // namespace penstock::config
