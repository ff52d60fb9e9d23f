// The listener of one worker: doors that accept, the cap, and the connections that run.
#include "penstock/downstream/server.hpp"

#include "downstream/counting.hpp"
#include "downstream/h1_connection.hpp"
#include "penstock/net/address_key.hpp"
#include "penstock/net/deadline.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace penstock::downstream {
namespace {

// How soon a server at its cap looks whether another worker's connection has ended.
constexpr milliseconds cap_retry = 40ms;
// Connections over the cap that are being told so at the same time; more are just closed.
constexpr std::size_t refusals_max = 128;
// How many connections are asked when they end, which every refusal pays for.
constexpr std::size_t cap_looks_max = 256;

net::tcp_options tcp_options_of(const config::socket_options& from) noexcept {
    net::tcp_options options;
    options.receive_buffer = static_cast<int>(from.kernel.receive_buffer);
    options.send_buffer = static_cast<int>(from.kernel.send_buffer);
    options.notsent_lowat = static_cast<int>(from.kernel.notsent_lowat);
    options.user_timeout = static_cast<int>(from.kernel.user_timeout.count());
    options.nodelay = from.nodelay;
    options.keepalive = from.keep.enabled;
    options.keepalive_idle = static_cast<int>(from.keep.idle.count());
    options.keepalive_interval = static_cast<int>(from.keep.interval.count());
    options.keepalive_count = from.keep.count;
    return options;
}

}  // namespace

// Shared by the server and what it has started, which may outlive it by the turn of the loop in
// which it sees that it has to end.
struct server::implementation : std::enable_shared_from_this<server::implementation> {
    class door;
    class cap_alarm;
    struct resident;
    // What a connection is counted as.
    enum class standing : std::uint8_t { admitted, counted_by_address, refused };
    struct arrival {
        h1_connection::accepted from;
        standing as;
    };

    implementation(net::worker& on, std::shared_ptr<const listener_state> state,
                   std::shared_ptr<net::connection_count> counts);
    ~implementation();

    void open(net::unique_fd fd, const net::socket_address& bound);
    void close(const net::socket_address& bound);
    void close_all();
    void abort_all() noexcept;

    [[nodiscard]] const config::listener& settings() const noexcept { return home.state->settings; }
    [[nodiscard]] bool full() const noexcept;
    // Takes a place below the cap for as long as a connection lives.
    [[nodiscard]] bool take_place() noexcept;
    void give_place_back() noexcept;
    void resume_doors() noexcept;
    // A place below the cap of one address; no place is needed while there is no such cap.
    [[nodiscard]] standing take_address_place(const net::socket_address& of);
    void give_address_place_back(const net::socket_address& of, standing had) noexcept;
    void start(arrival from);
    // Answers, unless so many are being answered already. `of`: whose cap it is; null = of all.
    void refuse(h1_connection::accepted from, exchange::reason why, const net::socket_address* of);
    [[nodiscard]] milliseconds cap_lasts(const net::socket_address* of) const noexcept;
    void refuse_address(h1_connection::accepted from);

    static net::task<> run_door(std::shared_ptr<implementation> self, std::shared_ptr<door> of);

    connection_home home;
    std::shared_ptr<net::connection_count> counts;
    std::unique_ptr<cap_alarm> waits_for_cap;
    std::vector<std::shared_ptr<door>> doors;
    std::vector<resident*> connections;
    std::size_t refusals = 0;
};

// One listening socket.
class server::implementation::door final : public net::listener::acceptor {
 public:
    door(implementation& owner, net::unique_fd fd, const net::socket_address& bound)
        : owner_(owner),
          bound_(std::make_shared<const net::socket_address>(bound)),
          fd_(fd.get()),
          listener_(owner.home.worker, std::move(fd), *this) {}

    [[nodiscard]] const net::socket_address& bound() const noexcept { return *bound_; }
    // Accepted sockets inherit the options of the one they came through.
    void apply(const config::socket_options& options) const noexcept {
        net::apply_listening(fd_, tcp_options_of(options), options.defer_accept, options.backlog);
    }
    net::task<> serve() { return listener_.serve(); }
    void stop() noexcept {
        listener_.stop();
        if (parked_)
            owner_.give_address_place_back(parked_->from.peer, parked_->as);
        parked_.reset();
    }
    void resume() noexcept;

 private:
    [[nodiscard]] bool may_accept() noexcept override;
    void on_accept(net::listener::accepted connection) override;

    implementation& owner_;
    std::shared_ptr<const net::socket_address> bound_;
    int fd_;
    net::listener listener_;
    // Accepted just when another worker took the last place.
    std::optional<arrival> parked_;
};

