// Passes the abort of an exchange on to the stream that it waits for.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/net/stream.hpp"

#include <optional>

namespace penstock::upstream {

class stream_abort final : private exchange::abort_listener {
 public:
    // Attached until destroyed or `detach`; a null signal never fires.
    stream_abort(exchange::abort_signal* signal, net::stream& of) : stream_(of) {
        exchange::abort_listener& listener = *this;
        if (signal != nullptr)
            attached_.emplace(*signal, listener);
    }
    void detach() noexcept { attached_.reset(); }

 private:
    void on_abort(error why) noexcept override { stream_.abort(why); }

    net::stream& stream_;
    std::optional<exchange::abort_signal::attachment> attached_;
};

}  // namespace penstock::upstream
