// TLS contexts from configuration: certificates, keys and trusted roots are read here, before
// anything of a running generation is touched. What is wrong with them becomes a diagnostic at the
// place of the configuration that names the file.
#pragma once

#include "app/file_source.hpp"
#include "penstock/admin/admin.hpp"
#include "penstock/config/load.hpp"
#include "penstock/net/tls.hpp"

#include <memory>
#include <string>
#include <vector>

namespace penstock::app {

// One context for each worker, because OpenSSL counts references with shared atomics.
using tls_contexts = std::vector<std::shared_ptr<net::tls_context>>;

struct listener_tls {
    std::string definition;  // all that it was made of; empty = plain
    tls_contexts contexts;   // empty = plain
    std::vector<admin::certificate_view> certificates;
};

struct upstream_tls {
    std::string definition;
    tls_contexts contexts;
};

struct tls_input {
    const file_source& files;
    int workers = 1;
    std::vector<config::diagnostic>& problems;
    // What can be served and should not be: errors where they are an error for `check`.
    std::vector<config::diagnostic>& doubts;
    std::string ticket_secret;  // of the process; for listeners without a file of their own
};

// The paths of a model's TLS files.
[[nodiscard]] std::vector<std::string> tls_files_of(const config::model& of);

// Those of `before` (may be null) if they were made of the same: then tickets stay good.
[[nodiscard]] listener_tls compile_tls(const config::listener& from, const listener_tls* before,
                                       const tls_input& with);
[[nodiscard]] upstream_tls compile_tls(const config::upstream& from, const upstream_tls* before,
                                       const tls_input& with);

}  // namespace penstock::app
