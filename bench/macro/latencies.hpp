// Latencies in buckets of about 1.6 % width, from a nanosecond to hours.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace penstock::bench {

class latencies {
 public:
    void add(std::int64_t nanoseconds) {
        ++buckets_[bucket_of(static_cast<std::uint64_t>(nanoseconds > 0 ? nanoseconds : 0))];
        ++count_;
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    // In microseconds: the upper edge of the bucket in which that share of all is reached.
    [[nodiscard]] double at(double share) const {
        const double wanted = share * static_cast<double>(count_);
        double seen = 0;
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            seen += static_cast<double>(buckets_[i]);
            if (buckets_[i] > 0 && seen >= wanted)
                return static_cast<double>(edge_of(i)) / 1000;
        }
        return 0;
    }
    [[nodiscard]] std::string json() const {
        std::string made = "{";
        for (const auto& [name, share] :
             {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1.0}}) {
            char text[64];
            std::snprintf(text, sizeof text, "%s\"%s\": %.1f", made.size() > 1 ? ", " : "", name,
                          at(share));
            made += text;
        }
        return made + "}";
    }

 private:
    static constexpr unsigned fine_bits = 6;

    static std::size_t bucket_of(std::uint64_t value) {
        constexpr std::uint64_t fine = 1U << fine_bits;
        if (value < fine)
            return static_cast<std::size_t>(value);
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - fine_bits - 1;
        return static_cast<std::size_t>((shift + 1) * fine + ((value >> shift) - fine));
    }
    static std::uint64_t edge_of(std::size_t bucket) {
        constexpr std::uint64_t fine = 1U << fine_bits;
        if (bucket < fine)
            return bucket;
        const std::uint64_t shift = bucket / fine - 1;
        return ((fine + bucket % fine + 1) << shift) - 1;
    }

    std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>(64 * 64);
    std::uint64_t count_ = 0;
};

}  // namespace penstock::bench
