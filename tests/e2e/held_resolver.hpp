// A name server that hears every question and answers none until a test says so, and then that
// there is no such name, or that it is this machine's. What is started while it lives asks it and
// no other, by a library that is loaded in front of the C library's.
#pragma once

#include "e2e/clock_site.hpp"
#include "support/descriptor.hpp"
#include "support/wait.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace penstock::test {

class held_resolver {
 public:
    held_resolver()
        : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
          changed_(::eventfd(0, EFD_CLOEXEC)),
          order_("ASAN_OPTIONS", options() + ":verify_asan_link_order=0"),
          port_("PENSTOCK_RESOLVER_PORT", bind()),
          library_("LD_PRELOAD", PENSTOCK_RESOLVER_LIBRARY),
          thread_([this] { serve(); }) {}
    ~held_resolver() {
        ends_ = true;
        wake();
        thread_.join();
    }
    held_resolver(const held_resolver&) = delete;
    held_resolver& operator=(const held_resolver&) = delete;

    // Until a name has been asked for; throws at the limit.
    void wait_for_question() {
        std::unique_lock lock(mutex_);
        if (!heard_.wait_for(lock, patience, [this] { return asked_; }))
            throw test_error("no name was asked for");
    }
    // Answers what was asked, and all that follows: there is no such name.
    void release() {
        released_ = true;
        wake();
    }
    // As `release`: every name is 127.0.0.1's.
    void release_as_ours() {
        exists_ = true;
        release();
    }

 private:
    struct question {
        std::string text;
        sockaddr_in from;
    };

    static std::string options() {
        const char* const present = std::getenv("ASAN_OPTIONS");
        return present != nullptr ? present : "";
    }
    std::string bind() const {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), size) != 0 ||
            ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
            throw_errno("bind");
        return std::to_string(ntohs(at.sin_port));
    }
    void wake() const {
        const std::uint64_t one = 1;
        if (::write(changed_.get(), &one, sizeof one) != sizeof one)
            throw_errno("write");
    }

    void serve() {
        std::vector<question> held;
        while (!ends_) {
            std::array<pollfd, 2> wait{{{fd_.get(), POLLIN, 0}, {changed_.get(), POLLIN, 0}}};
            ::poll(wait.data(), wait.size(), -1);
            std::uint64_t count = 0;
            if (wait[1].revents != 0 && ::read(changed_.get(), &count, sizeof count) < 0)
                return;
            if (wait[0].revents != 0)
                held.push_back(hear());
            if (!released_)
                continue;
            for (const question& one : held)
                answer(one);
            held.clear();
        }
    }
    question hear() {
        question made{std::string(1500, '\0'), {}};
        socklen_t size = sizeof made.from;
        const ssize_t got = ::recvfrom(fd_.get(), made.text.data(), made.text.size(), 0,
                                       reinterpret_cast<sockaddr*>(&made.from), &size);
        made.text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        const std::lock_guard lock(mutex_);
        asked_ = true;
        heard_.notify_all();
        return made;
    }
    // The question with the flags of an answer, and the code for "no such name", or none and a
    // record of type A where one was asked for (RFC 1035 §4.1).
    void answer(question of) const {
        constexpr std::size_t header = 12;
        const std::size_t name_end = of.text.find('\0', header);
        if (name_end == std::string::npos || of.text.size() < name_end + 5)
            return;
        of.text.resize(name_end + 5);  // without what stands behind the question
        const bool has_address = exists_ && of.text[name_end + 2] == 1;
        of.text[2] = static_cast<char>(0x81);
        of.text[3] = static_cast<char>(exists_ ? 0x80 : 0x83);
        of.text.replace(4, 8, std::string("\0\1\0\0\0\0\0\0", 8));
        if (has_address) {
            of.text[7] = 1;
            of.text += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1", 16);
        }
        ::sendto(fd_.get(), of.text.data(), of.text.size(), 0,
                 reinterpret_cast<const sockaddr*>(&of.from), sizeof of.from);
    }

    descriptor fd_;
    descriptor changed_;
    variable order_;
    variable port_;
    variable library_;
    std::mutex mutex_;
    std::condition_variable heard_;
    bool asked_ = false;
    std::atomic<bool> released_{false};
    std::atomic<bool> exists_{false};
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

}  // namespace penstock::test