// Another worker's connections count too, and nobody tells us when they end.
class server::implementation::cap_alarm final : public net::deadline {
 public:
    explicit cap_alarm(implementation& owner) noexcept : owner_(owner) {}
    void set() noexcept {
        net::worker& worker = owner_.home.worker;
        if (!armed())
            arm(worker.deadlines(), worker.now() + cap_retry, net::errc{});
    }

 private:
    void on_expire(error) noexcept override { owner_.resume_doors(); }
    implementation& owner_;
};

// A connection and its place in the server, given up together when its coroutine has ended.
struct server::implementation::resident final : connection_owner {
    resident(std::shared_ptr<implementation> in, h1_connection::accepted from, standing as)
        : owner(std::move(in)), admission(as), connection(owner->home, std::move(from)) {
        connection.place = owner->connections.size();
        owner->connections.push_back(this);
        if (admission == standing::refused)
            ++owner->refusals;
    }
    resident(const resident&) = delete;
    resident& operator=(const resident&) = delete;
    ~resident() override {
        resident* const last = owner->connections.back();
        last->connection.place = connection.place;
        owner->connections[connection.place] = last;
        owner->connections.pop_back();
        if (admission == standing::refused)
            --owner->refusals;
        else
            leave();
    }
    void leave() noexcept {
        owner->give_address_place_back(connection.client(), admission);
        owner->give_place_back();
    }

    static void* operator new(std::size_t size) { return allocate_recycled(size); }
    static void operator delete(void* block, std::size_t size) noexcept {
        release_recycled(block, size);
    }

    const std::shared_ptr<implementation> owner;
    const standing admission;
    h1_connection connection;
};

bool server::implementation::door::may_accept() noexcept {
    if (parked_)
        return false;
    if (owner_.settings().over == config::over_limit::refuse || !owner_.full())
        return true;
    owner_.waits_for_cap->set();
    return false;
}

void server::implementation::door::resume() noexcept {
    if (parked_ && owner_.take_place()) {
        try {
            owner_.start(*std::exchange(parked_, std::nullopt));
        } catch (const std::exception& failure) {
            owner_.home.worker.note_exception(failure.what());
        }
    }
    if (parked_)
        owner_.waits_for_cap->set();
    else
        listener_.resume();
}

void server::implementation::door::on_accept(net::listener::accepted connection) {
    h1_connection::accepted from{std::move(connection.fd), connection.peer, bound_};
    add(owner_.home.counters.accepted);
    owner_.counts->accepted.fetch_add(1, std::memory_order_relaxed);
    const standing as = owner_.take_address_place(from.peer);
    if (as == standing::refused)
        return owner_.refuse_address(std::move(from));
    if (owner_.take_place())
        return owner_.start({std::move(from), as});
    if (owner_.settings().over == config::over_limit::refuse) {
        owner_.give_address_place_back(from.peer, as);
        owner_.counts->refused.fetch_add(1, std::memory_order_relaxed);
        return owner_.refuse(std::move(from), exchange::reason::connection_cap, nullptr);
    }
    parked_ = arrival{std::move(from), as};
    owner_.waits_for_cap->set();
}

server::implementation::implementation(net::worker& on, std::shared_ptr<const listener_state> state,
                                       std::shared_ptr<net::connection_count> shared)
    : home(on, std::move(state), *shared),
      counts(std::move(shared)),
      waits_for_cap(std::make_unique<cap_alarm>(*this)) {}

server::implementation::~implementation() = default;

bool server::implementation::full() const noexcept {
    const std::uint64_t most = settings().limit.connections;
    return most != 0 && counts->open.load(std::memory_order_relaxed) >= most;
}

// Exact over all workers: whoever would exceed the cap does not enter.
bool server::implementation::take_place() noexcept {
    const std::uint64_t most = settings().limit.connections;
    std::uint64_t open = counts->open.load(std::memory_order_relaxed);
    do {
        if (most != 0 && open >= most)
            return false;
    } while (!counts->open.compare_exchange_weak(open, open + 1, std::memory_order_relaxed));
    return true;
}

void server::implementation::give_place_back() noexcept {
    counts->open.fetch_sub(1, std::memory_order_relaxed);
    resume_doors();
}

void server::implementation::resume_doors() noexcept {
    for (const std::shared_ptr<door>& each : doors)
        each->resume();
}

server::implementation::standing server::implementation::take_address_place(
    const net::socket_address& of) {
    const std::uint64_t most = settings().limit.connections_per_address;
    // A trusted peer brings many clients.
    const auto& clients = home.state->clients;
    if (most == 0 || (clients && clients->trusts(of)))
        return standing::admitted;
    return counts->by_address.enter(of, most) ? standing::counted_by_address : standing::refused;
}

