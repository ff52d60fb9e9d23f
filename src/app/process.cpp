#include "app/process.hpp"

#include "app/alarm.hpp"
#include "app/configuration.hpp"
#include "app/diagnostics.hpp"
#include "app/file_watch.hpp"
#include "app/heap_trim.hpp"
#include "app/memory_watch.hpp"
#include "app/output.hpp"
#include "app/text.hpp"
#include "app/worker_count.hpp"
#include "penstock/app/app.hpp"
#include "penstock/base/build_info.hpp"
#include "penstock/base/log.hpp"
#include "penstock/base/names.hpp"

#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

namespace penstock::app {
namespace {

constexpr std::array handled_signals{SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};
// People and scrapers; the rest waits in the kernel's queue.
constexpr std::uint64_t admin_connections_max = 128;

std::int64_t seconds_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(wall_clock::now().time_since_epoch())
        .count();
}

// On a thread on which nothing else would catch what is thrown.
compile_outcome compile_all(compile_input from) noexcept {
    try {
        return compile(std::move(from));
    } catch (const std::exception& failure) {
        config::diagnostic made;
        made.message = failure.what();
        return compile_failure{{std::move(made)}, exit_runtime};
    }
}

}  // namespace

process::process(process_options with)
    : with_(std::move(with)), started_at_(seconds_now()), last_reload_at_(started_at_) {}

process::~process() = default;

void process::block_signals() {
    net::signal_source::block(handled_signals);
    // A peer that is gone is an error of a write, and no reason to end.
    std::signal(SIGPIPE, SIG_IGN);
}

int process::run() {
    alarm_ = std::make_unique<alarm>(control_);
    memory_ = std::make_unique<memory_watch>(
        control_, [this](net::memory_level to) { fleet_->set_memory_level(to); });
    trim_ = std::make_unique<heap_trim>(control_, [this] { fleet_->shrink(); });
    tls_files_ = std::make_unique<file_watch>(control_, [this] { renew_tls(); });
    if (const std::optional<int> failed = boot())
        return *failed;
    control_.post([this] { compile_first(); });
    control_.run();
    // Nothing is in flight any more. A reload under way uses the fleet, and the workers fill the
    // rings.
    join_background();
    tls_files_.reset();
    trim_.reset();
    memory_.reset();
    fleet_.reset();
    writer_.reset();
    if (exit_code_ == exit_ok)
        log_info("ended");
    return exit_code_;
}

// The exit code if it cannot start.
std::optional<int> process::boot() {
    set_log_level(log_level_of(with_.model.log.level));
    const build_info& build = this_build();
    log_info("penstock {} ({}) starts", build.version, build.revision);
    fleet_ = std::make_unique<fleet>(control_, count_workers(with_.model.workers));
    if (with_.model.workers_pinned)
        fleet_->pin();
    writer_ = std::make_unique<access_writer>();
    signals_ = std::make_unique<net::signal_source>(
        control_, handled_signals,
        // A handler must not throw; work that was posted may.
        [this](int number) { control_.post([this, number] { on_signal(number); }); });
    return open_admin();
}

void process::compile_first() {
    compile_input input = input_of(1);
    input.model = with_.model;
    if (const auto warning = fit_to_descriptors(input.model, with_.descriptors, input.workers))
        log_warn("{}", *warning);
    reload_.start("start", [this, input = std::move(input)]() mutable {
        file_states read = look_before_reading(tls_files_of(input.model));
        auto outcome = std::make_shared<compile_outcome>(compile_all(std::move(input)));
        control_.post([this, outcome, read = std::move(read)]() mutable {
            end_start(*outcome, std::move(read));
        });
    });
}

void process::end_start(const compile_outcome& outcome, file_states read) {
    reload_.join();
    if (state_ != state::starting)
        return;
    if (const auto* const failure = std::get_if<compile_failure>(&outcome)) {
        refuse(failure->problems);
        return end_with(failure->exit_code);
    }
    const auto& made = std::get<std::shared_ptr<const compiled>>(outcome);
    std::vector<config::diagnostic> warnings = made->warnings;
    locate(warnings, with_.text);
    for (const config::diagnostic& one : warnings)
        log_warn("{}", one_line(one));
    if (const auto failure = commit(made, std::move(read))) {
        refuse(*failure);
        return end_with(failure->by_system ? exit_os : exit_config);
    }
    start_admin();
    announce();
}

