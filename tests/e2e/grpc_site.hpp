// A real gRPC server behind a real penstock, and what calls it.
#pragma once

#include "support/daemon.hpp"
#include "support/h2_frames.hpp"
#include "support/process.hpp"

#include <cstdlib>
#include <string>
#include <vector>

namespace penstock::test {

// By the C++ library, or by Python's.
enum class grpc_library { cpp, python };

inline std::vector<std::string> grpc_peer(grpc_library of) {
    if (of == grpc_library::cpp)
        return {PENSTOCK_GRPC_PEER};
    return {"/usr/bin/python3", std::string(PENSTOCK_SOURCE_DIR) + "/tests/grpc/grpc_peer.py"};
}

class grpc_server {
 public:
    explicit grpc_server(grpc_library by = grpc_library::cpp) : process_(command(by)) {
        port_ = std::atoi(process_.wait_for("port ").c_str() + 5);
    }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] process& running() noexcept { return process_; }

 private:
    static std::vector<std::string> command(grpc_library by) {
        std::vector<std::string> all = grpc_peer(by);
        all.push_back("server");
        return all;
    }
    process process_;
    int port_ = 0;
};

inline std::string grpc_target(const daemon& proxy) {
    return "127.0.0.1:" + std::to_string(proxy.port("web"));
}

inline command_result grpc_call(const daemon& proxy, const std::string& mode,
                                const std::string& count = "1") {
    return run({PENSTOCK_GRPC_PEER, mode, grpc_target(proxy), count});
}

// The head of a call.
inline h2::field_list grpc_head(const h2::field_list& more = {},
                                const std::string& path = "/test/Echo") {
    h2::field_list fields =
        h2::post(path, {{"content-type", "application/grpc"}, {"te", "trailers"}});
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
}

}  // namespace penstock::test
