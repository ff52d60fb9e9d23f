#include "config/schema_find.hpp"

#include "config/tables.hpp"

#include <algorithm>
#include <unordered_map>

namespace penstock::config {

namespace {

std::string_view parent_of(std::string_view path) noexcept {
    const std::size_t dot = path.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

// The rows by their paths, and by those of the sections they lie in. Made once.
struct index {
    catalogue all;
    std::unordered_map<std::string_view, const key_info*> by_path;
    std::unordered_map<std::string_view, std::vector<const key_info*>> below;
};

index make_index() {
    index out;
    describe_rows(out.all, "", model_table().rows);
    return out;
}

const index& whole() {
    static const index kept = [] {
        index out = make_index();
        for (const key_info& row : out.all.rows()) {
            out.by_path.emplace(row.path, &row);
            out.below[parent_of(row.path)].push_back(&row);
        }
        return out;
    }();
    return kept;
}

}  // namespace

std::span<const key_info> schema() { return whole().all.rows(); }

const key_info* find_key(std::string_view path) {
    const auto found = whole().by_path.find(path);
    return found == whole().by_path.end() ? nullptr : found->second;
}

std::string_view key_name(const key_info& info) noexcept {
    return info.path.substr(info.path.rfind('.') + 1);
}

const key_info* find_child(std::string_view path, std::string_view key) {
    return key.find('.') == std::string_view::npos ? find_key(join_path(path, key)) : nullptr;
}

std::vector<const key_info*> children_of(std::string_view path) {
    const auto found = whole().below.find(path);
    return found == whole().below.end() ? std::vector<const key_info*>{} : found->second;
}

std::vector<std::string_view> names_below(std::string_view path) {
    std::vector<std::string_view> names;
    for (const key_info* const row : children_of(path)) {
        names.push_back(key_name(*row));
    }
    return names;
}

bool is_key_name(std::string_view word) {
    const std::span<const key_info> rows = schema();
    return std::any_of(rows.begin(), rows.end(),
                       [&](const key_info& row) { return key_name(row) == word; });
}

std::string join_path(std::string_view path, std::string_view key) {
    const bool both = !path.empty() && !key.empty();
    return std::string(path) + (both ? "." : "") + std::string(key);
}

std::string item_place(std::string_view list, std::size_t number) {
    return std::string(list) + "[" + std::to_string(number) + "]";
}

std::string name_place(std::string_view map, std::string_view name) {
    return join_path(map, "<" + std::string(name) + ">");
}

}  // namespace penstock::config
