// From a configuration to everything that workers need of it: TLS contexts, resolved endpoints, the
// generation with its router. All that can fail happens here, off the workers and off the control
// thread, so that a reload either has everything or changes nothing.
//
// What did not change is taken over from the generation before: an upstream of the same definition,
// the same certificates and the same addresses keeps its object, and with it its connections.
#pragma once

#include "app/file_source.hpp"
#include "app/tls_compile.hpp"
#include "penstock/config/load.hpp"
#include "penstock/config/model.hpp"
#include "penstock/proxy/handler.hpp"
#include "penstock/upstream/cluster.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace penstock::app {

struct compiled_upstream {
    std::string definition;  // all that it was made of
    std::shared_ptr<upstream::shared_upstream> shared;
    upstream_tls tls;
};

struct compiled {
    std::shared_ptr<const proxy::generation> generation;
    std::vector<listener_tls> listeners;       // as in the model
    std::vector<compiled_upstream> upstreams;  // as in the model
    std::vector<config::diagnostic> warnings;
};

using rebalance_function = std::function<void(upstream::shared_upstream&)>;

struct compile_input {
    config::model model;
    std::uint64_t number = 1;  // of the generation
    int workers = 1;
    std::shared_ptr<const compiled> before;  // null at start
    // Only TLS files have changed: the model is that of `before`, and so are all addresses, so that
    // certificates are taken up also while names cannot be resolved.
    bool renews = false;
    const file_source* files = nullptr;                // never null
    std::string ticket_secret;                         // for TLS listeners without a file for it
    std::function<rebalance_function()> on_rebalance;  // makes one for a new upstream; may be empty
};

struct compile_failure {
    std::vector<config::diagnostic> problems;
    int exit_code = 1;  // at start
};

using compile_outcome = std::variant<std::shared_ptr<const compiled>, compile_failure>;

[[nodiscard]] compile_outcome compile(compile_input from);

// Only the part that touches no network: what `check` looks at after the loader.
[[nodiscard]] std::vector<config::diagnostic> check_files(const config::model& from,
                                                          const file_source& files);

// An upstream as text: two that read alike behave alike. Its place in the file is not part of it.
[[nodiscard]] std::string definition_of(const config::upstream& from);

}  // namespace penstock::app
