#include "app/fleet.hpp"

#include "app/pinning.hpp"
#include "app/text.hpp"
#include "penstock/base/log.hpp"
#include "penstock/base/names.hpp"

#include <algorithm>
#include <atomic>

namespace penstock::app {
namespace {

// One per upstream and worker: set while a rebalance is queued there, so that a storm of them is
// one piece of work.
struct rebalance_line {
    explicit rebalance_line(std::size_t size)
        : queued(std::make_unique<std::atomic<bool>[]>(size)) {}
    std::unique_ptr<std::atomic<bool>[]> queued;
};

}  // namespace

fleet::fleet(net::worker& control, int workers) : control_(control) {
    for (int i = 0; i < workers; ++i)
        sides_.push_back(std::make_unique<worker_side>(i));
}

// A worker that ends may still call others about its pools, so none is destroyed before all ended.
fleet::~fleet() {
    for (const auto& side : sides_)
        side->end();
}

void fleet::pin() {
    const std::vector<int> allowed = allowed_cpus();
    const std::vector<int> cpus = cpus_for(size(), allowed);
    if (sides_.size() > allowed.size())
        log_warn("workers.pin: {} workers share {} CPUs (lower workers.count, or leave it `auto`)",
                 sides_.size(), allowed.size());
    for (std::size_t i = 0; i < cpus.size(); ++i) {
        if (!sides_[i]->call([cpu = cpus[i]] { return pin_this_thread(cpu); }))
            log_warn("workers.pin: worker {} cannot be tied to CPU {}", i, cpus[i]);
    }
}

rebalance_function fleet::make_rebalance() {
    if (sides_.size() < 2)
        return {};
    auto line = std::make_shared<rebalance_line>(sides_.size());
    return [this, line](upstream::shared_upstream& of) {
        for (std::size_t i = 0; i < sides_.size(); ++i) {
            worker_side& side = *sides_[i];
            if (side.home().here() || line->queued[i].exchange(true, std::memory_order_acq_rel))
                continue;
            side.home().post([line, i, &side, shared = &of] {
                line->queued[i].exchange(false, std::memory_order_acq_rel);
                side.rebalance(shared);
            });
        }
    };
}

bool fleet::overlaps(const bind_target& of) const {
    const net::socket_address& at = of.at;
    const auto covers_all = [](const net::socket_address& one) {
        return one.host() == "0.0.0.0" || one.host() == "::";
    };
    for (const served_listener& server : listeners_) {
        for (const bound_address& one : server.bound.binds) {
            const bool both = of.both_families || one.configured.host == config::every_address;
            const bool same = both || one.at.family() == at.family();
            if (same && !at.is_unix() && one.at.port() == at.port() &&
                (covers_all(one.at) || covers_all(at)))
                return true;
        }
    }
    return false;
}

std::optional<commit_failure> fleet::open(const bind_plan& plan,
                                          const std::vector<config::listener>& wanted,
                                          opened_list& into) {
    for (std::size_t i = 0; i < plan.listeners.size(); ++i) {
        opened_listener made;
        made.binds = plan.listeners[i].kept;
        made.sockets.resize(sides_.size());
        const config::listener& settings = wanted[i];
        for (const config::address& at : plan.listeners[i].opened) {
            const auto refuse = [&](const error& why) {
                return commit_failure{settings.where,
                                      "listener '" + settings.name + "' cannot listen on " +
                                          text_of(at) + ": " + why.message(),
                                      true};
            };
            const result<bind_target> target = target_of(at);
            if (!target)
                return refuse(target.error());
            bound_address bound{at, {}, {}};
            net::listen_options options;
            options.backlog = settings.socket.backlog;
            options.shared = overlaps(*target);
            options.both_families = target->both_families;
            options.unix_mode = settings.socket.unix_mode;
            auto sockets = net::open_listeners(target->at, size(), options, bound.at);
            if (!sockets)
                return refuse(sockets.error());
            if (bound.at.is_unix())
                bound.file = std::make_shared<const net::unix_file>(bound.at.unix_path());
            made.binds.push_back(bound);
            for (std::size_t k = 0; k < sides_.size(); ++k)
                made.sockets[k].push_back({std::move((*sockets)[k]), bound.at});
        }
        into.push_back(std::move(made));
    }
    return std::nullopt;
}

const fleet::served_listener* fleet::find(server_key key) const {
    const auto found = std::find_if(listeners_.begin(), listeners_.end(),
                                    [key](const auto& one) { return one.bound.key == key; });
    return found == listeners_.end() ? nullptr : &*found;
}

std::optional<commit_failure> fleet::set_modes(const bind_plan& plan,
                                               const std::vector<config::listener>& wanted) const {
    struct changed_file {
        const net::unix_file* file;
        std::uint32_t before;
    };
    std::vector<changed_file> changed;
    for (std::size_t i = 0; i < plan.listeners.size(); ++i) {
        const served_listener* const present = find(plan.listeners[i].key);
        const std::uint32_t mode = wanted[i].socket.unix_mode;
        for (const bound_address& one : plan.listeners[i].kept) {
            if (!one.file || present == nullptr || present->options.unix_mode == mode)
                continue;
            if (const error wrong = one.file->set_mode(mode)) {
                // All or nothing, as far as the system lets us.
                for (const changed_file& each : changed)
                    static_cast<void>(each.file->set_mode(each.before));
                return commit_failure{wanted[i].where,
                                      "listener '" + wanted[i].name + "' cannot set the mode of " +
                                          one.at.to_string() + ": " + wrong.message(),
                                      true};
            }
            changed.push_back({one.file.get(), present->options.unix_mode});
        }
    }
    return std::nullopt;
}

// The kernel never lets a buffer whose size was set grow by itself again (socket(7)).
void fleet::warn_of_kept_sockets(const bind_plan& plan,
                                 const std::vector<config::listener>& wanted) const {
    for (std::size_t i = 0; i < plan.listeners.size(); ++i) {
        const served_listener* const present = find(plan.listeners[i].key);
        if (present == nullptr || plan.listeners[i].kept.empty())
            continue;
        const config::kernel_options& before = present->options.kernel;
        const config::kernel_options& now = wanted[i].socket.kernel;
        const auto warn = [&](std::string_view key, std::uint64_t was, std::uint64_t is) {
            if (was != 0 && is == 0)
                log_warn(
                    "'socket.{}' of listener '{}' is 0 again: its sockets keep {} bytes until "
                    "the next start",
                    key, wanted[i].name, was);
        };
        warn("receive_buffer", before.receive_buffer, now.receive_buffer);
        warn("send_buffer", before.send_buffer, now.send_buffer);
    }
}

std::vector<fleet::served_listener> fleet::next_listeners(const bind_plan& plan,
                                                          const compiled& next,
                                                          opened_list& opened) const {
    std::vector<served_listener> made;
    for (std::size_t i = 0; i < plan.listeners.size(); ++i) {
        const config::listener& settings = next.generation->model.listeners[i];
        served_listener one;
        one.bound = {plan.listeners[i].key, settings.name, opened[i].binds};
        const served_listener* const present = find(one.bound.key);
        one.counts =
            present != nullptr ? present->counts : std::make_shared<net::connection_count>();
        one.options = settings.socket;
        one.view.id = intern_name(settings.name);
        one.view.tls = settings.tls.has_value();
        one.view.counts = one.counts.get();
        one.view.certificates = next.listeners[i].certificates;
        for (const bound_address& bound : opened[i].binds)
            one.view.bound.push_back(bound.at.to_string());
        made.push_back(std::move(one));
    }
    return made;
}

worker_report fleet::order(std::size_t worker, const bind_plan& plan,
                           std::shared_ptr<const compiled> next, opened_list& opened,
                           std::shared_ptr<proxy::access_log> access) {
    worker_order made;
    made.plan = std::move(next);
    made.gone = plan.gone;
    made.access = std::move(access);
    for (std::size_t i = 0; i < plan.listeners.size(); ++i) {
        server_order one;
        one.key = plan.listeners[i].key;
        one.counts = listeners_[i].counts;
        one.opened = std::move(opened[i].sockets[worker]);
        one.closed = plan.listeners[i].closed;
        made.servers.push_back(std::move(one));
    }
    worker_side& side = *sides_[worker];
    return side.call(
        [&side, made = std::move(made)]() mutable { return side.carry_out(std::move(made)); });
}

void fleet::add_report(const worker_report& from) {
    for (std::size_t i = 0; i < listeners_.size(); ++i)
        listeners_[i].view.workers.push_back(from.servers[i]);
    for (std::size_t i = 0; i < upstreams_.size(); ++i)
        upstreams_[i].view.workers.push_back(from.upstreams[i]);
}

void fleet::log_changes(const bind_plan& plan, const opened_list& opened) const {
    for (std::size_t i = 0; i < plan.listeners.size(); ++i) {
        for (const opened_socket& one : opened[i].sockets.front())
            log_info("listening on {} (listener {})", one.bound.to_string(),
                     listeners_[i].bound.listener);
        for (const net::socket_address& one : plan.listeners[i].closed)
            log_info("no longer listening on {} (listener {})", one.to_string(),
                     listeners_[i].bound.listener);
    }
}

std::optional<commit_failure> fleet::commit(
    std::shared_ptr<const compiled> next,
    const std::vector<std::shared_ptr<proxy::access_log>>& access) {
    const config::model& model = next->generation->model;
    std::vector<bound_server> present;
    for (const served_listener& one : listeners_)
        present.push_back(one.bound);
    const auto planned = plan_binds(present, model.listeners, next_key_);
    if (const auto* const conflict = std::get_if<bind_conflict>(&planned))
        return commit_failure{conflict->where, conflict->message};
    const auto& plan = std::get<bind_plan>(planned);
    opened_list opened;
    if (auto failure = open(plan, model.listeners, opened))
        return failure;
    if (auto failure = set_modes(plan, model.listeners))
        return failure;
    warn_of_kept_sockets(plan, model.listeners);
    apply(plan, next, opened, access);
    return std::nullopt;
}

// Nothing is left that can fail but memory. Without it workers would serve different generations,
// and which serves what could not be said: the process ends instead, and its supervisor starts it
// whole.
void fleet::apply(const bind_plan& plan, const std::shared_ptr<const compiled>& next,
                  opened_list& opened,
                  const std::vector<std::shared_ptr<proxy::access_log>>& access) noexcept {
    for (const served_listener& one : listeners_) {
        for (const server_key key : plan.gone) {
            if (one.bound.key == key)
                log_info("listener {} is gone; its connections finish what they do",
                         one.bound.listener);
        }
    }
    for (const listener_change& one : plan.listeners)
        next_key_ = std::max(next_key_, one.key + 1);
    listeners_ = next_listeners(plan, *next, opened);
    upstreams_.clear();
    for (const compiled_upstream& one : next->upstreams)
        upstreams_.push_back({one.shared, {one.shared.get(), {}}});
    log_changes(plan, opened);
    for (std::size_t k = 0; k < sides_.size(); ++k)
        add_report(order(k, plan, next, opened, access.empty() ? nullptr : access[k]));
}

void fleet::describe(admin::process_view& into) const {
    for (const served_listener& one : listeners_)
        into.listeners.push_back(one.view);
    for (const served_upstream& one : upstreams_)
        into.upstreams.push_back(one.view);
    for (const auto& side : sides_)
        into.workers.push_back({&side->home(), &side->metrics(), nullptr});
}

std::string fleet::bound_to(std::string_view listener) const {
    for (const served_listener& one : listeners_) {
        if (one.bound.listener == listener && !one.view.bound.empty())
            return one.view.bound.front();
    }
    return {};
}

void fleet::set_memory_level(net::memory_level to) {
    for (const auto& side : sides_) {
        net::worker& home = side->home();
        const bool rises = to > home.memory();
        home.set_memory_level(to);
        if (rises)
            home.post([&home] { home.shrink(); });
    }
}

void fleet::shrink() {
    for (const auto& side : sides_) {
        net::worker& home = side->home();
        home.post([&home] { home.shrink(); });
    }
}

void fleet::drain(std::function<void()> done) {
    // Counted on the control thread.
    auto left = std::make_shared<std::size_t>(sides_.size());
    auto one_done = [this, left, done = std::move(done)] {
        control_.post([left, done] {
            if (--*left == 0)
                done();
        });
    };
    for (const auto& side : sides_)
        side->call([&side = *side, one_done] { side.drain(one_done); });
    // Nobody accepts there any more.
    for (served_listener& one : listeners_) {
        for (bound_address& bound : one.bound.binds)
            bound.file.reset();
    }
}

std::size_t fleet::abort() {
    std::size_t cut = 0;
    for (const auto& side : sides_)
        cut += side->call([&side = *side] { return side.abort(); });
    return cut;
}

}  // namespace penstock::app
