// `penstock demo`: an origin, the proxy before it over http and https, and admin, in one process
// and without a file; prints what to try.
#include "app/commands.hpp"
#include "app/demo_origin.hpp"
#include "app/descriptor_limit.hpp"
#include "app/output.hpp"
#include "app/process.hpp"
#include "penstock/app/app.hpp"
#include "penstock/net/listener.hpp"
#include "penstock/net/tls.hpp"

namespace penstock::app {
namespace {

constexpr std::string_view certificate_path = "(demo certificate)";
constexpr std::string_view key_path = "(demo key)";
constexpr std::uint64_t connections_max = 5000;

struct demo_ports {
    std::uint16_t http = 8080;
    std::uint16_t https = 8443;
    std::uint16_t admin = 9901;
};

demo_ports ports_of(std::uint16_t base) {
    if (base == 0)
        return {};
    return {base, static_cast<std::uint16_t>(base + 1), static_cast<std::uint16_t>(base + 2)};
}

// The port, or 0 for a free one if another process listens there.
std::uint16_t port_or_free(std::uint16_t wanted, std::string_view what) {
    net::socket_address bound;
    const auto at = net::socket_address::parse("127.0.0.1", wanted);
    const auto opened = net::open_listeners(*at, 1, {}, bound);
    if (opened)
        return wanted;
    complain("demo: port " + std::to_string(wanted) + " for " + std::string(what) + ": " +
             opened.error().message() + "; taking a free one");
    return 0;
}

config::listener listener_on(std::string name, std::uint16_t port) {
    config::listener made;
    made.name = std::move(name);
    made.bind.push_back({"127.0.0.1", port});
    made.h2 = true;
    made.limit.connections = connections_max;
    return made;
}

config::model model_of(demo_ports ports, const net::socket_address& origin) {
    config::model made;
    made.listeners.push_back(listener_on("http", port_or_free(ports.http, "http")));
    made.listeners.push_back(listener_on("https", port_or_free(ports.https, "https")));
    config::certificate files;
    files.cert = certificate_path;
    files.key = key_path;
    made.listeners.back().tls.emplace().certificates.push_back(files);
    config::endpoint endpoint;
    endpoint.at = {origin.host(), origin.port()};
    config::upstream upstream;
    upstream.name = "demo";
    upstream.endpoints.push_back(endpoint);
    made.upstreams.push_back(upstream);
    config::route route;
    route.name = "demo";
    route.upstream = "demo";
    made.routes.push_back(route);
    made.admin.enabled = true;
    made.admin.bind = {"127.0.0.1", port_or_free(ports.admin, "admin")};
    return made;
}

std::string invitation(const process& running, const std::string& origin) {
    const std::string http = "http://" + running.bound_to("http");
    const std::string https = "https://" + running.bound_to("https");
    const std::string admin = "http://" + running.admin_bound_to();
    return "\nPenstock demo: an origin on " + origin + ", the proxy before it. Try:\n\n" +
           "  curl " + http + "/hello            # what the origin was asked\n" +
           "  curl --http2-prior-knowledge " + http + "/hello\n" + "  curl -d 'some text' " + http +
           "/post\n" + "  curl -o /dev/null " + http + "/bytes/100000000\n" + "  curl '" + http +
           "/slow?ms=800'\n" + "  curl -k " + https +
           "/hello        # HTTP/2; self-signed certificate, hence -k\n\n" + "  curl " + admin +
           "/metrics\n" + "  curl " + admin + "/status\n" + "  curl " + admin + "/readyz\n\n" +
           "or open " + http + "/ in a browser. Ctrl-C ends it.\n";
}

}  // namespace

int run_demo(const command& from) {
    process::block_signals();
    process_options options;
    options.descriptors = raise_descriptor_limit();
    const auto certificate = net::make_self_signed({"localhost", "127.0.0.1"});
    if (!certificate) {
        complain("demo: no certificate: " + certificate.error().message());
        return exit_runtime;
    }
    options.files.embed(std::string(certificate_path), certificate->certificate_pem);
    options.files.embed(std::string(key_path), certificate->key_pem);
    const auto origin = demo_origin::start();
    if (!origin) {
        complain("demo: the origin cannot listen: " + origin.error().message());
        return exit_os;
    }
    options.model = model_of(ports_of(from.port_base), (*origin)->bound());
    const process* running_now = nullptr;
    options.on_ready = [&] {
        static_cast<void>(print(invitation(*running_now, (*origin)->bound().to_string())));
    };
    process running(std::move(options));
    running_now = &running;
    return running.run();
}

}  // namespace penstock::app
