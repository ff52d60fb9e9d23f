#include "config/schema_find.hpp"
#include "penstock/config/load.hpp"

#include <algorithm>

namespace penstock::config {

namespace {

bool is_number(const std::string& key) noexcept {
    return !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

std::optional<location> find_place(const model& of, const std::vector<std::string>& keys) {
    std::string place;
    std::string path;  // as the schema has it
    for (const std::string& key : keys) {
        const key_info* const row = find_key(path);
        if (row != nullptr && row->type == key_type::named) {
            place = name_place(place, key);
            path += ".<name>";
        } else if (row != nullptr && row->type == key_type::list && is_number(key)) {
            place += "[" + key + "]";
            path += "[]";
        } else {
            place = join_path(place, key);
            path = join_path(path, key);
        }
    }
    const auto found = of.places.find(place);
    return found == of.places.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace penstock::config
