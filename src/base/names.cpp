#include "penstock/base/names.hpp"

#include <deque>
#include <mutex>
#include <unordered_map>

namespace penstock {
namespace {

struct name_table {
    std::mutex guard;
    std::deque<std::string> names{"none", "_other"};  // a deque, because references stay valid
    std::unordered_map<std::string_view, name_id> ids{{names[0], no_name}, {names[1], other_name}};
};

name_table& table() {
    static name_table instance;
    return instance;
}

}  // namespace

name_id intern_name(std::string_view name) {
    name_table& all = table();
    const std::lock_guard lock(all.guard);
    if (const auto found = all.ids.find(name); found != all.ids.end())
        return found->second;
    if (all.names.size() >= names_max)
        return other_name;
    const auto id = static_cast<name_id>(all.names.size());
    all.ids.emplace(all.names.emplace_back(name), id);
    return id;
}

const std::string& name_of(name_id id) noexcept {
    name_table& all = table();
    const std::lock_guard lock(all.guard);
    return id < all.names.size() ? all.names[id] : all.names[no_name];
}

}  // namespace penstock
