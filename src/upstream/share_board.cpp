#include "penstock/upstream/share_board.hpp"

#include <algorithm>
#include <utility>

namespace penstock::upstream {

void share_board::publish(int worker, std::vector<entry> what) {
    const std::lock_guard held(lock_);
    if (what.empty())
        said_.erase(worker);
    else
        said_[worker] = std::move(what);
}

void share_board::add_waiting(int worker, const entry& one) {
    const std::lock_guard locked(lock_);
    std::vector<entry>& said = said_[worker];
    // One that is held back may stand in an entry of its own.
    auto at = std::find_if(said.begin(), said.end(), [&](const entry& each) {
        return each.address == one.address && each.most == 0;
    });
    if (at == said.end()) {
        at = said.insert(said.end(), entry());
        at->address = one.address;
    }
    at->connections += at->connections == 0 ? 1 : one.connections;
    if (one.eligible > 0)
        at->least_held =
            at->eligible == 0 ? one.least_held : std::min(at->least_held, one.least_held);
    at->waiting += one.waiting;
    at->eligible += one.eligible;
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
