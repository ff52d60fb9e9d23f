#include "penstock/config/load.hpp"

#include "config/include.hpp"
#include "config/inherit.hpp"
#include "config/references.hpp"
#include "config/schema_find.hpp"
#include "config/tables.hpp"
#include "config/values.hpp"

namespace penstock::config {

namespace {

loaded failed(const std::string& file, std::string message) {
    loaded out;
    out.problems.push_back({severity::error, {file, 0, 0}, std::move(message), {}, {}});
    return out;
}

// What objects inherit is copied for each of them, so there may not be too many before that.
bool fits(reader& in, const yaml_node& root) {
    bool good = true;
    for (const yaml_node::entry& entry : root.entries) {
        const key_info* const row = find_child("", entry.key->text);
        const std::size_t count = entry.value->entries.size() + entry.value->items.size();
        const bool counted =
            row != nullptr && (row->type == key_type::named || row->type == key_type::list);
        if (counted && count > static_cast<std::size_t>(row->range.high)) {
            check_count(in, *entry.value, count, *row);
            good = false;
        }
    }
    return good;
}

// Past the text: what is inherited, what stands for something else, and then the keys.
void load_tree(reader& in, document& files, const yaml_node& root, loaded& to) {
    if (!fits(in, root)) {
        return;
    }
    model read;
    const yaml_node& inherited = with_inherited(in, files.made(), root);
    const yaml_node& resolved = with_references(in, files.made(), inherited);
    load_table(section(in, resolved, "", ""), model_table(), read);
    if (in.errors() == 0) {
        read.file = in.file_name(0);
        read.written = in.take_references();
        read.places = in.take_places();
        to.value = std::move(read);
    }
}

}  // namespace

loaded load_text(std::string_view yaml, const std::string& file_name) {
    if (yaml.size() > file_size_max) {
        return failed(file_name, "the file is larger than 4MiB");
    }
    loaded out;
    reader in(file_name);
    document files(in);
    const yaml_node* const root = files.read(yaml, 0);
    if (root != nullptr && root->kind != node_kind::null) {
        load_tree(in, files, *root, out);
    } else if (in.errors() == 0) {
        return failed(file_name, "the configuration is empty");
    }
    out.problems = in.take_problems();
    return out;
}

loaded load_file(const std::string& path) {
    const file_text got = read_text(path, file_size_max);
    if (!got.text.has_value()) {
        return failed(path, got.fault.starts_with("larger")
                                ? "the file is larger than 4MiB"
                                : "cannot read the configuration: " + got.fault);
    }
    return load_text(*got.text, path);
}

}  // namespace penstock::config
