#include "support/real_origin.hpp"

#include "support/scripted_origin.hpp"

#include <cstdlib>

namespace penstock::test {

namespace {

// A port that was free a moment ago; who takes it tries again when somebody was faster.
std::uint16_t free_port() { return refusing_port().port(); }

}  // namespace

nginx_origin::nginx_origin(std::string_view server) {
    for (int i = 0; i < 10; ++i) {
        if (start(server)) {
            return;
        }
    }
    throw test_error("nginx does not start: " + process_->err());
}

bool nginx_origin::start(std::string_view server) {
    port_ = free_port();
    const std::string text =
        "daemon off; master_process off; pid nginx.pid; error_log stderr notice;\n"
        "events { worker_connections 4096; }\n"
        "http { access_log off; keepalive_requests 1000000; default_type text/plain; root .;\n"
        "client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n"
        "uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"
        "server { listen 127.0.0.1:" +
        std::to_string(port_) + " backlog=4096;\n" + std::string(server) + "\n} }\n";
    dir_.write("nginx.conf", text);
    process_.emplace(std::vector<std::string>{"env", "PATH=/usr/sbin:/usr/bin:/bin", "nginx", "-e",
                                              "stderr", "-p", dir_.path() + "/", "-c",
                                              dir_.path("nginx.conf")});
    try {
        process_->wait_for(
            "getrlimit");  // its last line before it serves; the port is bound by then
        return true;
    } catch (const test_error&) {
        return false;
    }
}

node_origin::node_origin(std::string_view body, std::string_view setup, std::uint16_t port) {
    const std::string script =
        "const http = require('http');\n"
        "const server = http.createServer((request, response) => {\n" +
        std::string(body) + "\n});\n" + std::string(setup) + "\nserver.listen(" +
        std::to_string(port) +
        ", '127.0.0.1', () => console.log('port ' + server.address().port));\n";
    process_.emplace(std::vector<std::string>{"node", dir_.write("origin.js", script)});
    const std::string line = process_->wait_for("port ");
    port_ = static_cast<std::uint16_t>(std::atoi(line.c_str() + 5));
}

node_h2_origin::node_h2_origin(std::string_view body, std::string_view options,
                               std::uint16_t port) {
    const std::string script =
        "const http2 = require('http2');\n"
        "const server = http2.createServer(" +
        std::string(options) +
        ");\nserver.on('stream', (stream, headers) => {\n"
        "stream.on('error', () => {});\n" +
        std::string(body) + "\n});\nserver.listen(" + std::to_string(port) +
        ", '127.0.0.1', () => console.log('port ' + "
        "server.address().port));\n";
    process_.emplace(std::vector<std::string>{"node", dir_.write("origin.js", script)});
    const std::string line = process_->wait_for("port ");
    port_ = static_cast<std::uint16_t>(std::atoi(line.c_str() + 5));
}

}  // namespace penstock::test
