// Looks after the files that TLS contexts were made of: certificates, keys, trust, revocation
// lists, stapled responses, the ticket secret. Says that some have changed once they have stayed as
// they are for a look, because a pair of files is not replaced at one instant; and again after a
// while if they could not be used.
#pragma once

#include "app/file_states.hpp"
#include "app/process.hpp"
#include "penstock/base/clock.hpp"
#include "penstock/net/deadline.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace penstock::app {

class process::file_watch final : public net::deadline {
 public:
    static constexpr milliseconds period = 200ms;
    static constexpr milliseconds retry = 30s;

    file_watch(net::worker& home, std::function<void()> on_change)
        : home_(home), on_change_(std::move(on_change)) {}
    ~file_watch() override = default;

    // From here on it is these. `read` is how they looked before they were read: whatever came
    // later is a change, be it that it was read or not.
    void look_after(std::vector<std::string> paths, file_states read) {
        paths_ = std::move(paths);
        used_ = std::move(read);
        latest_ = look_at(paths_);
        again_at_ = never;
        if (paths_.empty())
            disarm();
        else
            arm(home_.deadlines(), home_.now() + period, net::errc{});
    }

    // They could not be used: once more after a while, also if they stay as they are.
    void try_again() { again_at_ = home_.now() + retry; }

 private:
    void on_expire(error) noexcept override {
        home_.post([this] { compare(); });
    }
    void compare() {
        file_states now = look_at(paths_);
        arm(home_.deadlines(), home_.now() + period, net::errc{});
        const bool settled = now == latest_;
        latest_ = now;
        const bool again = home_.now() >= again_at_;
        if (settled && (again || now != used_)) {
            used_ = std::move(now);
            again_at_ = never;
            on_change_();
        }
    }
    net::worker& home_;
    std::function<void()> on_change_;
    std::vector<std::string> paths_;
    file_states used_;    // when the contexts were made, or their change was reported
    file_states latest_;  // at the last look
    time_point again_at_ = never;
};

}  // namespace penstock::app
