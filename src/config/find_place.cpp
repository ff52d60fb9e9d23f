// The way back from keys to their place, for what is found wrong after the loader has let go of the
// file. Cold: it reads the whole text again.
#include "config/yaml_tree.hpp"
#include "penstock/config/load.hpp"

#include <algorithm>

namespace penstock::config {

namespace {

const yaml_node* child(const yaml_node& of, const std::string& key) {
    if (of.kind == node_kind::map) {
        const auto found = std::find_if(of.entries.begin(), of.entries.end(),
                                        [&](const auto& entry) { return entry.key->text == key; });
        return found == of.entries.end() ? nullptr : found->value;
    }
    for (std::size_t i = 0; i < of.items.size(); ++i) {
        if (key == std::to_string(i)) {
            return of.items[i];
        }
    }
    return nullptr;
}

}  // namespace

std::optional<location> find_place(std::string_view yaml, const std::string& file,
                                   const std::vector<std::string>& keys) {
    const yaml_tree tree = parse_yaml(yaml);
    const yaml_node* deepest = nullptr;
    const yaml_node* at = tree.root;
    for (const std::string& key : keys) {
        at = at == nullptr ? nullptr : child(*at, key);
        deepest = at == nullptr ? deepest : at;
    }
    if (deepest == nullptr) {
        return std::nullopt;
    }
    return location{file, deepest->line, deepest->column};
}

}  // namespace penstock::config
