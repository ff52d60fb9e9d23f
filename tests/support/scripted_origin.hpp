// An origin that does what a test says, byte for byte: a real listening socket on a port of its
// own, a thread that accepts, and a thread per connection that runs the test's script.
//
// Lifetime: the destructor ends every script (their waits throw `stopped`) and joins all threads.
#pragma once

#include "support/certificate.hpp"
#include "support/http_reader.hpp"
#include "support/peer.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace penstock::test {

class scripted_origin {
 public:
    // Runs once for each connection, counted from 0; the connection is closed when it returns.
    using script = std::function<void(peer& client, int index)>;
    // The whole response to one request.
    using handler = std::function<std::string(const http_request& request)>;

    explicit scripted_origin(script run, std::optional<certificate_files> tls = std::nullopt);
    scripted_origin(const scripted_origin&) = delete;
    scripted_origin& operator=(const scripted_origin&) = delete;
    ~scripted_origin();

    // Answers one request after the other on each connection until the client closes it.
    [[nodiscard]] static script answer(handler handle);

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] int connections() const;  // accepted so far
    // Throws when there are fewer at the limit.
    void wait_for_connections(int count, milliseconds limit = patience);
    // Every byte that connection `index` received; waits for the end of its script.
    [[nodiscard]] std::string received(int index, milliseconds limit = patience);
    // What scripts threw, apart from `stopped`. A test that expects a clean run checks it.
    [[nodiscard]] std::vector<std::string> failures() const;

 private:
    void accept_all();
    void serve(int fd, int index);
    void note_end(int index, std::string received, std::string failure);

    script run_;
    SSL_CTX* tls_ = nullptr;
    descriptor listener_;
    gate stop_;
    std::uint16_t port_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    int accepted_ = 0;
    std::map<int, std::string> received_;
    std::vector<std::string> failures_;
    std::vector<std::thread> connections_;
    std::thread acceptor_;
};

// A port of 127.0.0.1 that refuses connections for as long as the object lives.
class refusing_port {
 public:
    refusing_port();
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
    std::uint16_t port_ = 0;  // before fd_, whose initialiser sets it
    descriptor fd_;
};

// A port of 127.0.0.1 on which a connection attempt is never answered.
class silent_port {
 public:
    silent_port();
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
    std::uint16_t port_ = 0;  // before fd_, whose initialiser sets it
    descriptor fd_;
    std::vector<descriptor> fill_;
};

}  // namespace penstock::test
