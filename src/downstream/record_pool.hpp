// record_pool: records of HTTP/2 exchanges, recycled per server with the capacity of their strings,
// so that a request in steady state allocates nothing for its texts.
#pragma once

#include "penstock/exchange/record.hpp"

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace penstock::downstream {

class record_pool {
 public:
    static constexpr std::size_t cached_max = 512;
    // One with more text than this is not worth keeping.
    static constexpr std::size_t bytes_kept_max = 1024;

    // Clean.
    [[nodiscard]] std::unique_ptr<exchange::record> take() {
        // Room for its return is made here, so that giving back never allocates.
        if (free_.capacity() == 0)
            free_.reserve(cached_max);
        if (free_.empty())
            return std::make_unique<exchange::record>();
        std::unique_ptr<exchange::record> taken = std::move(free_.back());
        free_.pop_back();
        return taken;
    }
    void give_back(std::unique_ptr<exchange::record> used) noexcept {
        const std::size_t text = used->path.capacity() + used->host.capacity() +
                                 used->user_agent.capacity() + used->request_id.capacity() +
                                 used->method.capacity() + used->client.capacity();
        if (text > bytes_kept_max || free_.size() >= cached_max)
            return;
        used->clear();
        free_.push_back(std::move(used));
    }
    [[nodiscard]] std::size_t cached() const noexcept { return free_.size(); }

 private:
    std::vector<std::unique_ptr<exchange::record>> free_;
};

}  // namespace penstock::downstream
