#include "app/worker_side.hpp"

#include "app/threads.hpp"
#include "penstock/base/names.hpp"

namespace penstock::app {
namespace {

// How often to look for what has come to its end: often while the process waits for it to exit.
constexpr milliseconds sweep_interval = 250ms;
constexpr milliseconds sweep_interval_draining = 20ms;

}  // namespace

class worker_side::sweeper final : public net::deadline {
 public:
    explicit sweeper(worker_side& owner) noexcept : owner_(owner) {}
    ~sweeper() override = default;

    // Never later than it was due already: orders may come faster than that, without an end.
    void again() noexcept {
        const milliseconds wait = owner_.drained_ ? sweep_interval_draining : sweep_interval;
        const time_point next = owner_.home_.now() + wait;
        if (next < at())
            arm(owner_.home_.deadlines(), next, net::errc{});
    }

 private:
    void on_expire(error) noexcept override { owner_.sweep(); }

    worker_side& owner_;
};

worker_side::worker_side(int index)
    : home_(index), sweeper_(std::make_unique<sweeper>(*this)), thread_([this] {
          name_this_thread("worker/" + std::to_string(home_.index()));
          home_.run();
      }) {}

worker_side::~worker_side() { end(); }

void worker_side::end() {
    if (!thread_.joinable())
        return;
    call([this] { clear(); });
    home_.stop();
    thread_.join();
}

worker_report worker_side::carry_out(worker_order order) {
    const compiled& plan = *order.plan;
    worker_report made;
    proxy::handler_parts parts{home_, plan.generation, take_over(plan), metrics_, order.access};
    for (const auto& one : parts.clusters)
        made.upstreams.push_back(&one->counters());
    const std::shared_ptr<exchange::handler> handler = proxy::make_handler(std::move(parts));
    for (std::size_t i = 0; i < order.servers.size(); ++i) {
        const downstream::server& served = update_server(order.servers[i], plan, i, handler);
        made.servers.push_back(&served.counters());
    }
    for (const server_key key : order.gone) {
        auto node = servers_.extract(key);
        node.mapped()->drain();
        leaving_.push_back(std::move(node.mapped()));
    }
    // Most of what this order retires is not in use.
    sweep();
    return made;
}

// An upstream that did not change has the same shared part, and so keeps its cluster.
std::vector<std::shared_ptr<upstream::cluster>> worker_side::take_over(const compiled& plan) {
    const auto index = static_cast<std::size_t>(home_.index());
    std::vector<std::shared_ptr<upstream::cluster>> made;
    cluster_map next;
    for (const compiled_upstream& one : plan.upstreams) {
        auto node = clusters_.extract(one.shared.get());
        if (node.empty()) {
            const auto tls = one.tls.contexts.empty() ? nullptr : one.tls.contexts[index];
            made.push_back(std::make_shared<upstream::cluster>(home_, one.shared, tls));
            next.emplace(one.shared.get(), made.back());
        } else {
            made.push_back(node.mapped());
            next.insert(std::move(node));
        }
    }
    for (auto& [shared, gone] : clusters_) {
        gone->retire();
        retired_.emplace(shared, std::move(gone));
    }
    clusters_ = std::move(next);
    return made;
}

downstream::server& worker_side::update_server(server_order& order, const compiled& plan,
                                               std::size_t at,
                                               std::shared_ptr<exchange::handler> handler) {
    auto state = std::make_shared<downstream::listener_state>();
    state->settings = plan.generation->model.listeners[at];
    state->id = intern_name(state->settings.name);
    state->generation = plan.generation->id;
    state->handler = std::move(handler);
    state->clients = {plan.generation, &plan.generation->clients};
    const tls_contexts& contexts = plan.listeners[at].contexts;
    if (!contexts.empty())
        state->tls = contexts[static_cast<std::size_t>(home_.index())];
    std::unique_ptr<downstream::server>& served = servers_[order.key];
    if (served) {
        served->update(std::move(state));
    } else {
        served = std::make_unique<downstream::server>(home_, std::move(state), order.counts);
    }
    for (opened_socket& one : order.opened)
        served->listen(std::move(one.fd), one.bound);
    for (const net::socket_address& one : order.closed)
        served->unlisten(one);
    return *served;
}

void worker_side::rebalance(const upstream::shared_upstream* of) noexcept {
    for (cluster_map* const map : {&clusters_, &retired_}) {
        if (const auto found = map->find(of); found != map->end())
            found->second->rebalance();
    }
}

void worker_side::drain(std::function<void()> done) {
    drained_ = std::move(done);
    for (auto& [key, served] : servers_)
        served->drain();
    sweeper_->again();
}

std::size_t worker_side::abort() {
    const std::size_t cut = connections();
    for (auto& [key, served] : servers_)
        served->abort();
    for (auto& served : leaving_)
        served->abort();
    return cut;
}

std::size_t worker_side::connections() const noexcept {
    std::size_t sum = 0;
    for (const auto& [key, served] : servers_)
        sum += served->connections();
    for (const auto& served : leaving_)
        sum += served->connections();
    return sum;
}

void worker_side::sweep() noexcept {
    std::erase_if(leaving_, [](const auto& served) { return served->connections() == 0; });
    std::erase_if(retired_, [](const auto& entry) {
        // All who hold a cluster live on this thread, so the count is exact.
        return entry.second.use_count() == 1 && entry.second->active() == 0;
    });
    if (drained_ && connections() == 0) {
        std::exchange(drained_, nullptr)();
        return;
    }
    if (drained_ || !leaving_.empty() || !retired_.empty())
        sweeper_->again();
}

void worker_side::clear() noexcept {
    sweeper_.reset();
    servers_.clear();
    leaving_.clear();
    clusters_.clear();
    retired_.clear();
}

}  // namespace penstock::app
