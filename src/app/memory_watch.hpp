// Looks at the memory in use ten times a second, as long as there is a limit, and says when its
// level changes.
#pragma once

#include "app/memory_use.hpp"
#include "app/process.hpp"
#include "penstock/base/log.hpp"
#include "penstock/net/deadline.hpp"

#include <functional>
#include <optional>
#include <utility>

namespace penstock::app {

class process::memory_watch final : public net::deadline {
 public:
    static constexpr milliseconds period = 100ms;

    memory_watch(net::worker& home, std::function<void(net::memory_level)> on_change)
        : home_(home), on_change_(std::move(on_change)) {}
    ~memory_watch() override = default;

    // Nothing = the cgroup's limit; 0 = none.
    void limit_to(std::optional<std::uint64_t> bytes) {
        limit_ = bytes ? *bytes : memory_limit_of_cgroup();
        look();
    }

 private:
    void on_expire(error) noexcept override {
        home_.post([this] { look(); });
    }
    void look() {
        const std::uint64_t used = limit_ == 0 ? 0 : memory_in_use();
        const net::memory_level now = memory_level_for(level_, used, limit_);
        if (now != level_) {
            level_ = now;
            on_change_(now);
            log_warn("memory: {} of {} MiB in use, {}", used >> 20U, limit_ >> 20U, word(now));
        }
        if (limit_ != 0)
            arm(home_.deadlines(), home_.now() + period, net::errc{});
        else
            disarm();
    }
    static std::string_view word(net::memory_level of) noexcept {
        switch (of) {
            case net::memory_level::normal:
                return "which is well";
            case net::memory_level::high:
                return "connections end with their response";
            case net::memory_level::critical:
                break;
        }
        return "requests are refused";
    }

    net::worker& home_;
    std::function<void(net::memory_level)> on_change_;
    std::uint64_t limit_ = 0;
    net::memory_level level_ = net::memory_level::normal;
};

}  // namespace penstock::app
