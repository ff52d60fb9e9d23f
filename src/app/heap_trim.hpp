// heap_trim: once a burst is over, the workers give back what they keep for reuse, and the heap
// what it has free; by itself the C library keeps what lies below a block in use.
#pragma once

#include "app/memory_use.hpp"
#include "app/process.hpp"
#include "penstock/net/deadline.hpp"

#include <functional>
#include <utility>

namespace penstock::app {

class process::heap_trim final : public net::deadline {
 public:
    static constexpr milliseconds period = 5s;

    heap_trim(net::worker& home, std::function<void()> shrink)
        : home_(home), shrink_(std::move(shrink)) {
        rest();
    }
    ~heap_trim() override = default;

 private:
    void on_expire(error) noexcept override {
        home_.post([this] { look(); });
    }
    void look() {
        const std::uint64_t used = memory_in_use();
        // What the last time has brought shows at this look.
        if (std::exchange(shrinks_, false))
            rule_.note_trimmed(used);
        else if (rule_.due(used))
            shrinks_ = true;
        if (shrinks_) {
            shrink_();
            // What this thread has freed of an old generation is in its own lists.
            home_.shrink();
        }
        rest();
    }
    void rest() { arm(home_.deadlines(), home_.now() + period, net::errc{}); }

    net::worker& home_;
    std::function<void()> shrink_;
    heap_trim_rule rule_;
    bool shrinks_ = false;
};

}  // namespace penstock::app
