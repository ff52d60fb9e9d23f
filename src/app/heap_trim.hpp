// heap_trim: gives pages that the heap has free back to the kernel once a burst is over; by itself
// the C library keeps what lies below a block in use.
#pragma once

#include "app/memory_use.hpp"
#include "app/process.hpp"
#include "penstock/net/deadline.hpp"

#include <malloc.h>

namespace penstock::app {

class process::heap_trim final : public net::deadline {
 public:
    static constexpr milliseconds period = 5s;

    explicit heap_trim(net::worker& home) : home_(home) { rest(); }
    ~heap_trim() override = default;

 private:
    void on_expire(error) noexcept override {
        home_.post([this] { look(); });
    }
    void look() {
        if (rule_.due(memory_in_use(), ::mallinfo2().fordblks)) {
            ::malloc_trim(0);
            rule_.note_trimmed(memory_in_use());
        }
        rest();
    }
    void rest() { arm(home_.deadlines(), home_.now() + period, net::errc{}); }

    net::worker& home_;
    heap_trim_rule rule_;
};

}  // namespace penstock::app
