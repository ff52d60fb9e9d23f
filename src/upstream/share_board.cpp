#include "penstock/upstream/share_board.hpp"

#include <algorithm>
#include <utility>

namespace penstock::upstream {

bool share_board::subtract(std::vector<entry>& said, const net::address_key& of,
                           endpoint_mask endpoints) noexcept {
    const auto at = std::find_if(said.begin(), said.end(), [&](const entry& each) {
        return each.address == of && each.eligible > 0 && (each.endpoints & endpoints) != 0;
    });
    if (at == said.end())
        return false;
    --at->eligible;
    --at->waiting;
    ++at->promised;
    ++at->held;
    return true;
}

void share_board::publish(int worker, std::vector<entry> what) {
    const std::lock_guard held(lock_);
    if (what.empty()) {
        said_.erase(worker);
        promises_.erase(worker);
        return;
    }
    if (const auto made = promises_.find(worker); made != promises_.end()) {
        for (const promise& each : made->second)
            (void)subtract(what, each.address, every_endpoint);
    }
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
    at->endpoints = one.endpoints | (at->eligible == 0 ? 0 : at->endpoints);
    at->waiting += one.waiting;
    at->eligible += one.eligible;
}

std::vector<share_board::entry> share_board::others(int worker) const {
    std::vector<entry> found;
    const std::lock_guard held(lock_);
    for (const auto& [by, what] : said_) {
        if (by == worker)
            continue;
        for (const entry& each : what)
            found.emplace_back(each).worker = by;
    }
    return found;
}

bool share_board::make_promise(int to, const promise& what, std::size_t endpoint) {
    const std::lock_guard held(lock_);
    const auto said = said_.find(to);
    if (said == said_.end())
        return false;
    std::vector<promise>& made = promises_[to];
    if (made.size() >= promises_max || !subtract(said->second, what.address, mask_of(endpoint)))
        return false;
    made.push_back(what);
    return true;
}

std::vector<share_board::promise> share_board::take_promises(int worker) {
    const std::lock_guard held(lock_);
    const auto made = promises_.find(worker);
    return made != promises_.end() ? std::exchange(made->second, {}) : std::vector<promise>();
}

}  // namespace penstock::upstream