void process::end_with(int exit_code) {
    state_ = state::ended;
    exit_code_ = exit_code;
    signals_.reset();
    control_.stop();
}

void process::refuse(std::vector<config::diagnostic> problems) const {
    if (!with_.name_place) {
        locate(problems, with_.text);
        print_error(config::render_text(problems, rendering_for(STDERR_FILENO)));
        return;
    }
    for (const config::diagnostic& one : problems)
        complain(with_.name_place(one.where) + ": " + one.message);
}

void process::refuse(const commit_failure& failure) const {
    complain((with_.name_place ? with_.name_place(failure.where) + ": " : std::string()) +
             failure.message);
}

compile_input process::input_of(std::uint64_t number) {
    compile_input made;
    made.number = number;
    made.workers = fleet_->size();
    made.before = present_;
    made.files = &with_.files;
    made.ticket_secret = ticket_secret_;
    made.on_rebalance = [of = fleet_.get()] { return of->make_rebalance(); };
    return made;
}

std::optional<int> process::open_admin() {
    const config::admin& settings = with_.model.admin;
    if (!settings.enabled)
        return std::nullopt;
    const result<bind_target> target = target_of(settings.bind);
    const std::string text = text_of(settings.bind);
    if (!target) {
        complain("admin cannot listen on " + text + ": " + target.error().message());
        return exit_os;
    }
    net::listen_options options;
    options.both_families = target->both_families;
    auto opened = net::open_listeners(target->at, 1, options, admin_bound_);
    if (!opened) {
        complain("admin cannot listen on " + text + ": " + opened.error().message());
        return exit_os;
    }
    admin_fd_ = std::move(opened->front());
    if (admin_bound_.is_unix())
        admin_file_ = std::make_shared<const net::unix_file>(admin_bound_.unix_path());
    return std::nullopt;
}

void process::start_admin() {
    if (!admin_fd_)
        return;
    auto serves = std::make_shared<downstream::listener_state>();
    serves->settings.name = "admin";
    serves->settings.limit.connections = admin_connections_max;
    serves->id = intern_name("admin");
    serves->generation = generation_;
    serves->handler = admin::make_handler(*this);
    admin_ = std::make_unique<downstream::server>(control_, std::move(serves),
                                                  std::make_shared<net::connection_count>());
    admin_->listen(std::move(admin_fd_), admin_bound_);
    log_info("admin on {} (/metrics /status /healthz /readyz)", admin_bound_.to_string());
}

void process::announce() {
    state_ = state::serving;
    log_info("ready: {} workers", fleet_->size());
    if (with_.on_ready)
        with_.on_ready();
    if (std::exchange(reload_again_, false))
        begin_reload();
}

std::string process::bound_to(std::string_view listener) const {
    return fleet_->bound_to(listener);
}

std::string process::admin_bound_to() const {
    return with_.model.admin.enabled ? admin_bound_.to_string() : std::string();
}

admin::process_view process::view() const {
    admin::process_view made;
    made.generation = generation_;
    made.last_reload_ok = last_reload_ok_;
    made.last_reload_error = last_reload_error_;
    made.last_reload_at = last_reload_at_;
    made.started_at = started_at_;
    made.ready = state_ == state::serving;
    made.draining = state_ > state::serving;
    made.config_file = with_.reload_from;
    made.access_lost = writer_->lost();
    made.retired_generations = retired_.generations();
    made.retired_upstreams = retired_.upstreams();
    fleet_->describe(made);
    for (std::size_t i = 0; i < access_.size(); ++i)
        made.workers[i].access = &access_[i]->ring();
    return made;
}

void process::on_signal(int number) {
    switch (number) {
        case SIGHUP:
            return begin_reload();
        case SIGUSR1:
            return reopen_access_log();
        case SIGUSR2:
            return log_warn("SIGUSR2: upgrading the binary is not in this release");
        case SIGINT:
            return begin_drain("SIGINT");
        case SIGQUIT:
            return begin_drain("SIGQUIT");
        default:
            return begin_drain("SIGTERM");
    }
}

}  // namespace penstock::app
