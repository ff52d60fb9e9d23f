#include "downstream/let_go.hpp"

namespace penstock::downstream {

net::task<> let_go(exchange::response& of) {
    if (!of.body)
        co_return;
    if (!of.body->finished())
        of.body->stop();
    co_await of.body->close();
    of.body.reset();
}

}  // namespace penstock::downstream
