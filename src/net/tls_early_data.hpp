// tls_early_data: the refused early data that a client sends between its hello and the second one
// that a HelloRetryRequest asks for (RFC 8446 §4.2.10). No key is agreed on there, so whole records
// are left out of what OpenSSL reads: it would take the largest for overlong plaintext. Behind a
// hello that is answered, OpenSSL skips what it cannot decrypt by itself. Bytes in, numbers out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::net {

class tls_early_data {
 public:
    // Bytes that are skipped before the handshake ends with an alert. We never offer to take any. A
    // client that sends some has another server's word, or an older one, and keeps to that server's
    // limit, mostly 16 KiB.
    static constexpr std::size_t skipped_max = std::size_t{256} * 1024;

    // The hello that is being read announces some.
    void note_offer(bool offered) noexcept { offered_ = offered; }
    // That hello is answered by asking for another one. What is read next begins a record.
    void note_retry() noexcept { skips_ = offered_; }
    // It is answered for good.
    void note_answer() noexcept { skips_ = false; }

    // How many of the bytes at hand are to be dropped, and how many, at most `room`, are to be
    // read. Never both; neither if more have to be at hand.
    struct step {
        std::size_t dropped = 0;
        std::size_t passed = 0;
    };
    [[nodiscard]] step next(std::string_view received, std::size_t room) noexcept {
        if (skips_ && left_ == 0 && !begin_record(received))
            return {};
        if (!skips_)
            return {0, std::min(received.size(), room)};
        const std::size_t count = std::min({left_, received.size(), drops_ ? left_ : room});
        left_ -= count;
        return drops_ ? step{count, 0} : step{0, count};
    }
    // There was more than `skipped_max`.
    [[nodiscard]] bool exceeded() const noexcept { return skipped_ > skipped_max; }

 private:
    static constexpr std::size_t header_size = 5;
    static constexpr char type_handshake = 22;
    static constexpr char type_data = 23;

    // False if its header is not whole. The second hello is the end of what is skipped.
    bool begin_record(std::string_view received) noexcept {
        if (received.size() < header_size)
            return false;
        const std::size_t size = static_cast<std::size_t>(static_cast<unsigned char>(received[3]))
                                     << 8U |
                                 static_cast<unsigned char>(received[4]);
        skips_ = received.front() != type_handshake;
        drops_ = received.front() == type_data;
        left_ = header_size + size;
        skipped_ += drops_ ? size : 0;
        return true;
    }

    std::size_t left_ = 0;  // of the record that is under way
    std::size_t skipped_ = 0;
    bool offered_ = false;
    bool skips_ = false;
    bool drops_ = false;  // that record
};

}  // namespace penstock::net
