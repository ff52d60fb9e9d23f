// promises: which clients of other workers a connection is already on its way to, because an
// exchange of this worker was cut for one of theirs. Until the other worker takes the connection it
// still calls the client a waiting one, and without this memory a second exchange would be cut for
// it. Pure; `contention` uses it.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/upstream/share_board.hpp"

#include <cstddef>
#include <vector>

namespace penstock::upstream {

class promises {
 public:
    // How many are remembered. While as many stand, no exchange is cut for another worker's.
    static constexpr std::size_t limit = 1024;

    [[nodiscard]] bool full() const noexcept { return standing_.size() >= limit; }
    // One more connection will go to this address, and does so before `until`.
    void add(const net::address_key& to, time_point until) { standing_.push_back({to, until}); }
    // Takes those who were promised a connection out of what other workers say of their own, and
    // forgets promises whose time is over.
    void subtract_from(std::vector<share_board::entry>& elsewhere, time_point now);
    void clear() noexcept { standing_.clear(); }

 private:
    struct promise {
        net::address_key to;
        time_point until;
    };
    std::vector<promise> standing_;
};

}  // namespace penstock::upstream
