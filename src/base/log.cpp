#include "penstock/base/log.hpp"

#include <fmt/args.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>

namespace penstock {
namespace {

std::atomic<std::uint64_t> dropped_lines{0};
std::atomic<log_level> lowest_level{log_level::info};
std::atomic<bool> coloured{false};

spdlog::level::level_enum to_spdlog(log_level level) noexcept {
    switch (level) {
        case log_level::trace:
            return spdlog::level::trace;
        case log_level::debug:
            return spdlog::level::debug;
        case log_level::info:
            return spdlog::level::info;
        case log_level::warn:
            return spdlog::level::warn;
        case log_level::error:
            return spdlog::level::err;
        case log_level::off:
            break;
    }
    return spdlog::level::off;
}

// Standard error, as far as it takes a line at once: peers cause lines, and whoever reads the other
// end of a pipe may have stopped. A pipe that is ready takes PIPE_BUF bytes (pipe(7)).
class standard_error final : public spdlog::sinks::base_sink<std::mutex> {
 private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (missing_ > 0) {
            const std::string notice = fmt::format("log: {} lines were dropped here", missing_);
            if (put({message.time, {}, message.logger_name, spdlog::level::warn, notice}))
                missing_ = 0;
        }
        if (missing_ == 0 && put(message))
            return;
        ++missing_;
        dropped_lines.fetch_add(1, std::memory_order_relaxed);
    }
    void flush_() override {}

    bool put(const spdlog::details::log_msg& message) {
        spdlog::memory_buf_t line;
        // A line that only a part of was written must not run into the next.
        if (torn_)
            line.push_back('\n');
        base_sink::formatter_->format(message, line);
        if (coloured.load(std::memory_order_relaxed))
            colour(message, line);
        if (line.size() > PIPE_BUF) {
            line.resize(PIPE_BUF);
            line[PIPE_BUF - 1] = '\n';
        }
        pollfd ready{STDERR_FILENO, POLLOUT, 0};
        if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
            return false;
        const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
        const bool whole = written == static_cast<ssize_t>(line.size());
        torn_ = whole ? false : torn_ || written > 0;
        return whole;
    }

    // The level, which the formatter has marked.
    static void colour(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) {
        const std::string plain(line.data(), line.size());
        const std::size_t from = message.color_range_start;
        const std::size_t to = message.color_range_end;
        if (from >= to || to > plain.size())
            return;
        line.clear();
        fmt::format_to(std::back_inserter(line), "{}{}{}\x1b[0m{}", plain.substr(0, from),
                       colour_of(message.level), plain.substr(from, to - from), plain.substr(to));
    }

    static std::string_view colour_of(spdlog::level::level_enum level) noexcept {
        if (level >= spdlog::level::err)
            return "\x1b[1;31m";
        return level == spdlog::level::warn ? "\x1b[1;33m" : "\x1b[32m";
    }

    std::uint64_t missing_ = 0;  // since the last line that was written
    bool torn_ = false;
};

spdlog::logger& sink() {
    static const std::shared_ptr<spdlog::logger> logger = [] {
        auto made =
            std::make_shared<spdlog::logger>("penstock", std::make_shared<standard_error>());
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
        made->set_level(spdlog::level::trace);
        return made;
    }();
    return *logger;
}

void add_argument(fmt::dynamic_format_arg_store<fmt::format_context>& to, const log_value& value) {
    std::visit(
        [&to](const auto& held) {
            using held_type = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<held_type, boost::system::error_code>) {
                to.push_back(held.message());
            } else {
                to.push_back(held);
            }
        },
        value.held());
}

// A log line stays one line, whatever a file or a peer put into its values.
std::string escaped(const std::string& text) {
    std::string line;
    line.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f) {
            line += c;
        } else {
            line += fmt::format("\\x{:02x}", byte);
        }
    }
    return line;
}

std::string line_of(std::string_view format, std::initializer_list<log_value> values) {
    fmt::dynamic_format_arg_store<fmt::format_context> arguments;
    for (const log_value& value : values)
        add_argument(arguments, value);
    try {
        return escaped(fmt::vformat(fmt::string_view(format.data(), format.size()), arguments));
    } catch (const fmt::format_error&) {
        return std::string(format);
    }
}

}  // namespace

log_level log_level_of(std::string_view name) noexcept {
    constexpr std::string_view names[] = {"trace", "debug", "info", "warn", "error", "off"};
    for (std::size_t i = 0; i < std::size(names); ++i) {
        if (names[i] == name)
            return static_cast<log_level>(i);
    }
    return log_level::info;
}

void set_log_level(log_level lowest) noexcept {
    lowest_level.store(lowest, std::memory_order_relaxed);
}

void set_log_colour(bool wanted) noexcept { coloured.store(wanted, std::memory_order_relaxed); }

std::uint64_t log_lines_dropped() noexcept { return dropped_lines.load(std::memory_order_relaxed); }

bool log_enabled(log_level level) noexcept {
    return level >= lowest_level.load(std::memory_order_relaxed);
}

void write_log(log_level level, std::string_view format,
               std::initializer_list<log_value> values) noexcept {
    try {
        sink().log(to_spdlog(level), line_of(format, values));
    } catch (const std::exception&) {
        // A log that cannot be written must not take the daemon down; there is nobody to tell.
        return;
    }
}

}  // namespace penstock
