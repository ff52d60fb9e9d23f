#include "upstream/promises.hpp"

#include <algorithm>

namespace penstock::upstream {

void promises::subtract_from(std::vector<share_board::entry>& elsewhere, time_point now) {
    std::erase_if(standing_, [now](const promise& each) { return now >= each.until; });
    for (const promise& each : standing_) {
        const auto waits = std::find_if(elsewhere.begin(), elsewhere.end(), [&](const auto& one) {
            return one.address == each.to && one.waiting > 0;
        });
        if (waits == elsewhere.end())
            continue;
        --waits->waiting;
        waits->eligible -= waits->eligible > 0 ? 1 : 0;
    }
}

}  // namespace penstock::upstream
