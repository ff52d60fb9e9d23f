#include "config/section.hpp"

#include "config/schema_find.hpp"
#include "config/text.hpp"
#include "config/values.hpp"
#include "penstock/base/check.hpp"

#include <algorithm>

namespace penstock::config {

namespace {

// What a map is called in messages: its key, or what its list or map holds several of.
std::string map_name(std::string_view path) {
    if (path.empty()) {
        return "a configuration";
    }
    if (path.ends_with("[]") || path.ends_with(".<name>")) {
        std::string_view owner = path.substr(0, path.find_last_of(".[", path.size() - 2));
        owner = owner.substr(owner.rfind('.') + 1);
        const bool vowel = owner.find_first_of("aeiou") == 0;
        return (vowel ? "an " : "a ") + std::string(owner.substr(0, owner.size() - 1));
    }
    return in_quotes(path.substr(path.rfind('.') + 1));
}

}  // namespace

section::section(reader& in, const yaml_node& node, std::string path, std::string place)
    : in_(in), node_(node), path_(std::move(path)), place_(std::move(place)) {
    entries_ = entries_of(in_, node_, map_name(path_));
    for (const yaml_node::entry& entry : entries_) {
        check_key(*entry.key, *entry.value);
    }
}

void section::check_key(const yaml_node& key, const yaml_node& value) const {
    const key_info* const row = find_child(path_, key.text);
    if (row == nullptr) {
        report_unknown(in_, key, path_);
        return;
    }
    if (row->state == key_state::active) {
        return;
    }
    check_ignored(in_, value, *row);
    if (row->state == key_state::refused) {
        in_.error(key, in_quotes(key.text) + " is not available in this release");
    } else if (value.text.empty() || value.text != row->default_text) {
        in_.warn(key, in_quotes(key.text) + " has no effect in this release");
    }
}

const yaml_node* section::find(std::string_view key) const noexcept {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const auto& entry) { return entry.key->text == key; });
    return found == entries_.end() ? nullptr : found->value;
}

const key_info& section::info(std::string_view key) const {
    const key_info* const row = find_key(path_of(key));
    PENSTOCK_CHECK(row != nullptr);
    return *row;
}

std::string section::path_of(std::string_view key) const { return join_path(path_, key); }

std::string section::place_of(std::string_view key) const { return join_path(place_, key); }

void section::keep_reference(std::string_view key, const yaml_node& node) const {
    const key_info* const row = find_key(path_of(key));
    const bool file = row != nullptr && row->type == key_type::path;
    in_.keep_reference(place_of(key), node, file);
}

void section::keep_place(std::string_view key, const yaml_node& node) const {
    const key_info* const row = find_key(path_of(key));
    const bool tls = path_.find(".tls") != std::string::npos;
    if (row != nullptr && (row->type == key_type::path || (tls && row->type == key_type::text))) {
        in_.keep_place(place_of(key), node);
    }
}

std::optional<section> section::child(std::string_view key) const {
    const yaml_node* const value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    return section(in_, *value, path_of(key), place_of(key));
}

std::vector<const yaml_node*> section::items(std::string_view key) const {
    const yaml_node* const value = find(key);
    return value == nullptr ? std::vector<const yaml_node*>{} : items_of(in_, *value, info(key));
}

std::optional<std::int64_t> section::number(std::string_view key) const {
    const yaml_node* const value = find(key);
    return value == nullptr ? std::nullopt : number_of(in_, *value, info(key));
}

void section::read(std::string_view key, std::chrono::milliseconds& to) const {
    PENSTOCK_CHECK(info(key).type == key_type::duration);
    to = std::chrono::milliseconds(number(key).value_or(to.count()));
}

void section::read(std::string_view key, std::chrono::seconds& to) const {
    std::chrono::milliseconds value = to;
    read(key, value);
    to = std::chrono::duration_cast<std::chrono::seconds>(value);
    if (to != value) {
        in_.error(*find(key), in_quotes(find(key)->text) + " is not a whole number of seconds");
    }
}

void section::read(std::string_view key, std::uint64_t& to) const {
    if (const std::optional<std::int64_t> value = number(key); value.has_value()) {
        to = static_cast<std::uint64_t>(*value);
    }
}

void section::read(std::string_view key, std::uint32_t& to) const {
    if (const std::optional<std::int64_t> value = number(key); value.has_value()) {
        to = static_cast<std::uint32_t>(*value);
    }
}

void section::read(std::string_view key, int& to) const {
    if (const std::optional<std::int64_t> value = number(key); value.has_value()) {
        to = static_cast<int>(*value);
    }
}

void section::read(std::string_view key, double& to) const {
    if (const yaml_node* const value = find(key); value != nullptr) {
        to = ratio_of(in_, *value).value_or(to);
    }
}

void section::read(std::string_view key, bool& to) const {
    if (const yaml_node* const value = find(key); value != nullptr) {
        to = boolean_of(in_, *value).value_or(to);
    }
}

void section::read(std::string_view key, std::string& to) const {
    const yaml_node* const value = find(key);
    if (value == nullptr) {
        return;
    }
    const key_info& row = info(key);
    const std::string* const text =
        row.type == key_type::choice ? choice_of(in_, *value, row) : text_of(in_, *value);
    if (text != nullptr) {
        to = *text;
    }
}

bool section::is_map() const noexcept {
    return node_.kind == node_kind::map || node_.kind == node_kind::null;
}

bool section::is_misspelt(std::string_view key) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const yaml_node::entry& entry) {
        return find_child(path_, entry.key->text) == nullptr &&
               nearest(entry.key->text, names_below(path_)) == key;
    });
}

void section::require(std::string_view key) const {
    if (!in_.partial() && is_map() && find(key) == nullptr && !is_misspelt(key)) {
        in_.error(node_, map_name(path_) + " needs " + in_quotes(key));
    }
}

}  // namespace penstock::config
