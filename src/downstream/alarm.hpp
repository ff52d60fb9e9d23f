// alarm: a deadline that ends a wait for the client's bytes and not the connection, so that a reply
// (408) can still be written. The reader sets it, waits for readability, and asks whether it rang.
#pragma once

#include "penstock/net/deadline.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/stream.hpp"
#include "penstock/net/worker.hpp"

namespace penstock::downstream {

class alarm final : public net::deadline {
 public:
    explicit alarm(net::stream& of) noexcept : stream_(of) {}

    void set(time_point at, net::errc why) noexcept {
        rung_ = net::errc{};
        arm(stream_.home().deadlines(), at, why);
    }
    void off() noexcept {
        disarm();
        rung_ = net::errc{};
    }
    // The reason it was set with once it has rung, else no error.
    [[nodiscard]] error rung() const noexcept {
        return rung_ == net::errc{} ? error() : net::make_error_code(rung_);
    }

 private:
    void on_expire(error why) noexcept override {
        rung_ = static_cast<net::errc>(why.value());
        stream_.wake_reader();
    }

    net::stream& stream_;
    net::errc rung_{};
};

}  // namespace penstock::downstream
