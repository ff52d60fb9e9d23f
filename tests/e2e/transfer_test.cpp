// Large bodies: every byte arrives, and memory stays where it was, whoever is slow.
#include "support/probe.hpp"
#include "support/real_origin.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

namespace penstock::test {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;
std::uint64_t body_size() { return (sanitized() ? 64 : 1024) * mib; }
constexpr std::uint64_t growth_max = 8 * mib;
constexpr milliseconds long_enough = 240s;

// Bytes without a period that chunking or buffering could hide behind.
void write_large_file(const std::string& path) {
    std::ofstream out(path, std::ios::binary);
    std::string block(mib, '\0');
    std::uint64_t state = 0x9e3779b97f4a7c15U;
    for (std::uint64_t i = 0; i < body_size() / mib; ++i) {
        for (std::size_t at = 0; at + 8 <= block.size(); at += 8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            std::memcpy(block.data() + at, &state, 8);
        }
        out.write(block.data(), static_cast<std::streamsize>(block.size()));
    }
}

std::string sha256_of(const std::string& shell_command) {
    const command_result got =
        run({"sh", "-c", shell_command + " | sha256sum | cut -d' ' -f1"}, long_enough);
    return got.out.substr(0, 64);
}

void expect_flat(const memory& before, pid_t pid) {
    const memory after = memory_of(pid);
    // A sanitizer keeps freed memory in quarantine, so resident memory says nothing there.
    if (!sanitized()) {
        EXPECT_LT(after.highest, before.resident + growth_max);
    }
}

class Transfer : public testing::Test {
 protected:
    void warm_up(daemon& proxy) {
        for (int i = 0; i < 20; ++i) {
            curl({"-o", "/dev/null", proxy.url("web", "/small")});
        }
        // The highest mark is taken from here on.
        std::ofstream("/proc/" + std::to_string(proxy.running().pid()) + "/clear_refs") << "5";
        before = memory_of(proxy.running().pid());
    }
    memory before;
};

TEST_F(Transfer, DownloadsAGibibyteUnchangedInConstantMemory) {
    nginx_origin origin("location / { sendfile on; }");
    write_large_file(origin.files().path("large"));
    origin.files().write("small", "small");
    daemon proxy(proxy_to(origin.address()));
    warm_up(proxy);
    const std::string expected = sha256_of("cat " + origin.files().path("large"));
    EXPECT_EQ(sha256_of("curl -sS --noproxy '*' " + proxy.url("web", "/large")), expected);
    expect_flat(before, proxy.running().pid());
}

TEST_F(Transfer, UploadsAGibibyteUnchangedInConstantMemory) {
    node_origin origin(
        "const hash = require('crypto').createHash('sha256');\n"
        "request.on('data', (piece) => hash.update(piece));\n"
        "request.on('end', () => response.end(hash.digest('hex')));");
    const temp_dir dir;
    write_large_file(dir.path("large"));
    daemon proxy(proxy_to(origin.address()));
    warm_up(proxy);
    const std::string expected = sha256_of("cat " + dir.path("large"));
    for (const std::string framing : {"Content-Length", "chunked"}) {
        const std::string header =
            framing == "chunked" ? "Transfer-Encoding: chunked" : "X-None: 1";
        const command_result sent = curl(
            {"-H", header, "-H", "Expect:", "-T", dir.path("large"), proxy.url("web", "/upload")},
            long_enough);
        EXPECT_EQ(sent.out, expected) << framing << " " << sent.err;
    }
    expect_flat(before, proxy.running().pid());
}

TEST_F(Transfer, HoldsConstantMemoryForAReaderOfOneMebibyteASecond) {
    nginx_origin origin("location / { sendfile on; }");
    write_large_file(origin.files().path("large"));
    origin.files().write("small", "small");
    daemon proxy(proxy_to(origin.address()));
    warm_up(proxy);
    // Cut by curl itself: the whole file would take longer than anybody wants to wait for a test.
    const command_result slow = curl({"--limit-rate", "1M", "--max-time", "6", "-o", "/dev/null",
                                      "-w", "%{size_download}", proxy.url("web", "/large")});
    EXPECT_EQ(slow.status.code, 28) << slow.err;
    EXPECT_GT(std::atof(slow.out.c_str()), 2.0 * mib);
    expect_flat(before, proxy.running().pid());
    const std::string line = proxy.running().wait_for("client_gone");
    EXPECT_GT(number_in(line, "client_blocked"), 2e6) << line;
}

}  // namespace
}  // namespace penstock::test
