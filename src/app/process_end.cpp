// The end of the process: drain, cut what does not end by itself, let go of everything.
#include "app/alarm.hpp"
#include "app/process.hpp"
#include "penstock/app/app.hpp"
#include "penstock/base/log.hpp"

#include <cstdlib>

namespace penstock::app {
namespace {

// After everything was cut nothing waits for a peer any more.
constexpr milliseconds cut_limit = 5s;
constexpr milliseconds admin_check_interval = 20ms;
// How long the process waits at its end for a configuration that is being loaded.
constexpr milliseconds background_limit = 1s;

}  // namespace

void process::begin_drain(std::string_view why) {
    if (state_ == state::starting) {
        log_info("{}: ends before it has served", why);
        return end_with(exit_ok);
    }
    if (state_ == state::delaying)
        drain(why);
    if (state_ == state::draining)
        return cut("second signal");
    if (state_ != state::serving)
        return;
    const milliseconds delay = present_->generation->model.drain.delay;
    if (delay == milliseconds::zero())
        return drain(why);
    state_ = state::delaying;
    alarm_->after(delay, [this] { drain("drain delay"); });
    log_info("{}: no longer ready, draining begins in {} ms", why, delay.count());
}

void process::drain(std::string_view why) {
    if (state_ != state::serving && state_ != state::delaying)
        return;
    state_ = state::draining;
    const milliseconds limit = present_->generation->model.drain.timeout;
    alarm_->after(limit, [this] { cut("drain time-out"); });
    fleet_->drain([this] { drained(); });
    log_info("{}: draining, at most {} ms", why, limit.count());
}

void process::cut(std::string_view why) {
    if (state_ != state::draining)
        return;
    state_ = state::cutting;
    alarm_->after(cut_limit, [this] { give_up(); });
    const std::size_t count = fleet_->abort();
    log_warn("{}: {} connections were cut", why, count);
}

void process::drained() {
    log_info(state_ == state::cutting ? "all connections are gone" : "drained");
    state_ = state::ended;
    if (admin_)
        admin_->abort();
    end_admin();
}

void process::end_admin() {
    if (admin_ && admin_->connections() > 0) {
        alarm_->after(admin_check_interval, [this] { end_admin(); });
        return;
    }
    alarm_->disarm();
    admin_.reset();
    signals_.reset();
    control_.stop();
}

// It may wait for a file system or for name servers, of which nothing says how long they take.
void process::join_background() {
    if (reload_.join_within(background_limit))
        return;
    log_warn("a configuration is still being loaded; it is given up");
    admin_file_.reset();
    writer_->stop();
    std::_Exit(exit_code_);
}

// A connection that outlives its abort is a defect of ours; it must not keep the process.
void process::give_up() const {
    if (state_ == state::ended)
        return;
    log_error("connections do not end; giving up");
    writer_->stop();
    std::_Exit(exit_runtime);
}

}  // namespace penstock::app
