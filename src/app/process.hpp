// The running proxy, seen from the control thread: start, signals, reload, admin, drain and end.
//
//                SIGHUP → load and compile on a thread of their own → commit
//   starting ──► serving ──SIGTERM──► delaying ──drain.delay──► draining ──nothing left──► ended
//      └─SIGTERM─► ended                 └─second signal─► cutting ◄─┘ time-out or second signal
//
// While delaying, everything is served as before; only /readyz says that the end is near.
//
// Lifetime: `run` blocks the calling thread, which is the control thread, until the end.
#pragma once

#include "app/access_writer.hpp"
#include "app/background.hpp"
#include "app/compile.hpp"
#include "app/file_source.hpp"
#include "app/fleet.hpp"
#include "app/reload.hpp"
#include "app/retired_parts.hpp"
#include "penstock/admin/admin.hpp"
#include "penstock/config/model.hpp"
#include "penstock/downstream/server.hpp"
#include "penstock/net/digest.hpp"
#include "penstock/net/signals.hpp"
#include "penstock/net/worker.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace penstock::app {

struct process_options {
    config::model model;
    file_source files;
    std::string reload_from;  // the configuration's path; empty = there is no file
    std::string text;         // of a configuration that came by standard input
    // What a place is called in what keeps it from starting ("run: --to"); empty: FILE:LINE:COLUMN.
    std::function<std::string(const config::location&)> name_place;
    std::uint64_t descriptors = 1024;  // RLIMIT_NOFILE
    std::function<void()> on_ready;    // may be empty; on the control thread
};

class process final : private admin::process_source {
 public:
    explicit process(process_options with);
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process();

    // Serves until it is told to end; returns the exit code. What keeps it from starting is said on
    // standard error. `block_signals` was called before the first thread began.
    int run();
    static void block_signals();

    // Where it listens, once it is ready; empty if it does not.
    [[nodiscard]] std::string bound_to(std::string_view listener) const;
    [[nodiscard]] std::string admin_bound_to() const;  // empty if it is off

 private:
    enum class state { starting, serving, delaying, draining, cutting, ended };
    class alarm;
    class memory_watch;
    class heap_trim;
    class file_watch;
    using access_logs = std::vector<std::shared_ptr<proxy::access_log>>;

    [[nodiscard]] admin::process_view view() const override;

    // Start.
    [[nodiscard]] std::optional<int> boot();
    void compile_first();
    void end_start(const compile_outcome& outcome, file_states read);
    // Ends the process without having served.
    void end_with(int exit_code);
    void refuse(std::vector<config::diagnostic> problems) const;
    void refuse(const commit_failure& failure) const;
    [[nodiscard]] std::optional<int> open_admin();
    void start_admin();
    void announce();
    [[nodiscard]] compile_input input_of(std::uint64_t number);

    // Reload.
    void on_signal(int number);
    void begin_reload();
    // The configuration stays; certificates and the like are read again.
    void renew_tls();
    void prepare_in_background(const std::string& path, compile_input input);
    void end_reload(prepared_reload outcome);
    void note_success(bool renewing);
    void fail_reload(const std::vector<std::string>& errors, bool renewing);
    void warn_of_restart(const config::model& next) const;
    void reopen_access_log();
    // Sockets, access log and workers: all or nothing.
    // `read` as of prepared_reload.
    [[nodiscard]] std::optional<commit_failure> commit(std::shared_ptr<const compiled> next,
                                                       file_states read);
    [[nodiscard]] const access_logs& access_logs_of(const config::model& next);
    void switch_access(const config::model& next, std::optional<access_file> file);

    // End.
    void begin_drain(std::string_view why);
    void drain(std::string_view why);
    void cut(std::string_view why);
    void drained();
    void end_admin();
    void give_up() const;
    // Returns once the thread that loads and compiles has ended. If it does not, the process ends.
    void join_background();

    process_options with_;  // its model stays the one of the start
    std::int64_t started_at_;
    state state_ = state::starting;
    int exit_code_ = 0;
    std::uint64_t generation_ = 0;
    std::shared_ptr<const compiled> present_;
    retired_parts retired_;

    bool last_reload_ok_ = true;
    std::string last_reload_error_;
    std::int64_t last_reload_at_;
    bool reload_again_ = false;
    bool renew_again_ = false;
    bool renewal_failed_ = false;  // and that is what the latest reload is said to have failed for
    bool renewing_ = false;  // what is being prepared is the same configuration with new files
    background reload_;      // or the start

    net::worker control_{-1};
    std::unique_ptr<net::signal_source> signals_;
    access_logs access_;       // made when the log is first switched on, one for each worker
    std::string access_path_;  // empty = off
    std::unique_ptr<fleet> fleet_;
    std::unique_ptr<access_writer> writer_;
    std::unique_ptr<alarm> alarm_;
    std::unique_ptr<memory_watch> memory_;
    std::unique_ptr<heap_trim> trim_;
    std::unique_ptr<file_watch> tls_files_;
    std::string ticket_secret_ = net::random_base64(48);

    net::unique_fd admin_fd_;
    std::shared_ptr<const net::unix_file> admin_file_;  // if it listens on one
    net::socket_address admin_bound_;
    std::unique_ptr<downstream::server> admin_;
};

}  // namespace penstock::app
