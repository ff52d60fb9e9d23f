#include "config/schema_find.hpp"

#include <algorithm>

namespace penstock::config {

namespace {

std::string_view parent_of(const key_info& row) noexcept {
    const std::size_t dot = row.path.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : row.path.substr(0, dot);
}

}  // namespace

const key_info* find_key(std::string_view path) noexcept {
    const std::span<const key_info> rows = schema();
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const key_info& row) { return row.path == path; });
    return found == rows.end() ? nullptr : &*found;
}

std::string_view key_name(const key_info& info) noexcept {
    return info.path.substr(info.path.rfind('.') + 1);
}

const key_info* find_child(std::string_view path, std::string_view key) noexcept {
    const std::span<const key_info> rows = schema();
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const key_info& row) {
        return key_name(row) == key && parent_of(row) == path;
    });
    return found == rows.end() ? nullptr : &*found;
}

std::vector<const key_info*> children_of(std::string_view path) {
    std::vector<const key_info*> found;
    for (const key_info& row : schema()) {
        if (parent_of(row) == path) {
            found.push_back(&row);
        }
    }
    return found;
}

std::vector<std::string_view> names_below(std::string_view path) {
    std::vector<std::string_view> names;
    for (const key_info* const row : children_of(path)) {
        names.push_back(key_name(*row));
    }
    return names;
}

std::string join_path(std::string_view path, std::string_view key) {
    return path.empty() ? std::string(key) : std::string(path) + "." + std::string(key);
}

}  // namespace penstock::config
