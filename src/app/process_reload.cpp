// Reload: what changes while the process runs, and how it takes effect.
#include "app/diagnostics.hpp"
#include "app/file_watch.hpp"
#include "app/memory_watch.hpp"
#include "app/process.hpp"
#include "penstock/base/log.hpp"

#include <algorithm>
#include <random>

namespace penstock::app {
namespace {

const std::string& access_path_of(const config::model& of) {
    static const std::string off;
    return of.log.access ? of.log.access->path : off;
}

bool same_tls(const compiled& left, const compiled& right) {
    const auto same = [](const auto& a, const auto& b) { return a.definition == b.definition; };
    return std::equal(left.listeners.begin(), left.listeners.end(), right.listeners.begin(),
                      right.listeners.end(), same) &&
           std::equal(left.upstreams.begin(), left.upstreams.end(), right.upstreams.begin(),
                      right.upstreams.end(),
                      [same](const auto& a, const auto& b) { return same(a.tls, b.tls); });
}

}  // namespace

// Hang-ups that come while one is being worked on are one more reload together.
void process::begin_reload() {
    if (state_ != state::serving && state_ != state::starting) {
        log_warn("SIGHUP: no reload while draining");
        return;
    }
    if (with_.reload_from.empty()) {
        log_warn("SIGHUP: there is no configuration file to load again");
        return;
    }
    if (state_ == state::starting) {
        log_info("SIGHUP: a reload, once the start has ended");
        reload_again_ = true;
        return;
    }
    if (reload_.running()) {
        log_info("SIGHUP: one more reload, behind the one under way");
        reload_again_ = true;
        return;
    }
    prepare_in_background(with_.reload_from, input_of(generation_ + 1));
}

void process::renew_tls() {
    if (state_ != state::serving)
        return;
    // Whatever is being loaded may have read the old ones.
    if (reload_.running()) {
        log_info("TLS files have changed: read again behind the reload under way");
        renew_again_ = true;
        return;
    }
    // For the case that there is no memory or no thread for it.
    tls_files_->try_again();
    compile_input input = input_of(generation_ + 1);
    input.renews = true;
    input.model = present_->generation->model;
    prepare_in_background(std::string(), std::move(input));
    renewing_ = true;
}

// No path: with the model that is there.
void process::prepare_in_background(const std::string& path, compile_input input) {
    reload_.start("reload", [this, path, input = std::move(input)]() mutable {
        auto outcome = std::make_shared<prepared_reload>(
            prepare_reload(path, std::move(input), with_.descriptors));
        control_.post([this, outcome] { end_reload(std::move(*outcome)); });
    });
}

void process::end_reload(prepared_reload outcome) {
    reload_.join();
    if (state_ != state::serving)
        return;
    for (const std::string& line : outcome.warnings)
        log_warn("{}", line);
    const bool renewing = std::exchange(renewing_, false);
    bool loaded = false;
    if (renewing && outcome.next && same_tls(*outcome.next, *present_)) {
        // Touched, or looked at while they were being replaced.
        tls_files_->look_after(tls_files_of(present_->generation->model), std::move(outcome.read));
        note_success(renewing);
        loaded = true;
    } else if (!outcome.next) {
        fail_reload(outcome.errors, renewing);
    } else if (const auto failure = commit(outcome.next, std::move(outcome.read))) {
        fail_reload({one_line(failure->where, failure->message)}, renewing);
    } else {
        if (!renewing)
            warn_of_restart(present_->generation->model);
        note_success(renewing);
        loaded = true;
        log_info("{}: generation {}", renewing ? "TLS files renewed" : "reloaded", generation_);
    }
    last_reload_at_ =
        std::chrono::duration_cast<std::chrono::seconds>(wall_clock::now().time_since_epoch())
            .count();
    // Files that were read are looked after from then on, so a later change is seen without this.
    // One that came before a load that failed is due until one succeeds.
    if (loaded)
        renew_again_ = false;
    if (std::exchange(reload_again_, false))
        begin_reload();
    else if (std::exchange(renew_again_, false))
        renew_tls();
}

// New files say nothing about a configuration that could not be loaded.
void process::note_success(bool renewing) {
    if (renewing && !renewal_failed_)
        return;
    renewal_failed_ = false;
    last_reload_ok_ = true;
    last_reload_error_.clear();
}

void process::fail_reload(const std::vector<std::string>& errors, bool renewing) {
    renewal_failed_ = renewing && (last_reload_ok_ || renewal_failed_);
    for (const std::string& line : errors)
        log_error("{}", line);
    last_reload_ok_ = false;
    last_reload_error_ = errors.empty() ? "unknown" : errors.front();
    if (errors.size() > 1)
        last_reload_error_ += " (and " + std::to_string(errors.size() - 1) + " more)";
    log_error("reload failed: generation {} stays", generation_);
    if (renewing)
        tls_files_->try_again();
}

void process::warn_of_restart(const config::model& next) const {
    const config::model& first = with_.model;
    if (next.workers != first.workers || next.workers_pinned != first.workers_pinned)
        log_warn("'workers' has changed: it takes effect at the next start");
    const bool same_admin = next.admin.enabled == first.admin.enabled &&
                            (!first.admin.enabled || next.admin.bind == first.admin.bind);
    if (!same_admin)
        log_warn("'admin' has changed: it takes effect at the next start");
}

std::optional<commit_failure> process::commit(std::shared_ptr<const compiled> next,
                                              file_states read) {
    const config::model& model = next->generation->model;
    const std::string& path = access_path_of(model);
    std::optional<access_file> file;
    if (!path.empty() && path != access_path_) {
        result<access_file> opened = access_file::open(path);
        if (!opened)
            return commit_failure{config::find_place(model, {"log", "access", "path"})
                                      .value_or(config::location{model.file}),
                                  "access log '" + path + "': " + opened.error().message(), true};
        file = std::move(*opened);
    }
    if (auto failure = fleet_->commit(next, access_logs_of(model)))
        return failure;
    switch_access(model, std::move(file));
    set_log_level(log_level_of(model.log.level));
    memory_->limit_to(model.memory_limit);
    generation_ = next->generation->id;
    if (present_)
        retired_.add(*present_, *next);
    present_ = std::move(next);
    tls_files_->look_after(tls_files_of(model), std::move(read));
    return std::nullopt;
}

const process::access_logs& process::access_logs_of(const config::model& next) {
    static const access_logs none;
    if (access_path_of(next).empty())
        return none;
    std::random_device seed;
    while (access_.size() < static_cast<std::size_t>(fleet_->size()))
        access_.push_back(std::make_shared<proxy::access_log>(seed()));
    return access_;
}

void process::switch_access(const config::model& next, std::optional<access_file> file) {
    const std::string& path = access_path_of(next);
    if (path == access_path_)
        return;
    access_path_ = path;
    std::vector<byte_ring*> rings;
    for (const auto& log : access_)
        rings.push_back(&log->ring());
    writer_->use(std::move(file), std::move(rings));
}

void process::reopen_access_log() {
    if (access_path_.empty()) {
        log_warn("SIGUSR1: there is no access log to open again");
        return;
    }
    writer_->reopen();
}

}  // namespace penstock::app
