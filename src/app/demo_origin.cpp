#include "app/demo_origin.hpp"

#include "app/threads.hpp"
#include "penstock/base/names.hpp"
#include "penstock/net/listener.hpp"

#include <future>

namespace penstock::app {

result<std::unique_ptr<demo_origin>> demo_origin::start() {
    const auto any = net::socket_address::parse("127.0.0.1", 0);
    std::unique_ptr<demo_origin> made(new demo_origin());
    auto opened = net::open_listeners(*any, 1, {}, made->bound_);
    if (!opened)
        return opened.error();
    made->thread_ = std::thread([worker = &made->worker_] {
        name_this_thread("demo-origin");
        worker->run();
    });
    made->worker_.post([of = made.get(), fd = std::move(opened->front())]() mutable {
        of->listen(std::move(fd));
    });
    return made;
}

void demo_origin::listen(net::unique_fd fd) {
    auto state = std::make_shared<downstream::listener_state>();
    state->settings.name = "demo-origin";
    state->id = intern_name(state->settings.name);
    state->handler = make_demo_handler(worker_);
    server_ = std::make_unique<downstream::server>(worker_, std::move(state),
                                                   std::make_shared<net::connection_count>());
    server_->listen(std::move(fd), bound_);
}

demo_origin::~demo_origin() {
    if (!thread_.joinable())
        return;
    // The connections are aborted; the worker returns once the last has seen it.
    worker_.post([this] { server_.reset(); });
    worker_.stop();
    thread_.join();
}

}  // namespace penstock::app
