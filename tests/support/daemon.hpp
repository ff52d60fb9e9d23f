// The penstock program under test: writes its configuration, starts it, and learns from its log
// where it listens. It says, on standard error:
//   listening on 127.0.0.1:PORT (listener NAME)     once for each bound socket
//   admin on 127.0.0.1:PORT
//   ready                                           when it serves
#pragma once

#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

// The program of this build, for tests of its command line.
[[nodiscard]] std::string penstock_binary();

class daemon {
 public:
    // Starts `penstock run -c FILE` with this configuration and waits until it is ready. Listeners
    // and admin bind port 0. Files the configuration names may be put into `directory()` of another
    // temp_dir by their full path.
    explicit daemon(std::string_view yaml);
    // Any command line after the program's name.
    explicit daemon(const std::vector<std::string>& arguments);

    // The `nth` port of a listener, counted from 0.
    [[nodiscard]] std::uint16_t port(std::string_view listener, int nth = 0) const;
    [[nodiscard]] std::uint16_t admin_port() const;
    // "http://127.0.0.1:PORT/path"
    [[nodiscard]] std::string url(std::string_view listener, std::string_view path = "/") const;
    [[nodiscard]] std::string admin_url(std::string_view path) const;

    // Replaces the configuration file; the caller then sends SIGHUP.
    void write_configuration(std::string_view yaml) const;
    [[nodiscard]] std::string configuration_path() const { return dir_.path("penstock.yaml"); }
    [[nodiscard]] process& running() noexcept { return *process_; }
    [[nodiscard]] const process& running() const noexcept { return *process_; }
    // SIGTERM and its end.
    exit_status stop(milliseconds limit = patience);

 private:
    void start(const std::vector<std::string>& arguments);

    temp_dir dir_;
    std::optional<process> process_;
};

}  // namespace penstock::test