void server::implementation::give_address_place_back(const net::socket_address& of,
                                                     standing had) noexcept {
    if (had == standing::counted_by_address)
        counts->by_address.leave(of);
}

void server::implementation::start(arrival from) {
    const net::socket_address client = from.from.peer;
    std::unique_ptr<resident> made;
    try {
        made = std::make_unique<resident>(shared_from_this(), std::move(from.from), from.as);
    } catch (...) {
        // For want of memory there is no resident that would give the places back.
        give_address_place_back(client, from.as);
        counts->open.fetch_sub(1, std::memory_order_relaxed);
        throw;
    }
    h1_connection& connection = made->connection;
    home.worker.spawn(connection.serve(std::move(made)));
}

void server::implementation::refuse_address(h1_connection::accepted from) {
    counts->refused_by_address.fetch_add(1, std::memory_order_relaxed);
    if (settings().over == config::over_limit::refuse) {
        const net::socket_address client = from.peer;
        return refuse(std::move(from), exchange::reason::address_cap, &client);
    }
    // A place would have to be waited for beside the queue of everybody else. A reset costs the
    // least, and leaves nothing behind in the kernel.
    net::reset(std::move(from.fd));
}

// Until the first idle connection ends: of one address, or of all. Those at work end at a time that
// nobody knows, and other workers' are theirs; an idle one lasts no longer than `keepalive`.
milliseconds server::implementation::cap_lasts(const net::socket_address* of) const noexcept {
    const time_point now = home.worker.now();
    time_point first = now + settings().timeouts.keepalive;
    const std::size_t count = std::min(connections.size(), cap_looks_max);
    const net::address_key key = of != nullptr ? net::address_key_of(*of) : net::address_key{};
    for (std::size_t i = 0; i < count; ++i) {
        const h1_connection& one = connections[i]->connection;
        if (of == nullptr || net::address_key_of(one.client()) == key)
            first = std::min(first, one.idle_end());
    }
    return std::chrono::ceil<milliseconds>(std::max<nanoseconds>(first - now, 1ms));
}

void server::implementation::refuse(h1_connection::accepted from, exchange::reason why,
                                    const net::socket_address* of) {
    if (refusals >= refusals_max)
        return;
    const milliseconds until = cap_lasts(of);
    auto made = std::make_unique<resident>(shared_from_this(), std::move(from), standing::refused);
    h1_connection& connection = made->connection;
    const h1_connection::refusal_of_cap told{why, until};
    home.worker.spawn(connection.refuse(std::move(made), told));
}

net::task<> server::implementation::run_door(std::shared_ptr<implementation>,
                                             std::shared_ptr<door> of) {
    co_await of->serve();
}

void server::implementation::open(net::unique_fd fd, const net::socket_address& bound) {
    auto made = std::make_shared<door>(*this, std::move(fd), bound);
    made->apply(settings().socket);
    doors.push_back(made);
    home.worker.spawn(run_door(shared_from_this(), std::move(made)));
}

void server::implementation::close(const net::socket_address& bound) {
    const auto gone = std::stable_partition(
        doors.begin(), doors.end(), [&](const auto& each) { return !(each->bound() == bound); });
    std::for_each(gone, doors.end(), [](const auto& each) { each->stop(); });
    doors.erase(gone, doors.end());
}

void server::implementation::close_all() {
    for (const std::shared_ptr<door>& each : doors)
        each->stop();
    doors.clear();
    waits_for_cap->disarm();
}

void server::implementation::abort_all() noexcept {
    for (resident* const each : connections)
        each->connection.abort();
}

server::server(net::worker& home, std::shared_ptr<const listener_state> state,
               std::shared_ptr<net::connection_count> counts)
    : impl_(std::make_shared<implementation>(home, std::move(state), std::move(counts))) {}

server::~server() {
    impl_->close_all();
    impl_->abort_all();
}

void server::listen(net::unique_fd fd, const net::socket_address& bound) {
    impl_->open(std::move(fd), bound);
}

void server::unlisten(const net::socket_address& bound) { impl_->close(bound); }

void server::update(std::shared_ptr<const listener_state> state) {
    impl_->home.state = std::move(state);
    impl_->home.servings.clear();
    for (const auto& each : impl_->doors)
        each->apply(impl_->settings().socket);
    // The cap may have been raised.
    impl_->resume_doors();
}

void server::drain() {
    impl_->close_all();
    impl_->home.draining = true;
    for (auto* const each : impl_->connections)
        each->connection.drain();
}

void server::abort() {
    impl_->close_all();
    impl_->home.draining = true;
    impl_->abort_all();
}

std::size_t server::connections() const noexcept { return impl_->connections.size(); }

const server_counters& server::counters() const noexcept { return impl_->home.counters; }

}  // namespace penstock::downstream
