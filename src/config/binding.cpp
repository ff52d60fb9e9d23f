#include "config/binding.hpp"

namespace penstock::config {

void catalogue::add(const key_info& key, std::string path, std::string default_text) {
    key_info& added = rows_.emplace_back(key);
    added.path = texts_.emplace_back(std::move(path));
    added.default_text = texts_.emplace_back(std::move(default_text));
}

}  // namespace penstock::config
