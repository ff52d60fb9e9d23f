#include "campaign/driver.hpp"

#include "campaign/files.hpp"
#include "support/wait.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace penstock::campaign {
namespace {

using clock = std::chrono::steady_clock;

// Far beyond every deadline of the proxy.
constexpr auto patience = std::chrono::seconds(20);
// A little below the least that campaign_main configures.
constexpr auto shortest_deadline = std::chrono::milliseconds(400);

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

void send_small_pieces_at_once(int fd) {
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void show(const evidence& of) {
    std::printf("---- sent\n%s\n", printable(of.sent.bytes).c_str());
    std::printf("---- read as %zu requests; %s%s\n", of.understood.requests.size(),
                of.understood.fault.c_str(), of.understood.partial ? "ends within one" : "");
    for (const arrived& each : of.at_origin) {
        std::printf("---- at the origin, %s\n%s\n(body of %zu bytes)\n",
                    each.complete ? "complete" : "cut", printable(each.request.start_line).c_str(),
                    each.request.body.size());
        std::printf("---- answered (%s)\n%s\n", each.answered.fault.c_str(),
                    printable(each.answered.bytes).c_str());
    }
    std::printf("---- received, then %s\n%s\n",
                of.ended == ending::closed  ? "closed"
                : of.ended == ending::reset ? "reset"
                                            : "hung",
                printable(of.received).c_str());
}

[[noreturn]] void fail(const char* what) {
    throw test::test_error(std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

class driver::socket_owner {
 public:
    explicit socket_owner(test::descriptor fd) : fd_(std::move(fd)) {}
    virtual ~socket_owner() = default;
    socket_owner(const socket_owner&) = delete;
    socket_owner& operator=(const socket_owner&) = delete;

    // The socket is ready for something. False: it has ended.
    virtual bool advance() = 0;
    virtual void ended() = 0;
    [[nodiscard]] virtual bool wants_to_send() const noexcept = 0;
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    // Whether the socket is watched for being writable, as far as epoll knows.
    bool watched_for_sending = true;

 protected:
    // What is there now; false at the end of the stream or of the connection.
    bool read_into(std::string& to, bool& reset) const {
        char block[16 * 1024];
        for (;;) {
            const ssize_t got = ::recv(fd(), block, sizeof block, MSG_DONTWAIT);
            if (got > 0) {
                to.append(block, static_cast<std::size_t>(got));
                continue;
            }
            if (got < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
            reset = got < 0;
            return false;
        }
    }

 private:
    test::descriptor fd_;
};

// Bytes on their way in pieces, one for each turn.
class driver::pacer {
 public:
    void start(std::string bytes, std::vector<std::size_t> cuts) {
        bytes_ = std::move(bytes);
        cuts_ = std::move(cuts);
        at_ = next_ = 0;
    }
    [[nodiscard]] bool done() const noexcept { return at_ == bytes_.size(); }
    // False if the other side takes nothing any more.
    bool step(int fd) {
        while (next_ < cuts_.size() && cuts_[next_] <= at_)
            ++next_;
        const std::size_t end = next_ < cuts_.size() ? cuts_[next_] : bytes_.size();
        const ssize_t sent =
            ::send(fd, bytes_.data() + at_, end - at_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        at_ += static_cast<std::size_t>(sent);
        return true;
    }

 private:
    std::string bytes_;
    std::vector<std::size_t> cuts_;
    std::size_t at_ = 0;
    std::size_t next_ = 0;
};

class driver::client : public socket_owner {
 public:
    client(driver& of, test::descriptor fd, payload sent)
        : socket_owner(std::move(fd)),
          driver_(of),
          sent_(std::move(sent)),
          understood_(read_payload(sent_.bytes)) {
        sending_.start(sent_.bytes, sent_.cuts);
    }
    bool advance() override {
        bool reset = false;
        if (!read_into(received_, reset)) {
            ended_ = reset ? ending::reset : ending::closed;
            return false;
        }
        // Once it is refused the proxy is about to close, and its last words are still to be read.
        if (wants_to_send())
            refused_ = !sending_.step(fd());
        return true;
    }
    void ended() override { driver_.on_client_end(*this); }
    [[nodiscard]] bool wants_to_send() const noexcept override {
        return !sending_.done() && !refused_;
    }
    [[nodiscard]] bool overdue(clock::time_point now) const { return now > begun_ + patience; }
    void give_up() noexcept { ended_ = ending::hangs; }
    void add(arrived came) { arrived_.push_back(std::move(came)); }
    [[nodiscard]] const payload& sent() const noexcept { return sent_; }
    [[nodiscard]] evidence testimony() const {
        const bool slow = clock::now() > begun_ + shortest_deadline;
        return {sent_, understood_, arrived_, received_, ended_, slow};
    }

 private:
    driver& driver_;
    payload sent_;
    reading understood_;
    std::vector<arrived> arrived_;
    std::string received_;
    pacer sending_;
    bool refused_ = false;
    ending ended_ = ending::closed;
    clock::time_point begun_ = clock::now();
};

class driver::origin : public socket_owner {
 public:
    origin(driver& of, test::descriptor fd) : socket_owner(std::move(fd)), driver_(of) {}

    bool advance() override {
        bool reset = false;
        std::string bytes;
        const bool open = read_into(bytes, reset);
        reader_.feed(bytes);
        if (!answering_ && !read_requests())
            return false;
        if (!open)
            return false;
        if (!answering_)
            return true;
        if (!answer_.done() && !answer_.step(fd()))
            return false;
        if (!answer_.done())
            return true;
        answering_ = false;
        return !closes_ && read_requests();
    }
    [[nodiscard]] bool wants_to_send() const noexcept override { return answering_; }
    void ended() override {
        if (closes_ || reader_.idle())
            return;
        if (reader_.in_body() && open_)
            return driver_.on_arrival({reader_.now(), *open_, false, {}});
        if (!reader_.in_body() && reader_.fault().empty())
            driver_.note(0, "a connection of the origin ends within a request's head");
    }

 private:
    // Up to the first complete request; false if there can be none.
    bool read_requests() {
        for (;;) {
            const event got = reader_.next();
            if (got == event::more)
                return true;
            if (got == event::broken) {
                const auto mark = mark_in(reader_.now());
                driver_.note(mark ? mark->index : 0,
                             "the origin's request is malformed: " + reader_.fault());
                return false;
            }
            if (got == event::head) {
                open_ = mark_in(reader_.now());
                continue;
            }
            respond(reader_.now());
            return true;
        }
    }
    void respond(message& to) {
        ++driver_.report_.requests;
        answer made = open_ ? make_answer(driver_.plan_.seed, *open_, to.first) : plain_answer();
        answer_.start(made.bytes, made.cuts);
        closes_ = made.closes;
        answering_ = true;
        if (open_)
            driver_.on_arrival({std::move(to), *open_, true, std::move(made)});
        open_.reset();
    }

    driver& driver_;
    strict_reader reader_{role::request, dialect::wire};
    std::optional<identity> open_;  // the request being read
    pacer answer_;
    bool answering_ = false;
    bool closes_ = false;
};

driver::driver(const plan& of)
    : plan_(of),
      poll_(::epoll_create1(EPOLL_CLOEXEC)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 4096) != 0 ||
        ::getsockname(listener_.get(), generic, &size) != 0)
        fail("the origin cannot listen");
    origin_port_ = ntohs(address.sin_port);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, listener_.get(), &event) != 0)
        fail("epoll_ctl");
}

driver::~driver() = default;

void driver::watch(socket_owner& by, int operation) const {
    epoll_event event{};
    event.events = by.watched_for_sending ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = &by;
    if (::epoll_ctl(poll_.get(), operation, by.fd(), &event) != 0)
        fail("epoll_ctl");
}

report driver::run(std::uint16_t proxy_port) {
    proxy_port_ = proxy_port;
    next_ = plan_.first;
    fill();
    while (!clients_.empty()) {
        wait();
        end_overdue();
        fill();
    }
    return std::move(report_);
}

void driver::fill() {
    while (clients_.size() < plan_.connections && next_ - plan_.first < plan_.count)
        start_client();
}

void driver::start_client() {
    test::descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(proxy_port_);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        fail("the proxy does not accept");
    send_small_pieces_at_once(fd.get());
    auto made = std::make_unique<client>(*this, std::move(fd), make_payload(plan_.seed, next_));
    watch(*made, EPOLL_CTL_ADD);
    clients_.emplace(next_++, std::move(made));
}

void driver::accept_all() {
    for (;;) {
        test::descriptor fd(
            ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd.get() < 0)
            return;
        send_small_pieces_at_once(fd.get());
        const int raw = fd.get();
        auto made = std::make_unique<origin>(*this, std::move(fd));
        watch(*made, EPOLL_CTL_ADD);
        origins_.emplace(raw, std::move(made));
    }
}

void driver::wait() {
    epoll_event events[64];
    const int count = ::epoll_wait(poll_.get(), events, 64, 1000);
    // Origins end before clients, so that a client's judge knows all that came of it.
    std::vector<socket_owner*> over;
    for (int i = 0; i < count; ++i) {
        auto* owner = static_cast<socket_owner*>(events[i].data.ptr);
        if (owner == nullptr)
            accept_all();
        else if (!owner->advance())
            over.push_back(owner);
        else if (owner->wants_to_send() != owner->watched_for_sending) {
            owner->watched_for_sending = owner->wants_to_send();
            watch(*owner, EPOLL_CTL_MOD);
        }
    }
    std::stable_partition(over.begin(), over.end(), [](const socket_owner* each) {
        return dynamic_cast<const origin*>(each) != nullptr;
    });
    for (socket_owner* each : over)
        each->ended();
    for (socket_owner* each : over) {
        if (auto* of_client = dynamic_cast<client*>(each))
            clients_.erase(of_client->sent().index);
        else
            origins_.erase(each->fd());
    }
}

void driver::end_overdue() {
    const auto now = clock::now();
    for (auto at = clients_.begin(); at != clients_.end();) {
        client& each = *at->second;
        if (!each.overdue(now)) {
            // They are in the order in which they began, so that none behind is overdue.
            return;
        }
        each.give_up();
        each.ended();
        at = clients_.erase(at);
    }
}

void driver::on_arrival(arrived came) {
    const auto found = clients_.find(came.mark.index);
    if (found != clients_.end())
        return found->second->add(std::move(came));
    // An upload that its client's end cut off may be noticed behind that end.
    if (came.complete)
        note(came.mark.index, "a request arrives when its client has gone");
}

void driver::on_client_end(client& of) {
    ++report_.payloads;
    report_.damaged += of.sent().damaged ? 1 : 0;
    const evidence all = of.testimony();
    if (shows_)
        show(all);
    const verdict found = judge(all);
    report_.answers += static_cast<std::uint64_t>(found.answers);
    for (const std::string& finding : found.findings)
        note(of.sent().index, finding);
    for (const auto& [what, times] : found.differences) {
        report_.differences[what] += static_cast<std::uint64_t>(times);
        report_.examples.emplace(what, of.sent().index);
    }
}

void driver::note(std::uint32_t index, const std::string& finding) {
    if (report_.findings.size() < findings_max)
        report_.findings.push_back("payload " + std::to_string(index) + ": " + finding);
    else
        ++report_.findings_left_out;
}

}  // namespace penstock::campaign
