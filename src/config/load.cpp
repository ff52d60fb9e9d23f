#include "penstock/config/load.hpp"

#include "config/include.hpp"
#include "config/inherit.hpp"
#include "config/references.hpp"
#include "config/tables.hpp"

namespace penstock::config {

namespace {

loaded failed(const std::string& file, std::string message) {
    loaded out;
    out.problems.push_back({severity::error, {file, 0, 0}, std::move(message), {}, {}});
    return out;
}

// Past the text: what is inherited, what stands for something else, and then the keys.
void load_tree(reader& in, document& files, const yaml_node& root, loaded& to) {
    model read;
    const yaml_node& inherited = with_inherited(in, files.made(), root);
    const yaml_node& resolved = with_references(in, files.made(), inherited);
    load_table(section(in, resolved, "", ""), model_table(), read);
    if (in.errors() == 0) {
        read.file = in.file_name(0);
        read.written = in.take_references();
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
