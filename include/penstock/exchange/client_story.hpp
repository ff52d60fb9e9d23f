// client_story: what a trusted peer said of the client whose request it brings, read once
// (client_rules) and kept as long as the request. Requests of other peers have none, and pay for
// none; its memory is recycled per thread.
#pragma once

#include "penstock/base/recycled.hpp"
#include "penstock/net/endpoint.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::exchange {

struct client_story {
    using addresses = std::vector<net::socket_address, recycling_allocator<net::socket_address>>;
    using text = std::basic_string<char, std::char_traits<char>, recycling_allocator<char>>;

    // The way to the client, nearest first, without the peer; the last one is the client. Empty:
    // the peer named none.
    addresses hops;
    std::string_view scheme;  // "http", "https" or empty
    text host;                // that the client asked for, in its one form; empty = not named
    std::uint16_t port = 0;   // that the client connected to; 0 = not named

    static void* operator new(std::size_t size) { return allocate_recycled(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        release_recycled(memory, size);
    }
};

}  // namespace penstock::exchange
