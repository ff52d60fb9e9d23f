#include "penstock/config/load.hpp"

#include "config/check_texts.hpp"
#include "config/loaders.hpp"
#include "config/text.hpp"
#include "config/values.hpp"
#include "config/yaml_tree.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace penstock::config {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

loaded failed(const std::string& file, std::string message, std::string hint = {}) {
    loaded out;
    out.problems.push_back(
        {severity::error, {file, 0, 0}, std::move(message), std::move(hint), {}});
    return out;
}

void load_workers(const section& root, std::uint32_t& to) {
    const yaml_node* const node = root.find("workers");
    if (node != nullptr && node->text != "auto") {
        root.read("workers", to);
    }
}

void load_shedding(const section& root, model& to) {
    const std::optional<section> from = root.child("shedding");
    const yaml_node* const node = from.has_value() ? from->find("memory") : nullptr;
    if (node != nullptr && node->text != "auto") {
        std::uint64_t bytes = 0;
        from->read("memory", bytes);
        to.memory_limit = bytes;
    }
}

model load_model(reader& in, const yaml_node& node) {
    const section root(in, node, "");
    model out;
    std::vector<bound_address> bound;
    load_workers(root, out.workers);
    out.admin = load_admin(root, bound);
    out.log = load_log(root);
    out.listeners = load_listeners(root, bound);
    out.upstreams = load_upstreams(root);
    out.routes = load_routes(root, out);
    out.trust = load_trust(root);
    if (const std::optional<section> drain = root.child("drain"); drain.has_value()) {
        drain->read("timeout", out.drain_timeout);
    }
    load_shedding(root, out);
    check_bound(in, std::move(bound));
    check_unused(in, out.routes, out.upstreams);
    check_redirect_loops(in, out);
    return out;
}

void load_tree(reader& in, const yaml_node& root, const std::string& file, loaded& to) {
    model read = load_model(in, root);
    if (in.errors() == 0) {
        read.file = file;
        to.value = std::move(read);
    }
}

}  // namespace

loaded load_text(std::string_view yaml, const std::string& file_name) {
    if (yaml.size() > file_size_max) {
        return failed(file_name, "the file is larger than 4MiB");
    }
    if (yaml.starts_with(byte_order_mark)) {
        yaml.remove_prefix(byte_order_mark.size());
    }
    loaded out;
    reader in(file_name);
    const yaml_tree tree = parse_yaml(yaml);
    if (tree.problem.has_value()) {
        in.error({file_name, tree.problem->line, tree.problem->column}, tree.problem->message,
                 tree.problem->hint);
    } else if (tree.root == nullptr || tree.root->kind == node_kind::null) {
        return failed(file_name, "the configuration is empty");
    } else {
        load_tree(in, *tree.root, file_name, out);
    }
    out.problems = in.take_problems(yaml);
    return out;
}

loaded load_file(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        return failed(path, "cannot read the configuration: Is a directory");
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file.is_open()) {
        return failed(path, std::string("cannot read the configuration: ") + std::strerror(errno));
    }
    // One byte more than is allowed tells a file at the limit from one above it.
    std::string text(file_size_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) {
        return failed(path, "cannot read the configuration");
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    return load_text(text, path);
}

}  // namespace penstock::config
