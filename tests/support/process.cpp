#include "support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>

namespace penstock::test {

namespace {

struct pipe_ends {
    descriptor read;
    descriptor write;
};

pipe_ends make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw_errno("pipe");
    }
    return {descriptor(ends[0]), descriptor(ends[1])};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) {
        out.push_back(text.data());
    }
    out.push_back(nullptr);
    return out;
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
    std::vector<std::string> out = added;  // the first of two entries with one name counts
    for (char** entry = environ; *entry != nullptr; ++entry) {
        out.emplace_back(*entry);
    }
    return out;
}

// Ends a forked child without the exit hooks of a sanitizer, which would complain about its
// parent's threads.
[[noreturn]] void leave(int code) {
    ::syscall(SYS_exit_group, code);
    std::abort();
}

// What the child needs, made before fork: after it only async-signal-safe calls are allowed.
struct child_plan {
    std::vector<char*> argv;
    std::vector<char*> environment;
    const char* directory;
    int out;
    int err;
    pid_t parent;
};

[[noreturn]] void become(const child_plan& plan) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent) {
        leave(126);
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(plan.out, STDOUT_FILENO);
    ::dup2(plan.err, STDERR_FILENO);
    if (*plan.directory != '\0' && ::chdir(plan.directory) != 0) {
        leave(126);
    }
    ::execvpe(plan.argv[0], plan.argv.data(), plan.environment.data());
    leave(127);
}

exit_status from_wait(int raw) {
    if (WIFSIGNALED(raw)) {
        return {-1, WTERMSIG(raw)};
    }
    return {WEXITSTATUS(raw), 0};
}

}  // namespace

process::process(const std::vector<std::string>& argv, const process_options& options)
    : name_(argv.at(0)), stop_(::eventfd(0, EFD_CLOEXEC)) {
    std::vector<std::string> arguments = argv;
    std::vector<std::string> environment = environment_with(options.environment);
    pipe_ends out = make_pipe();
    pipe_ends err = make_pipe();
    const child_plan plan{.argv = pointers(arguments),
                          .environment = pointers(environment),
                          .directory = options.directory.c_str(),
                          .out = out.write.get(),
                          .err = err.write.get(),
                          .parent = ::getpid()};
    pid_ = ::fork();
    if (pid_ < 0) {
        throw_errno("fork");
    }
    if (pid_ == 0) {
        become(plan);
    }
    ::setpgid(pid_, pid_);  // whichever of the two comes first
    pidfd_ = descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    out_.fd = std::move(out.read);
    err_.fd = std::move(err.read);
    collector_ = std::thread([this] { collect(); });
}

process::~process() {
    if (!reaped_) {
        reap();
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stop_.get(), &one, sizeof one);
    collector_.join();
}

// Kills what is left of the group while its id is still ours, then takes the exit status.
void process::reap() {
    ::kill(-pid_, SIGKILL);
    int raw = 0;
    while (::waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
    }
    status_ = from_wait(raw);
    reaped_ = true;
}

bool process::take(stream& from) {
    std::array<char, 16384> bytes{};
    const ssize_t count = ::read(from.fd.get(), bytes.data(), bytes.size());
    const std::lock_guard lock(mutex_);
    if (count > 0) {
        from.text.append(bytes.data(), static_cast<std::size_t>(count));
        changed_.notify_all();
        return true;
    }
    return count < 0 && errno == EINTR;
}

void process::collect() {
    bool out_open = true;
    bool err_open = true;
    while (out_open || err_open) {
        std::array<pollfd, 3> entries{{{out_open ? out_.fd.get() : -1, POLLIN, 0},
                                       {err_open ? err_.fd.get() : -1, POLLIN, 0},
                                       {stop_.get(), POLLIN, 0}}};
        if (::poll(entries.data(), entries.size(), -1) < 0) {
            continue;
        }
        if (entries[0].revents != 0) {
            out_open = take(out_);
        }
        if (entries[1].revents != 0) {
            err_open = take(err_);
        }
        if (entries[0].revents == 0 && entries[1].revents == 0 && entries[2].revents != 0) {
            break;
        }
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

std::string process::find_line(std::string_view text, int skip) const {
    for (const std::string* all : {&out_.text, &err_.text}) {
        std::size_t begin = 0;
        for (std::size_t end = all->find('\n'); end != std::string::npos;
             begin = end + 1, end = all->find('\n', begin)) {
            const std::string_view line = std::string_view(*all).substr(begin, end - begin);
            if (line.find(text) != std::string_view::npos && skip-- == 0) {
                return std::string(line);
            }
        }
    }
    return {};
}

std::string process::describe() const {
    return name_ + "\n-- stdout --\n" + out_.text + "\n-- stderr --\n" + err_.text;
}

std::string process::wait_for(std::string_view text, milliseconds limit, int skip) {
    const time_limit end(limit);
    std::unique_lock lock(mutex_);
    while (true) {
        std::string line = find_line(text, skip);
        if (!line.empty()) {
            return line;
        }
        const bool late = ended_ || changed_.wait_until(lock, end.at()) == std::cv_status::timeout;
        if (late && find_line(text, skip).empty()) {
            throw test_error("no line with \"" + std::string(text) + "\" from " + describe());
        }
    }
}

void process::signal(int number) const {
    if (reaped_ || ::kill(pid_, number) != 0) {
        throw test_error("signal to " + name_ + ", which has ended");
    }
}

exit_status process::wait(milliseconds limit) {
    if (reaped_) {
        return status_;
    }
    if (!wait_fd(pidfd_.get(), POLLIN, time_limit(limit))) {
        const std::lock_guard lock(mutex_);
        throw test_error("still running: " + describe());
    }
    reap();
    // The rest of its output is in the pipes by now.
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [this] { return ended_; });
    return status_;
}

bool process::running() const {
    return !reaped_ && !wait_fd(pidfd_.get(), POLLIN, time_limit(0ms));
}

std::string process::out() const {
    const std::lock_guard lock(mutex_);
    return out_.text;
}

std::string process::err() const {
    const std::lock_guard lock(mutex_);
    return err_.text;
}

command_result run(const std::vector<std::string>& argv, milliseconds limit) {
    process command(argv);
    const exit_status status = command.wait(limit);
    return {status, command.out(), command.err()};
}

command_result curl(std::vector<std::string> arguments, milliseconds limit) {
    std::vector<std::string> argv{"curl", "-q", "--silent", "--show-error", "--noproxy", "*"};
    argv.insert(argv.end(), std::make_move_iterator(arguments.begin()),
                std::make_move_iterator(arguments.end()));
    return run(argv, limit);
}

}  // namespace penstock::test
