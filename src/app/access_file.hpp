// The file that access-log lines go to, or standard output. Nothing that happens to it is fatal: a
// full disk or a pipe without a reader costs lines, which are counted.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/net/socket.hpp"

#include <atomic>
#include <string>
#include <string_view>

namespace penstock::app {

class access_file {
 public:
    // "-" is standard output. Files are appended to, and made with mode 0640.
    [[nodiscard]] static result<access_file> open(const std::string& path);

    // Opens the path again, after a rotation; on failure the old file stays.
    [[nodiscard]] error reopen();
    // Whole lines. Waits for a reader of a pipe, but once `ending` is set no longer than a second
    // in all.
    [[nodiscard]] error write(std::string_view lines, const std::atomic<bool>& ending);
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
    access_file(std::string path, net::unique_fd fd);
    [[nodiscard]] error wait_writable(const std::atomic<bool>& ending);

    std::string path_;
    net::unique_fd fd_;
    bool pipe_ = false;      // a write may have to wait
    bool torn_ = false;      // the latest line was written in part
    int steps_at_end_ = 10;  // of 100 ms each
};

}  // namespace penstock::app
