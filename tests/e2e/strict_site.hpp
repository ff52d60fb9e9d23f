// A daemon on its default configuration in front of an origin that reads strictly and writes down
// what it was sent. Attacks are sent whole and in one-byte writes, and judged at both ends.
#pragma once

#include "support/http_reader.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace penstock::test {

// A request of which nobody may ever hear: it stands behind every message that is refused.
inline const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n";

class strict_site {
 public:
    // `reply` is what the origin answers to everything; `more` goes to the end of the
    // configuration.
    explicit strict_site(const std::string& reply = ok_response("fine"),
                         const std::string& more = "")
        : origin_([this, reply](peer& proxy, int) { serve(proxy, reply); }),
          proxy_(proxy_to(origin_.address(), "", more)) {}

    // The requests that the origin has read since the last call. A marker sent behind shows that
    // everything before it has arrived.
    std::vector<http_request> arrived() {
        const std::string marker = "/marker" + std::to_string(++markers_);
        peer client(port());
        client.send("GET " + marker + " HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(read_response(client).status, 200);
        const std::lock_guard lock(mutex_);
        std::vector<http_request> taken = std::exchange(requests_, {});
        std::erase_if(taken, [&](const http_request& one) { return one.target == marker; });
        return taken;
    }
    // Messages that broke off in their body, by target, since the last call.
    std::vector<std::string> broken() {
        const std::lock_guard lock(mutex_);
        return std::exchange(broken_, {});
    }
    // Whatever came that no strict reader takes for a request.
    std::vector<std::string> nonsense() {
        const std::lock_guard lock(mutex_);
        return std::exchange(nonsense_, {});
    }
    [[nodiscard]] std::uint16_t port() const { return proxy_.port("web"); }
    [[nodiscard]] daemon& proxy() noexcept { return proxy_; }

    // Sends, in pieces of `piece` bytes (0 = whole), as far as the other side takes it.
    static void send(peer& client, const std::string& bytes, std::size_t piece) {
        try {
            if (piece == 0)
                client.send(bytes);
            else
                client.send_in_pieces(bytes, piece);
        } catch (const stopped&) {
            throw;
        } catch (const test_error&) {
            // It has answered and closed already; the answer is still there to read.
        }
    }

 private:
    void serve(peer& proxy, const std::string& reply) {
        for (;;) {
            std::optional<http_request> request;
            try {
                request = read_request_head(proxy);
            } catch (const stopped&) {
                throw;
            } catch (const test_error& fault) {
                note(nonsense_, fault.what());
                return;
            }
            if (!request)
                return;
            try {
                read_request_body(proxy, *request);
            } catch (const stopped&) {
                throw;
            } catch (const test_error&) {
                note(broken_, request->target);
                return;
            }
            note(requests_, *request);
            proxy.send(request->target.starts_with("/marker") ? ok_response("") : reply);
        }
    }
    template <class List, class Item>
    void note(List& list, const Item& item) {
        const std::lock_guard lock(mutex_);
        list.emplace_back(item);
    }

    std::mutex mutex_;
    std::vector<http_request> requests_;
    std::vector<std::string> broken_;
    std::vector<std::string> nonsense_;
    int markers_ = 0;
    scripted_origin origin_;
    daemon proxy_;
};

// A message that must be refused: this status, a close, and nothing at the origin.
struct refusal {
    std::string name;
    std::string bytes;
    int status = 400;
    std::string reason = "http_request_error";
};

// Where faults are only in the chunks: the head is good, so the origin may have begun to read such
// a message, which then breaks off there. It may hear of that after the next attack has begun.
inline const std::string chunks_target = "/chunks";

inline void expect_refused(strict_site& site, const refusal& attack, std::size_t piece) {
    SCOPED_TRACE(piece == 0 ? "whole" : "in pieces of " + std::to_string(piece));
    {
        peer client(site.port());
        strict_site::send(client, attack.bytes + smuggled, piece);
        const http_response got = read_response(client);
        EXPECT_EQ(got.status, attack.status) << got.head;
        EXPECT_EQ(got.field("connection"), "close") << got.head;
        EXPECT_EQ(got.field("proxy-status"), "penstock; error=" + attack.reason) << got.head;
        EXPECT_EQ(client.read_to_end(), "") << "after the refusal";
    }
    EXPECT_TRUE(site.arrived().empty()) << "at the origin";
    for (const std::string& target : site.broken())
        EXPECT_EQ(target, chunks_target) << "was begun";
    // A message that breaks off in its chunks is nonsense only after a good beginning.
    const std::vector<std::string> nonsense = site.nonsense();
    EXPECT_TRUE(nonsense.empty()) << nonsense.front();
}

// The name of a table's entry, for --gtest_filter.
template <class Entry>
std::string name_of_entry(const testing::TestParamInfo<Entry>& chosen) {
    return chosen.param.name;
}

}  // namespace penstock::test
