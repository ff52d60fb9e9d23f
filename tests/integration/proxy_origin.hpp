// An origin that answers every request alike and keeps the heads that it has seen, for tests of
// what leaves the proxy.
#pragma once

#include "integration/proxy_site.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::proxy::test {

using strings = std::vector<std::string>;

inline constexpr std::string_view small_reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Answers every request of every connection and keeps their heads.
inline origin::script answer_all(notebook& heads, std::string_view reply = small_reply) {
    return [&heads, reply](conversation& with) {
        for (std::string head = with.read_head(); !head.empty(); head = with.read_head()) {
            heads.add(head);
            with.write(reply);
        }
    };
}

struct fixture {
    explicit fixture(std::string_view reply = small_reply) : peer(answer_all(heads, reply)) {}

    [[nodiscard]] config::model model() const { return model_for({peer.port()}); }
    // The head that the origin saw last.
    [[nodiscard]] std::string last() const {
        const strings all = heads.lines();
        return all.empty() ? std::string() : all.back();
    }

    notebook heads;
    origin peer;
};

inline config::network network_of(const std::string& host) {
    config::network made;
    net::socket_address::parse(host, 0)->mapped(made.bytes);
    return made;
}

}  // namespace penstock::proxy::test
