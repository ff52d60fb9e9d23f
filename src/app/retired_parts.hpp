// retired_parts: what earlier generations have left behind. A generation lives for as long as an
// exchange runs that began under it, an upstream for as long as a connection of it is in use.
// /status says how many do. Used on the control thread.
#pragma once

#include "app/compile.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace penstock::app {

class retired_parts {
 public:
    // `next` takes the place of `before`.
    void add(const compiled& before, const compiled& next) {
        forget_ended(generations_);
        forget_ended(upstreams_);
        generations_.emplace_back(before.generation);
        for (const compiled_upstream& one : before.upstreams) {
            const auto same = [&](const compiled_upstream& other) {
                return other.shared == one.shared;
            };
            if (std::none_of(next.upstreams.begin(), next.upstreams.end(), same))
                upstreams_.emplace_back(one.shared);
        }
    }
    [[nodiscard]] std::size_t generations() const { return alive(generations_); }
    [[nodiscard]] std::size_t upstreams() const { return alive(upstreams_); }

 private:
    template <class Part>
    static void forget_ended(std::vector<std::weak_ptr<Part>>& of) {
        std::erase_if(of, [](const auto& one) { return one.expired(); });
    }
    template <class Part>
    static std::size_t alive(const std::vector<std::weak_ptr<Part>>& of) {
        return static_cast<std::size_t>(
            std::count_if(of.begin(), of.end(), [](const auto& one) { return !one.expired(); }));
    }
    std::vector<std::weak_ptr<const proxy::generation>> generations_;
    std::vector<std::weak_ptr<upstream::shared_upstream>> upstreams_;
};

}  // namespace penstock::app
