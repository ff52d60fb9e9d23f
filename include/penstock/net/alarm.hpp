// alarm: a deadline that ends a wait for the bytes of a stream and not its connection, so that what
// is left to be said can still be. The reader sets it, waits for readability, and asks whether it
// rang.
#pragma once

#include "penstock/net/deadline.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/stream.hpp"
#include "penstock/net/worker.hpp"

namespace penstock::net {

class alarm final : public deadline {
 public:
    explicit alarm(stream& of) noexcept : stream_(of) {}

    void set(time_point at, errc why) noexcept {
        rung_ = errc{};
        arm(stream_.home().deadlines(), at, why);
    }
    void off() noexcept {
        disarm();
        rung_ = errc{};
    }
    // The reason it was set with once it has rung, else no error.
    [[nodiscard]] error rung() const noexcept {
        return rung_ == errc{} ? error() : make_error_code(rung_);
    }

 private:
    void on_expire(error why) noexcept override {
        rung_ = static_cast<errc>(why.value());
        stream_.wake_reader();
    }

    stream& stream_;
    errc rung_{};
};

}  // namespace penstock::net
