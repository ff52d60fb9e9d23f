#include "upstream/cut_list.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace penstock::upstream {

void cut_list::clear() noexcept {
    for (const candidate& each : candidates_) {
        if (each.which != nullptr)
            each.which->place_ = entry::unlisted;
    }
    candidates_.clear();
    refused_.clear();
    left_ = 0;
    endpoints_ = 0;
}

void cut_list::add(entry& which, const fair_queue::standing& seen) {
    candidates_.push_back({&which, seen});
    endpoints_ |= mask_of(which.endpoint_);
    ++left_;
}

void cut_list::sort() noexcept {
    std::sort(candidates_.begin(), candidates_.end(), [](const candidate& a, const candidate& b) {
        return std::tuple(a.seen.open_ended, b.seen.still) <
               std::tuple(b.seen.open_ended, a.seen.still);
    });
    for (std::size_t i = 0; i < candidates_.size(); ++i)
        candidates_[i].which->place_ = i;
}

void cut_list::drop(entry& which) noexcept {
    if (which.place_ == entry::unlisted)
        return;
    candidates_[std::exchange(which.place_, entry::unlisted)].which = nullptr;
    --left_;
}

template <class Accepts>
cut_list::entry* cut_list::find(const fair_queue& judge, const fair_queue::claim& to,
                                const Accepts& accepts) {
    bool at_another = false;
    for (const candidate& each : candidates_) {
        if (each.which == nullptr || leaves_to_others(to, each.seen.client, judge.total()) ||
            !judge.yields(each.seen, to))
            continue;
        if (accepts(*each.which))
            return each.which;
        at_another = true;
    }
    if (!at_another && refused_.size() < refused_max)
        refused_.push_back(to);
    return nullptr;
}

cut_list::entry* cut_list::choose(const fair_queue& judge, const fair_queue::claim& to,
                                  const fair_queue::item& waiting) {
    return find(judge, to, [&](const entry& one) { return waiting.accepts(one.endpoint_); });
}

cut_list::entry* cut_list::choose(const fair_queue& judge, const fair_queue::claim& to,
                                  endpoint_mask endpoints) {
    return find(judge, to,
                [&](const entry& one) { return (endpoints & mask_of(one.endpoint_)) != 0; });
}

bool cut_list::was_refused(const fair_queue::claim& one) const noexcept {
    return std::find(refused_.begin(), refused_.end(), one) != refused_.end();
}

}  // namespace penstock::upstream
