// The origin of the upstream tests: support's scripted_origin with conversations that take the end
// of the connection as an answer ("" instead of a thrown error), because here the peer's closing is
// what many tests ask for. Destroyed only after every conversation has come to its end.
#pragma once

#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::upstream::test {

using penstock::test::gate;
using penstock::test::refusing_port;
using penstock::test::silent_port;

// One accepted connection, as its script sees it.
class conversation {
 public:
    conversation(penstock::test::peer& with, int number) noexcept : peer_(with), number_(number) {}

    [[nodiscard]] int number() const noexcept { return number_; }  // counts from 0

    // Up to and with `end`; what came so far once the peer has closed.
    std::string read_until(std::string_view end) {
        std::size_t at = 0;
        while ((at = received_.find(end)) == std::string::npos) {
            if (!read_some())
                return std::exchange(received_, {});
        }
        return take(at + end.size());
    }
    std::string read_head() { return read_until("\r\n\r\n"); }
    std::string read_exactly(std::size_t count) {
        while (received_.size() < count && read_some())
            continue;
        return take(std::min(count, received_.size()));
    }
    // False if the peer sends something instead.
    bool peer_closes() { return received_.empty() && !read_some(); }

    // What the peer does not take any more is lost.
    void write(std::string_view bytes) {
        attempt([&] { peer_.send(bytes); });
    }
    void write_bytewise(std::string_view bytes) {
        attempt([&] { peer_.send_in_pieces(bytes); });
    }
    void close() { peer_.close(); }
    void half_close() { peer_.half_close(); }
    void reset() { peer_.reset(); }
    void wait_for(const gate& opened) { peer_.wait_for(opened); }

 private:
    static bool attempt(const std::function<void()>& action) {
        try {
            action();
            return true;
        } catch (const penstock::test::stopped&) {
            throw;
        } catch (const penstock::test::test_error&) {
            return false;
        }
    }
    std::string take(std::size_t count) {
        std::string taken = received_.substr(0, count);
        received_.erase(0, count);
        return taken;
    }
    bool read_some() {
        std::string more;
        if (!attempt([&] { more = peer_.read_some(); }))
            return false;
        received_ += more;
        return !more.empty();
    }

    penstock::test::peer& peer_;
    int number_;
    std::string received_;
};

class origin {
 public:
    using script = std::function<void(conversation&)>;

    explicit origin(script play,
                    std::optional<penstock::test::certificate_files> tls = std::nullopt)
        : played_(
              [play = std::move(play)](penstock::test::peer& with, int number) {
                  conversation said(with, number);
                  play(said);
              },
              std::move(tls)) {}
    ~origin() {
        try {
            for (int i = 0; i < played_.connections(); ++i)
                (void)played_.received(i);
        } catch (const penstock::test::test_error& failure) {
            ADD_FAILURE() << failure.what();
        }
    }
    origin(const origin&) = delete;
    origin& operator=(const origin&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return played_.port(); }
    [[nodiscard]] int accepted() const { return played_.connections(); }

 private:
    penstock::test::scripted_origin played_;
};

}  // namespace penstock::upstream::test
