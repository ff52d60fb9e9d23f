// The proxy's handler on one worker, run in the calling thread, between a client that is a request
// object and real sockets of scripted origins.
#pragma once

#include "integration/upstream_client.hpp"
#include "integration/upstream_origin.hpp"
#include "penstock/base/names.hpp"
#include "penstock/proxy/handler.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace penstock::proxy::test {

using upstream::test::client;
using upstream::test::conversation;
using upstream::test::origin;
using upstream::test::outcome;
using upstream::test::refusing_port;
using upstream::test::run;

// What scripts, which run in threads of their own, have seen.
class notebook {
 public:
    std::string add(std::string line) {
        const std::lock_guard lock(guard_);
        return lines_.emplace_back(std::move(line));
    }
    [[nodiscard]] std::vector<std::string> lines() const {
        const std::lock_guard lock(guard_);
        return lines_;
    }

 private:
    mutable std::mutex guard_;
    std::vector<std::string> lines_;
};

// The field lines of a head with this name, as sent.
inline std::vector<std::string> field_lines(const std::string& head, const std::string& name) {
    std::vector<std::string> found;
    for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at)) {
        at += 2;
        const std::string line = head.substr(at, head.find("\r\n", at) - at);
        const std::size_t colon = line.find(':');
        if (colon != std::string::npos && http::equal_nocase(line.substr(0, colon), name))
            found.push_back(line);
    }
    return found;
}

// Everything goes to one upstream with these endpoints.
inline config::model model_for(const std::vector<std::uint16_t>& ports) {
    config::model made;
    config::upstream app;
    app.name = "app";
    for (const std::uint16_t port : ports) {
        config::endpoint one;
        one.at = {"127.0.0.1", port};
        app.endpoints.push_back(one);
    }
    made.upstreams.push_back(app);
    config::route all;
    all.name = "all";
    all.upstream = "app";
    made.routes.push_back(all);
    made.log.access.emplace().path = "-";
    return made;
}

inline config::route& first_route(config::model& of) { return of.routes.front(); }

inline std::shared_ptr<upstream::shared_upstream> shared_of(const config::upstream& from) {
    auto made = std::make_shared<upstream::shared_upstream>();
    made->settings = from;
    made->id = intern_name(from.name);
    for (const config::endpoint& one : from.endpoints) {
        auto endpoint = std::make_unique<upstream::shared_endpoint>();
        endpoint->name = one.at.host + ":" + std::to_string(one.at.port);
        endpoint->id = intern_name(endpoint->name);
        endpoint->host = one.at.host;
        endpoint->addresses.push_back(*net::socket_address::parse(one.at.host, one.at.port));
        made->endpoints.push_back(std::move(endpoint));
    }
    return made;
}

// A client that connected from 192.0.2.7 to port 8080.
struct visitor {
    explicit visitor(net::worker& home) : by(home) { come_from("192.0.2.7"); }
    visitor(net::worker& home, http::method verb, std::string_view verb_text)
        : by(home, verb, verb_text) {
        come_from("192.0.2.7");
    }
    void come_from(const std::string& host) {
        peer = *net::socket_address::parse(host, 40000);
        local = *net::socket_address::parse("192.0.2.1", 8080);
        by.request.peer = &peer;
        by.request.local = &local;
        by.record.client = peer.to_string();
        by.record.generation = 1;
    }
    void add(std::string_view name, std::string_view value) {
        by.request.head.fields.add(name, value);
    }

    client by;
    net::socket_address peer;
    net::socket_address local;
};

class site {
 public:
    explicit site(config::model model)
        : made(std::make_shared<const generation>(1, std::move(model))),
          metrics(std::make_shared<worker_metrics>()),
          log(std::make_shared<access_log>(1)) {
        handler_parts parts{home, made, {}, metrics, log};
        for (const config::upstream& one : made->model.upstreams) {
            clusters.push_back(std::make_shared<upstream::cluster>(home, shared_of(one), nullptr));
        }
        parts.clusters = clusters;
        handler = make_handler(std::move(parts));
    }

    // One exchange from beginning to end, in a run of the worker of its own.
    outcome ask(visitor& of) {
        outcome result;
        exchange::identify(&made->clients, of.by.request);
        run(home, ask_into(*handler, of.by, result));
        return result;
    }
    outcome get() {
        visitor of(home);
        return ask(of);
    }
    // What attempts have come to: "ok" or a reason, and how often.
    [[nodiscard]] std::map<std::string, std::uint64_t> attempts() const {
        std::map<std::string, std::uint64_t> found;
        metrics->attempts().each([&](std::uint64_t key, std::uint64_t value) {
            const attempt_labels labels = attempt_labels::from_key(key);
            EXPECT_EQ(name_of(labels.upstream), "app");
            found[labels.ok ? "ok" : std::string(exchange::token(labels.why))] += value;
        });
        return found;
    }

    static net::task<> ask_into(exchange::handler& of, client& by, outcome& into) {
        exchange::response got = co_await of.handle(by.request);
        into.answered = true;
        into.head = got.head;
        into.upgraded = got.upgraded;
        co_await upstream::test::read_body(got, into);
        by.record.status = into.head.status;
        if (into.body_error && by.record.why == exchange::reason::none)
            by.record.why = of.reason_of(into.body_error);
        by.record.ledger.finish(net::worker::clock());
        of.finished(by.record);
    }

    net::worker home{0};
    std::shared_ptr<const generation> made;
    std::shared_ptr<worker_metrics> metrics;
    std::shared_ptr<access_log> log;
    std::vector<std::shared_ptr<upstream::cluster>> clusters;
    std::shared_ptr<exchange::handler> handler;
};

inline std::string value_of(const http::response_head& of, std::string_view name) {
    return std::string(of.fields.find(name).value_or("absent"));
}

}  // namespace penstock::proxy::test
