// The daemon's own log: start, reload, failures of workers and files. Text lines of up to 4 KiB on
// standard error through spdlog, which stays behind this header. Nobody waits for it: a line that
// standard error does not take at once is dropped and counted. Never used per request; the access
// log is a ring of its own (proxy/access_log).
#pragma once

#include <boost/system/error_code.hpp>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <variant>

namespace penstock {

// GCC 12 takes the scoped `error` for one that hides penstock::error.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
enum class log_level : std::uint8_t { trace, debug, info, warn, error, off };
#pragma GCC diagnostic pop

// "trace" … "off"; info for anything else.
[[nodiscard]] log_level log_level_of(std::string_view name) noexcept;
// From any thread; lines below the level cost a comparison.
void set_log_level(log_level lowest) noexcept;
// For a terminal: the level in colour. From any thread; off at first.
void set_log_colour(bool wanted) noexcept;
// Since the start, from any thread.
[[nodiscard]] std::uint64_t log_lines_dropped() noexcept;
[[nodiscard]] bool log_enabled(log_level level) noexcept;

// One argument of a log line: what it refers to has to live until the call returns.
class log_value {
 public:
    using storage = std::variant<std::int64_t, std::uint64_t, double, std::string_view,
                                 boost::system::error_code>;

    template <std::signed_integral T>
    log_value(T value) noexcept : held_(static_cast<std::int64_t>(value)) {}
    template <std::unsigned_integral T>
    log_value(T value) noexcept : held_(static_cast<std::uint64_t>(value)) {}
    log_value(double value) noexcept : held_(value) {}
    template <std::convertible_to<std::string_view> T>
    log_value(const T& value) noexcept : held_(std::string_view(value)) {}
    // Printed as its category's message.
    log_value(boost::system::error_code value) noexcept : held_(value) {}

    [[nodiscard]] const storage& held() const noexcept { return held_; }

 private:
    storage held_;
};

// `format` is fmt's; a format that does not fit its values is logged as it stands.
void write_log(log_level level, std::string_view format,
               std::initializer_list<log_value> values) noexcept;

template <class... Values>
void log_debug(std::string_view format, const Values&... values) noexcept {
    if (log_enabled(log_level::debug))
        write_log(log_level::debug, format, {log_value(values)...});
}

template <class... Values>
void log_info(std::string_view format, const Values&... values) noexcept {
    if (log_enabled(log_level::info))
        write_log(log_level::info, format, {log_value(values)...});
}

template <class... Values>
void log_warn(std::string_view format, const Values&... values) noexcept {
    if (log_enabled(log_level::warn))
        write_log(log_level::warn, format, {log_value(values)...});
}

template <class... Values>
void log_error(std::string_view format, const Values&... values) noexcept {
    if (log_enabled(log_level::error))
        write_log(log_level::error, format, {log_value(values)...});
}

}  // namespace penstock
