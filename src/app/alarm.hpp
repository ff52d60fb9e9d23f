// One thing to do later on the control thread, replacing what was to be done before.
#pragma once

#include "app/process.hpp"
#include "penstock/net/deadline.hpp"

#include <functional>
#include <utility>

namespace penstock::app {

class process::alarm final : public net::deadline {
 public:
    explicit alarm(net::worker& home) noexcept : home_(home) {}
    ~alarm() override = default;

    void after(milliseconds time, std::function<void()> action) {
        action_ = std::move(action);
        arm(home_.deadlines(), home_.now() + time, net::errc{});
    }

 private:
    // Posted, so that the action may end whatever it likes, this alarm included.
    void on_expire(error) noexcept override { home_.post(std::exchange(action_, nullptr)); }

    net::worker& home_;
    std::function<void()> action_;
};

}  // namespace penstock::app
