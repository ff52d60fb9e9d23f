// The router: which route a request belongs to. Built once per generation from the configuration,
// immutable, pure; a look-up allocates nothing and costs the same with ten routes or ten thousand
// hosts. It doesn't know what a route does.
//
// Most specific wins, compared in this order: host (exact, then the longest wildcard, then any),
// path (exact, then the longest prefix, then any), methods given, number of header predicates,
// listeners given, scheme given.
// Routes that are equal in all of it are an error of the configuration (config/check_routes).
#pragma once

#include "penstock/base/names.hpp"
#include "penstock/config/model.hpp"
#include "penstock/http/message.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace penstock::proxy {

class router {
 public:
    // Keeps a copy of what it needs.
    explicit router(const std::vector<config::route>& routes);
    router(router&&) noexcept;
    ~router();

    // The index of the route; nothing if none matches. `listener` is the name of the one that the
    // request came to.
    [[nodiscard]] std::optional<std::size_t> find(const http::request_head& head,
                                                  name_id listener = no_name) const {
        return find(head, head.path, listener);
    }
    // As if `path`, which is in normal form, were the head's.
    [[nodiscard]] std::optional<std::size_t> find(const http::request_head& head,
                                                  std::string_view path, name_id listener) const;

 private:
    struct table;
    std::unique_ptr<table> table_;
};

}  // namespace penstock::proxy
