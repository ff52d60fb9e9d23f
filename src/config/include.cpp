#include "config/include.hpp"

#include "config/references.hpp"
#include "config/text.hpp"
#include "config/values.hpp"
#include "penstock/config/load.hpp"

#include <glob.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unordered_map>
#include <unordered_set>

namespace penstock::config {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// Merging without a bound: every map below.
constexpr int all_levels = 1000;
// Maps from names to objects: their names are merged, an object is not.
constexpr std::array<std::string_view, 3> maps_of_names = {"listeners", "upstreams", "policies"};

bool has_wildcard(std::string_view pattern) noexcept {
    return pattern.find_first_of("*?[") != std::string_view::npos;
}

// In the order of their bytes, whatever the locale.
std::vector<std::string> matches_of(const std::string& pattern) {
    glob_t found{};
    std::vector<std::string> paths;
    if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    ::globfree(&found);
    std::sort(paths.begin(), paths.end());
    return paths;
}

std::string real_path(const std::string& path) {
    std::error_code failed;
    const std::filesystem::path real = std::filesystem::weakly_canonical(path, failed);
    return failed ? path : real.string();
}

int levels_below(std::string_view key, int levels) noexcept {
    const bool names =
        std::find(maps_of_names.begin(), maps_of_names.end(), key) != maps_of_names.end();
    return levels == all_levels && names ? 0 : levels - 1;
}

// Where each key of a map is among its entries. A key that is there twice has its first place.
std::unordered_map<std::string_view, std::size_t> places_of(const yaml_node& map) {
    std::unordered_map<std::string_view, std::size_t> places;
    for (std::size_t i = 0; i < map.entries.size(); ++i) {
        const yaml_node& key = *map.entries[i].key;
        if (key.kind == node_kind::scalar) {
            places.emplace(key.text, i);
        }
    }
    return places;
}

// Reports keys that one file gives twice. Merging would take them for keys of two files.
class repetition_check {
 public:
    explicit repetition_check(reader& in) : in_(in) {}

    void look_at(const yaml_node& node) {
        // What several aliases stand for is looked at once.
        if ((node.kind != node_kind::map && node.kind != node_kind::list) ||
            !seen_.insert(&node).second) {
            return;
        }
        if (node.kind == node_kind::map) {
            static_cast<void>(entries_of(in_, node, "a configuration"));
        }
        for (const yaml_node::entry& entry : node.entries) {
            look_at(*entry.value);
        }
        for (const yaml_node* const item : node.items) {
            look_at(*item);
        }
    }

 private:
    reader& in_;
    std::unordered_set<const yaml_node*> seen_;
};

}  // namespace

file_text read_text(const std::string& path, std::size_t most) {
    std::error_code failed;
    const auto status = std::filesystem::status(path, failed);
    if (!std::filesystem::exists(status)) {
        return {std::nullopt, std::strerror(failed ? failed.value() : ENOENT)};
    }
    if (std::filesystem::is_directory(status)) {
        return {std::nullopt, "Is a directory"};
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file.is_open()) {
        return {std::nullopt, std::strerror(errno)};
    }
    // One byte more than is allowed tells a file at the limit from one above it.
    constexpr std::size_t piece = std::size_t{64} * 1024;
    std::string text;
    while (file.good() && text.size() <= most) {
        const std::size_t before = text.size();
        text.resize(before + std::min(piece, most + 1 - before));
        file.read(text.data() + before, static_cast<std::streamsize>(text.size() - before));
        text.resize(before + static_cast<std::size_t>(file.gcount()));
    }
    if (file.bad()) {
        return {std::nullopt, "Input/output error"};
    }
    text.shrink_to_fit();
    if (text.size() > most) {
        return {std::nullopt,
                "larger than " + text_of_number(static_cast<std::int64_t>(most), key_type::size)};
    }
    return {std::move(text), {}};
}

const yaml_node* document::read(std::string_view text, std::uint16_t file) {
    open_.push_back(real_path(in_.file_name(file)));
    taken_.push_back(open_.back());
    const yaml_node* const root = parse(text, file);
    if (root != nullptr) {
        repetition_check(in_).look_at(*root);
    }
    const yaml_node* const whole = root == nullptr ? nullptr : with_includes(*root);
    open_.pop_back();
    return whole;
}

const yaml_node* document::parse(std::string_view text, std::uint16_t file) {
    if (text.starts_with(byte_order_mark)) {
        text.remove_prefix(byte_order_mark.size());
    }
    in_.set_text(file, text);
    const yaml_tree& tree = trees_.emplace_back(parse_yaml(text, file));
    if (tree.problem.has_value()) {
        in_.error(location{in_.file_name(file), tree.problem->line, tree.problem->column},
                  tree.problem->message, tree.problem->hint);
        return nullptr;
    }
    return tree.root;
}

