// Looks after the files that TLS contexts were made of: certificates, keys, trust, revocation
// lists, stapled responses, the ticket secret. Says that some have changed once they have stayed as
// they are for a look, because a pair of files is not replaced at one instant; and again after a
// while if they could not be used.
#pragma once

#include "app/process.hpp"
#include "penstock/base/clock.hpp"
#include "penstock/config/model.hpp"
#include "penstock/net/deadline.hpp"

#include <sys/stat.h>

#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace penstock::app {

// The paths of a model's TLS files.
[[nodiscard]] std::vector<std::string> tls_files_of(const config::model& of);

class process::file_watch final : public net::deadline {
 public:
    static constexpr milliseconds period = 200ms;
    static constexpr milliseconds retry = 30s;

    file_watch(net::worker& home, std::function<void()> on_change)
        : home_(home), on_change_(std::move(on_change)) {}
    ~file_watch() override = default;

    // From here on it is these, which were read at `read_at` or later: what has changed since then
    // may have been read before it did.
    void look_after(std::vector<std::string> paths, wall_clock::time_point read_at) {
        paths_ = std::move(paths);
        used_ = latest_ = look();
        // The kernel's own clock may be a tick behind.
        const nanoseconds since = (read_at - 20ms).time_since_epoch();
        for (state& each : used_) {
            if (std::chrono::seconds(std::get<3>(each)) + nanoseconds(std::get<4>(each)) >= since)
                each = state();
        }
        if (paths_.empty())
            disarm();
        else
            arm(home_.deadlines(), home_.now() + period, net::errc{});
    }

    // They are about to be read again, and were read.
    void begin_reading() { before_ = look(); }
    void note_read() { used_ = before_; }
    // They could not be used: once more after a while, also if they stay as they are.
    void try_again() { again_at_ = home_.now() + retry; }

 private:
    // Of each file: device and number, size, and when it was last changed.
    using state = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;

    void on_expire(error) noexcept override {
        home_.post([this] { compare(); });
    }
    void compare() {
        std::vector<state> now = look();
        const bool settled = now == latest_;
        latest_ = now;
        const bool again = home_.now() >= again_at_;
        if (settled && (again || now != used_)) {
            used_ = std::move(now);
            again_at_ = never;
            on_change_();
        }
        arm(home_.deadlines(), home_.now() + period, net::errc{});
    }
    [[nodiscard]] std::vector<state> look() const {
        std::vector<state> found;
        for (const std::string& path : paths_) {
            struct stat of {};
            // A file that is gone for a moment is not a new one.
            if (::stat(path.c_str(), &of) != 0)
                found.emplace_back();
            else
                found.emplace_back(of.st_dev, of.st_ino, of.st_size, of.st_ctim.tv_sec,
                                   of.st_ctim.tv_nsec);
        }
        return found;
    }

    net::worker& home_;
    std::function<void()> on_change_;
    std::vector<std::string> paths_;
    std::vector<state> used_;    // when the contexts were made, or their change was reported
    std::vector<state> latest_;  // at the last look
    std::vector<state> before_;  // when reading began
    time_point again_at_ = never;
};

}  // namespace penstock::app
