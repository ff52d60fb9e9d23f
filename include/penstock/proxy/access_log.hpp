// The access log on its way off the data path: a worker copies what it knows of an exchange into
// its ring (or drops it and counts), a thread of `app` takes entries out, formats them as JSON
// lines and writes them. Formatting here is pure. It doesn't open files.
#pragma once

#include "penstock/base/byte_ring.hpp"
#include "penstock/config/model.hpp"
#include "penstock/exchange/record.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::proxy {

inline constexpr int access_schema = 1;  // "schema_version" of each line

class access_log {
 public:
    static constexpr std::size_t ring_bytes = std::size_t{1} << 20;
    static constexpr std::size_t text_max = 8 * 1024;  // of one text of an entry; the rest is cut

    explicit access_log(std::uint64_t seed) noexcept : ring_(ring_bytes), random_(seed | 1U) {}

    // Errors (status 500 and above, or a reason) and slow exchanges always, of the rest a share of
    // `sample`; each line tells its sample_rate.
    void write(const exchange::record& of, const config::access_log& how) noexcept;
    [[nodiscard]] byte_ring& ring() noexcept { return ring_; }

 private:
    [[nodiscard]] bool chosen(double share) noexcept;

    byte_ring ring_;
    std::uint64_t random_;
};

// One line with its line end, appended to `line`; false if the entry is not one of ours. Control
// bytes, quotes and invalid UTF-8 are escaped: a request can never forge a line.
[[nodiscard]] bool format_access_entry(std::string_view entry, std::string& line);

}  // namespace penstock::proxy