const yaml_node* document::with_includes(const yaml_node& root) {
    const yaml_node* const include = member_of(root, "include");
    if (root.kind != node_kind::map || include == nullptr) {
        return &root;
    }
    // Without the key itself: what is included says its own.
    yaml_node& rest = hollow_copy(made_, root);
    for (const yaml_node::entry& entry : root.entries) {
        if (entry.value != include) {
            rest.entries.push_back(entry);
        }
    }
    const yaml_node* whole = &rest;
    if (include->kind == node_kind::list) {
        for (const yaml_node* const item : include->items) {
            whole = add_pattern(whole, *item);
        }
        return whole;
    }
    return add_pattern(whole, *include);
}

const yaml_node* document::add_pattern(const yaml_node* whole, const yaml_node& as_written) {
    const yaml_node& pattern = with_references_of(in_, made_, as_written);
    const std::string* const written = text_of(in_, pattern);
    if (written == nullptr) {
        return whole;
    }
    if (written->empty() || written->find('\0') != std::string::npos) {
        in_.error(pattern, in_quotes(*written) + " is not a path");
        return whole;
    }
    const std::string path = in_.resolve(pattern, *written);
    if (!has_wildcard(path)) {
        return add_file(whole, pattern, path);
    }
    for (const std::string& match : matches_of(path)) {
        whole = add_file(whole, pattern, match);
    }
    return whole;
}

bool document::may_include(const yaml_node& said_by, const std::string& path) {
    const std::string real = real_path(path);
    if (std::find(open_.begin(), open_.end(), real) != open_.end()) {
        in_.error(said_by, in_quotes(path) + " includes itself",
                  open_.size() == 1 ? "" : "by way of " + in_quotes(open_.back()));
    } else if (std::find(taken_.begin(), taken_.end(), real) != taken_.end()) {
        in_.error(said_by, in_quotes(path) + " is included a second time");
    } else if (open_.size() > include_depth_max) {
        in_.error(said_by, "included files are nested too deeply",
                  "at most " + std::to_string(include_depth_max) + " levels");
    } else if (taken_.size() > include_files_max) {
        in_.error(said_by, "too many files are included",
                  "at most " + std::to_string(include_files_max));
    } else {
        return true;
    }
    return false;
}

const yaml_node* document::add_file(const yaml_node* whole, const yaml_node& said_by,
                                    const std::string& path) {
    if (!may_include(said_by, path)) {
        return whole;
    }
    std::error_code failed;
    const auto status = std::filesystem::status(path, failed);
    // A pipe would make the loader wait for whoever writes to it.
    const bool special = std::filesystem::exists(status) &&
                         !std::filesystem::is_regular_file(status) &&
                         !std::filesystem::is_directory(status);
    file_text got =
        special ? file_text{std::nullopt, "Not a regular file"} : read_text(path, file_size_max);
    if (got.text.has_value() && bytes_ + got.text->size() > include_bytes_max) {
        got = {std::nullopt, "all included files together are larger than 16MiB"};
    }
    if (!got.text.has_value()) {
        in_.error(said_by, "cannot read " + in_quotes(path) + ": " + got.fault);
        return whole;
    }
    bytes_ += got.text->size();
    const std::string& text = texts_.emplace_back(std::move(*got.text));
    const yaml_node* const added = read(text, in_.add_file(path));
    if (added == nullptr || added->kind == node_kind::null) {
        return whole;
    }
    if (added->kind != node_kind::map) {
        in_.error(*added, "a configuration has to be a map");
        return whole;
    }
    return merge(*whole, *added, all_levels);
}

const yaml_node* document::merge(const yaml_node& first, const yaml_node& second, int levels) {
    yaml_node& whole = hollow_copy(made_, first);
    whole.entries = first.entries;
    const auto places = places_of(whole);
    for (const yaml_node::entry& added : second.entries) {
        const auto place = places.find(added.key->text);
        yaml_node::entry* const there =
            added.key->kind == node_kind::scalar && place != places.end()
                ? &whole.entries[place->second]
                : nullptr;
        const auto both = [&](node_kind kind) {
            return there->value->kind == kind && added.value->kind == kind;
        };
        if (there == nullptr) {
            whole.entries.push_back(added);
        } else if (there->value->kind == node_kind::null) {
            *there = added;
        } else if (added.value->kind == node_kind::null) {
            continue;
        } else if (levels > 0 && both(node_kind::map)) {
            there->value =
                merge(*there->value, *added.value, levels_below(added.key->text, levels));
        } else if (levels == all_levels && added.key->text == "routes" && both(node_kind::list)) {
            yaml_node& list = hollow_copy(made_, *there->value);
            list.items = there->value->items;
            list.items.insert(list.items.end(), added.value->items.begin(),
                              added.value->items.end());
            there->value = &list;
        } else {
            whole.entries.push_back(added);
        }
    }
    return &whole;
}

}  // namespace penstock::config
