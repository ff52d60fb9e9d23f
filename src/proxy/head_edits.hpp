// head_edits: what a route does to heads, in the order remove, set, add; its texts are cut into
// their pieces once per generation. A text whose variables come to nothing is not sent.
#pragma once

#include "penstock/config/model.hpp"
#include "proxy/text_pattern.hpp"

#include <string>
#include <vector>

namespace penstock::proxy {

class head_edits {
 public:
    head_edits(const config::header_edits& from, config::text_place at);

    [[nodiscard]] bool empty() const noexcept {
        return remove_.empty() && set_.empty() && add_.empty();
    }
    // `Host` among the set fields rewrites the authority that the origin sees; http::errc::bad_host
    // if it is none. `scratch` is used for values with variables.
    [[nodiscard]] result<void> apply(http::request_head& head, const text_facts& of,
                                     std::string& scratch) const;
    // Strict-Transport-Security is left out for clients without TLS (RFC 6797 §7.2).
    void apply(http::response_head& head, const text_facts& of, std::string& scratch) const;

    // Adds the names of the request's fields that the values read.
    void add_fields_read(std::vector<std::string>& to) const;

 private:
    struct edit {
        std::string name;
        text_pattern value;
        bool secure_only = false;
        // Where a URL begins that variables must not lead to another host; npos = nowhere.
        std::size_t url_at = std::string::npos;
    };
    static std::vector<edit> edits_of(const std::vector<config::header_value>& from,
                                      config::text_place at);
    void remove_and_set(http::fields& fields, const text_facts& of, std::string& scratch) const;
    void add_all(http::fields& fields, const text_facts& of, std::string& scratch) const;
    [[nodiscard]] static std::string_view value_of(const edit& one, const text_facts& of,
                                                   std::string& scratch);
    [[nodiscard]] static bool passes(const edit& one, const text_facts& of) noexcept;

    std::vector<std::string> remove_;
    std::vector<edit> set_;
    std::vector<edit> add_;
};

}  // namespace penstock::proxy
