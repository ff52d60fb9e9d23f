#include "proxy/http_date.hpp"

#include <cstdio>
#include <ctime>

namespace penstock::proxy {

std::string_view http_date::at(wall_clock::time_point now) noexcept {
    const std::time_t second = wall_clock::to_time_t(now);
    if (second != second_) {
        // Not strftime, whose names of days and months depend on the locale.
        constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        std::tm parts{};
        ::gmtime_r(&second, &parts);
        const int size =
            std::snprintf(text_.data(), text_.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                          days[parts.tm_wday % 7], parts.tm_mday, months[parts.tm_mon % 12],
                          parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
        size_ = size > 0 ? static_cast<std::size_t>(size) : 0;
        second_ = second;
    }
    return {text_.data(), size_};
}

}  // namespace penstock::proxy
