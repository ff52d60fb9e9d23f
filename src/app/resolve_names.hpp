// Names of origins as addresses. Blocks, several names at a time, so that a name server that does
// not answer costs one time-out and not one for each name.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/config/model.hpp"
#include "penstock/net/endpoint.hpp"

#include <vector>

namespace penstock::app {

using addresses = std::vector<net::socket_address>;

// One result for each of `wanted`, in its order; addresses come sorted. Numeric hosts never block.
// What a name resolves to is never the address of a cloud's metadata service.
[[nodiscard]] std::vector<result<addresses>> resolve_names(
    const std::vector<config::address>& wanted);

}  // namespace penstock::app
