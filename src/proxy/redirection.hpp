// redirection: where a route sends its clients: a whole URL, or the request's own with some parts
// replaced. A change of scheme drops the port, unless the route names one; the default port of a
// scheme is not written. Where no host is known, or the variables for it come to nothing, it is a
// path on the host that was asked.
#pragma once

#include "penstock/config/model.hpp"
#include "proxy/text_pattern.hpp"

#include <optional>
#include <string>
#include <vector>

namespace penstock::proxy {

// Makes a path of a URL that was put together and has no host: "//path", "/\path", "https:///path".
// Browsers would take the beginning of the path for the host.
void stay_on_host(std::string& url);

class redirection {
 public:
    explicit redirection(const config::redirect& from);

    [[nodiscard]] int status() const noexcept { return status_; }
    // What stands in Location, replacing what `to` held.
    void write(const text_facts& of, std::string& to) const;
    // Adds the names of the request's fields that its texts read.
    void add_fields_read(std::vector<std::string>& to) const;

 private:
    void write_authority(const text_facts& of, std::string& to) const;

    int status_;
    bool whole_;
    text_pattern url_;
    std::string scheme_;  // empty = the request's
    std::string port_;    // empty = the request's
    text_pattern requests_port_;
    text_pattern host_;
    text_pattern path_;
    text_pattern query_;
    bool checks_host_;  // variables may make a host of it that is none
};

}  // namespace penstock::proxy
