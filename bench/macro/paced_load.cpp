// Load for the benchmark: HTTP/1.1 requests over many connections, at a constant rate or as fast as
// they are answered, each connection in its turn.
//
// At a constant rate a request is due at its scheduled time whether or not a connection is free,
// and its latency counts from there. So a pause of the proxy delays all requests that were due in
// it, as it would delay users ("coordinated omission" is what other generators do here).
//
//   paced_load --port P [--path /] [--connections N] [--seconds S] [--warmup S]
//              (--rate R | --in-flight K)
//
// Prints one JSON object: requests, errors, rate, latency percentiles in microseconds.
#include "macro/latencies.hpp"
#include "macro/response_end.hpp"
#include "macro/tool.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

namespace penstock::bench {
namespace {

struct options {
    int port = 0;
    std::string path = "/";
    std::size_t connections = 64;
    double rate = 0;
    std::size_t in_flight = 0;
    double seconds = 3;
    double warmup = 1;
};

// Requests that are due while no connection is free; beyond it the run is void.
constexpr std::size_t waiting_max = 1'000'000;

class load {
 public:
    explicit load(const options& of)
        : of_(of),
          request_("GET " + of.path + " HTTP/1.1\r\nHost: bench\r\n\r\n"),
          poll_(::epoll_create1(EPOLL_CLOEXEC)) {
        for (std::size_t i = 0; i < of.connections; ++i)
            open_one();
    }
    ~load() {
        for (const connection& each : all_)
            ::close(each.fd);
        ::close(poll_);
    }
    load(const load&) = delete;
    load& operator=(const load&) = delete;

    void run() {
        begin_ = now();
        counted_from_ = begin_ + nanoseconds(of_.warmup);
        end_ = counted_from_ + nanoseconds(of_.seconds);
        // What is under way at the end gets a moment more.
        const std::int64_t last = end_ + nanoseconds(2);
        while (now() < end_ || (outstanding() > 0 && now() < last)) {
            send_due();
            wait();
        }
        errors_ += outstanding();
    }
    void print() const {
        std::printf(
            "{\"requests\": %llu, \"errors\": %llu, \"rate\": %.1f, "
            "\"waiting_most\": %zu, \"latency_us\": %s}\n",
            static_cast<unsigned long long>(latencies_.count()),
            static_cast<unsigned long long>(errors_),
            static_cast<double>(latencies_.count()) / of_.seconds, waiting_most_,
            latencies_.json().c_str());
    }

 private:
    struct connection {
        int fd = -1;
        std::int64_t due = 0;  // of the request on its way; 0 = none
        response_end end;
    };

    [[nodiscard]] std::size_t outstanding() const { return under_way_ + waiting_.size(); }

    void open_one() {
        connection made;
        made.fd = connect_to(of_.port);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = all_.size();
        if (::epoll_ctl(poll_, EPOLL_CTL_ADD, made.fd, &event) != 0)
            throw std::runtime_error("epoll_ctl");
        free_.push_back(all_.size());
        all_.push_back(std::move(made));
    }

    // Everything whose time has come.
    void send_due() {
        const std::int64_t at = now();
        if (of_.rate <= 0) {
            while (at < end_ && under_way_ < of_.in_flight && !free_.empty())
                send_one(at);
            return;
        }
        const double apart = 1e9 / of_.rate;
        for (;;) {
            const std::int64_t due = begin_ + static_cast<std::int64_t>(apart * scheduled_);
            if (due > at || due >= end_)
                break;
            ++scheduled_;
            waiting_.push_back(due);
        }
        waiting_most_ = std::max(waiting_most_, waiting_.size());
        if (waiting_.size() > waiting_max)
            throw std::runtime_error("the proxy is too slow for this rate");
        while (!waiting_.empty() && !free_.empty()) {
            const std::int64_t due = waiting_.front();
            waiting_.pop_front();
            send_one(due);
        }
    }

    void send_one(std::int64_t due) {
        connection& on = all_[free_.front()];
        free_.pop_front();
        on.due = due;
        on.end.start();
        ++under_way_;
        const ssize_t sent = ::send(on.fd, request_.data(), request_.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(request_.size()))
            give_up(on);
    }

    void wait() {
        timespec limit{0, 1'000'000};
        if (of_.rate > 0 && now() < end_) {
            const double due = 1e9 / of_.rate * scheduled_;
            const std::int64_t left = begin_ + static_cast<std::int64_t>(due) - now();
            limit.tv_nsec = std::min<std::int64_t>(std::max<std::int64_t>(left, 0), 1'000'000);
        }
        epoll_event events[256];
        const int count = ::epoll_pwait2(poll_, events, 256, &limit, nullptr);
        for (int i = 0; i < count; ++i)
            read(events[i].data.u64);
    }

    void read(std::size_t index) {
        connection& on = all_[index];
        static char block[256 * 1024];
        const ssize_t got = ::recv(on.fd, block, sizeof block, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0 || on.due == 0)
            return give_up(on);
        if (!on.end.feed({block, static_cast<std::size_t>(got)}))
            return;
        const std::int64_t at = now();
        const bool counts = on.due >= counted_from_ && on.due < end_;
        if (counts && on.end.good())
            latencies_.add(at - on.due);
        if (!on.end.good())
            ++errors_;
        --under_way_;
        on.due = 0;
        free_.push_back(index);
    }

    // A connection that failed takes part no more.
    void give_up(connection& on) {
        ++errors_;
        under_way_ -= on.due != 0 ? 1U : 0U;
        on.due = 0;
        ::epoll_ctl(poll_, EPOLL_CTL_DEL, on.fd, nullptr);
    }

    options of_;
    std::string request_;
    int poll_;
    std::vector<connection> all_;
    std::deque<std::size_t> free_;      // in the order in which they became free
    std::deque<std::int64_t> waiting_;  // due, without a connection
    std::size_t under_way_ = 0;
    std::size_t waiting_most_ = 0;
    std::uint64_t errors_ = 0;
    std::int64_t begin_ = 0;
    std::int64_t counted_from_ = 0;
    std::int64_t end_ = 0;
    double scheduled_ = 0;
    latencies latencies_;
};

options read_options(const arguments& given) {
    options read;
    read.port = static_cast<int>(given.number("--port", 0));
    read.path = given.text("--path", read.path);
    read.connections = static_cast<std::size_t>(given.number("--connections", 64));
    read.rate = given.number("--rate", 0);
    read.in_flight = static_cast<std::size_t>(given.number("--in-flight", 0));
    read.seconds = given.number("--seconds", read.seconds);
    read.warmup = given.number("--warmup", read.warmup);
    given.check();
    if (read.port == 0 || read.connections == 0 || (read.rate <= 0) == (read.in_flight == 0))
        throw std::runtime_error("needs --port, and either --rate or --in-flight");
    return read;
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
    using namespace penstock::bench;
    return run_tool([argc, argv] {
        load made(read_options(arguments(argc, argv)));
        made.run();
        made.print();
    });
}
