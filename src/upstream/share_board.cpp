#include "penstock/upstream/share_board.hpp"

#include <utility>

namespace penstock::upstream {

void share_board::publish(int worker, std::vector<entry> what) {
    const std::lock_guard held(lock_);
    if (what.empty())
        said_.erase(worker);
    else
        said_[worker] = std::move(what);
}

std::vector<share_board::entry> share_board::others(int worker) const {
    std::vector<entry> found;
    const std::lock_guard held(lock_);
    for (const auto& [by, what] : said_) {
        if (by != worker)
            found.insert(found.end(), what.begin(), what.end());
    }
    return found;
}

}  // namespace penstock::upstream
