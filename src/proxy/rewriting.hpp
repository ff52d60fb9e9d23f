// rewriting: what a route changes of path and host before a request goes to its origin. Prefixes
// are found in the path's normal form; what stands behind one is forwarded as it came. The result
// is read like any path that comes: what could be read in two ways is refused.
#pragma once

#include "penstock/config/model.hpp"
#include "proxy/text_pattern.hpp"

#include <optional>
#include <string>
#include <vector>

namespace penstock::proxy {

class rewriting {
 public:
    explicit rewriting(const config::route& from);

    // An http::errc if what comes out is no path, or no host.
    [[nodiscard]] result<void> apply(http::request_head& head, const text_facts& of,
                                     std::string& scratch) const;

    // Adds the names of the request's fields that the texts read.
    void add_fields_read(std::vector<std::string>& to) const;

 private:
    [[nodiscard]] result<void> replace_prefix(http::request_head& head, std::string& scratch) const;

    bool has_prefix_ = false;
    bool whole_segments_ = false;  // nothing is done where the prefix ends within a segment
    std::string prefix_;           // both without the slash at their ends
    std::string replacement_;
    std::optional<text_pattern> path_;
    std::optional<text_pattern> host_;
};

}  // namespace penstock::proxy
