// Values of keys that have no effect in this release: checked by the table alone, so that a file
// written for a later release fails today where it would fail then.
#include "config/names.hpp"
#include "config/schema_find.hpp"
#include "config/values.hpp"

namespace penstock::config {

namespace {

void check_list(reader& in, const yaml_node& node, const key_info& info) {
    for (const yaml_node* const item : items_of(in, node, info)) {
        if (info.item == key_type::address) {
            static_cast<void>(parse_node(in, *item, parse_endpoint));
        } else if (info.item == key_type::network) {
            static_cast<void>(parse_node(in, *item, parse_network));
        } else {
            static_cast<void>(text_of(in, *item));
        }
    }
}

// Recursion is as deep as the table, whatever the file holds.
void check_section(reader& in, const yaml_node& node, const key_info& info) {
    for (const yaml_node::entry& entry :
         entries_of(in, node, "'" + std::string(key_name(info)) + "'")) {
        const key_info* const below = find_child(info.path, entry.key->text);
        if (below == nullptr) {
            report_unknown(in, *entry.key, info.path);
        } else {
            check_ignored(in, *entry.value, *below);
        }
    }
}

}  // namespace

void check_ignored(reader& in, const yaml_node& node, const key_info& info) {
    switch (info.type) {
        case key_type::section:
            return check_section(in, node, info);
        case key_type::list:
            return check_list(in, node, info);
        case key_type::integer:
        case key_type::duration:
        case key_type::size:
            return static_cast<void>(number_of(in, node, info));
        case key_type::ratio:
            return static_cast<void>(ratio_of(in, node));
        case key_type::boolean:
            return static_cast<void>(boolean_of(in, node));
        case key_type::choice:
            return static_cast<void>(choice_of(in, node, info));
        default:
            return static_cast<void>(text_of(in, node));
    }
}

}  // namespace penstock::config
