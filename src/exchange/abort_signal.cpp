#include "penstock/exchange/exchange.hpp"

namespace penstock::exchange {

abort_signal::attachment::attachment(abort_signal& signal, abort_listener& listener) noexcept
    : signal_(signal), listener_(listener), next_(signal.first_) {
    signal_.first_ = this;
    if (signal_.fired_)
        listener_.on_abort(signal_.fired_);
}

abort_signal::attachment::~attachment() {
    for (attachment** at = &signal_.first_; *at != nullptr; at = &(*at)->next_) {
        if (*at == this) {
            *at = next_;
            return;
        }
    }
}

void abort_signal::fire(error why) noexcept {
    if (fired_)
        return;
    fired_ = why;
    // A listener may detach itself while it is told, so the next one is read first. None may
    // destroy another's attachment: what they do goes through the worker's ready queue.
    for (attachment* at = first_; at != nullptr;) {
        attachment* const next = at->next_;
        at->listener_.on_abort(why);
        at = next;
    }
}

}  // namespace penstock::exchange
