// A process that the tests of admin make up: what a view points to, and views of it.
#pragma once

#include "penstock/admin/admin.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace penstock::admin::test {

// One worker's side of the view.
struct worker_side {
    explicit worker_side(int index) : loop(index) {}

    net::worker loop;
    proxy::worker_metrics metrics;
    byte_ring access{64};
    downstream::server_counters serves;
    upstream::cluster_counters origins;
};

// A listener and an upstream on two workers. Tests change what the members hold and look again.
class stand_in final : public process_source {
 public:
    explicit stand_in(std::string_view listener = "web", std::string_view upstream = "app") {
        sides.push_back(std::make_unique<worker_side>(0));
        sides.push_back(std::make_unique<worker_side>(1));
        origins.id = intern_name(upstream);
        add_endpoint("127.0.0.1:3000");
        shown.generation = 1;
        shown.ready = true;
        shown.config_file = "penstock.yaml";
        listener_view& front = shown.listeners.emplace_back();
        front.id = intern_name(listener);
        front.bound = {"127.0.0.1:8080"};
        front.counts = &counts;
        upstream_view& back = shown.upstreams.emplace_back();
        back.shared = &origins;
        for (const auto& side : sides) {
            front.workers.push_back(&side->serves);
            back.workers.push_back(&side->origins);
            shown.workers.push_back({&side->loop, &side->metrics, &side->access});
        }
    }

    [[nodiscard]] process_view view() const override { return shown; }

    upstream::shared_endpoint& add_endpoint(std::string_view name) {
        auto& made = origins.endpoints.emplace_back(std::make_unique<upstream::shared_endpoint>());
        made->name = name;
        made->id = intern_name(name);
        return *made;
    }

    std::vector<std::unique_ptr<worker_side>> sides;
    net::connection_count counts;
    upstream::shared_upstream origins;
    process_view shown;
};

// A request that took 3 ms, 1 ms of it until its head was read and 2 ms until the origin answered.
inline exchange::record record_of(std::string_view route, int status) {
    exchange::record made;
    const time_point start = time_point() + 1h;
    made.ledger.start(start, exchange::phase::head);
    made.ledger.enter(exchange::phase::first_byte, start + 1ms);
    made.ledger.finish(start + 3ms);
    made.listener = intern_name("web");
    made.route = intern_name(route);
    made.upstream = intern_name("app");
    made.status = status;
    return made;
}

// The samples of a text in Prometheus' format, `name{labels}` → value. One that stands there twice
// fails the test.
inline std::map<std::string, std::string> samples_of(const std::string& text) {
    std::map<std::string, std::string> all;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        if (end == std::string::npos) {
            ADD_FAILURE() << "no line end: " << text.substr(at);
            break;
        }
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        if (line.empty() || line.front() == '#')
            continue;
        const std::size_t space = line.rfind(' ');
        EXPECT_TRUE(all.emplace(line.substr(0, space), line.substr(space + 1)).second) << line;
    }
    return all;
}

inline std::map<std::string, std::string> samples_of(const process_view& view) {
    return samples_of(metrics_text(view));
}

inline bool is_installed(const std::string& program) {
    return penstock::test::run({"sh", "-c", "command -v " + program}).status.code == 0;
}

}  // namespace penstock::admin::test
