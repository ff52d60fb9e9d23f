#include "app/tls_compile.hpp"

#include <optional>

namespace penstock::app {
namespace {

void report(const tls_input& with, const config::location& where, std::string message) {
    config::diagnostic made;
    made.where = where;
    made.message = std::move(message);
    with.problems.push_back(std::move(made));
}

std::optional<std::string> read(const tls_input& with, const config::location& where,
                                const std::string& path) {
    result<std::string> text = with.files.read(path);
    if (text)
        return std::move(*text);
    report(with, where, "cannot read '" + path + "': " + text.error().message());
    return std::nullopt;
}

// Texts of a definition, each after its length, so that no two lists read alike.
void append(std::string& to, const std::string& text) {
    to += std::to_string(text.size()) + ":" + text + ";";
}

}  // namespace

listener_tls compile_tls(const config::listener& from, const listener_tls* before,
                         const tls_input& with) {
    listener_tls made;
    if (!from.tls || from.tls->certificates.empty())
        return made;
    // One certificate for each listener in this release; the loader refuses more.
    const config::certificate& files = from.tls->certificates.front();
    const std::optional<std::string> chain = read(with, files.where, files.cert);
    const std::optional<std::string> key = read(with, files.where, files.key);
    if (!chain || !key)
        return made;
    net::tls_server_options options;
    options.certificate_pem = *chain;
    options.key_pem = *key;
    options.min_version = from.tls->min_version;
    options.alpn.clear();
    if (from.h2)
        options.alpn.emplace_back("h2");
    if (from.http1)
        options.alpn.emplace_back("http/1.1");
    append(made.definition, options.min_version);
    for (const std::string& each : options.alpn)
        append(made.definition, each);
    append(made.definition, *chain);
    append(made.definition, *key);
    append(made.definition, files.cert);
    if (before != nullptr && before->definition == made.definition)
        return *before;
    for (int i = 0; i < with.workers; ++i) {
        std::string message;
        auto context = net::tls_context::server(options, message);
        if (!context) {
            report(with, files.where, "TLS of listener '" + from.name + "': " + message);
            return made;
        }
        made.contexts.push_back(std::move(*context));
    }
    if (const auto end = net::certificate_not_after(*chain))
        made.certificates.push_back({files.cert, *end});
    return made;
}

upstream_tls compile_tls(const config::upstream& from, const upstream_tls* before,
                         const tls_input& with) {
    upstream_tls made;
    if (!from.tls)
        return made;
    net::tls_client_options options;
    options.verify = from.tls->verify;
    if (!from.tls->ca.empty()) {
        std::optional<std::string> roots = read(with, from.where, from.tls->ca);
        if (!roots)
            return made;
        options.ca_pem = std::move(*roots);
    }
    options.alpn.clear();
    if (from.protocol != config::upstream_protocol::http1)
        options.alpn.emplace_back("h2");
    if (from.protocol != config::upstream_protocol::h2)
        options.alpn.emplace_back("http/1.1");
    append(made.definition, options.verify ? "verify" : "trust");
    for (const std::string& each : options.alpn)
        append(made.definition, each);
    append(made.definition, options.ca_pem);
    if (before != nullptr && before->definition == made.definition)
        return *before;
    for (int i = 0; i < with.workers; ++i) {
        std::string message;
        auto context = net::tls_context::client(options, message);
        if (!context) {
            report(with, from.where, "TLS of upstream '" + from.name + "': " + message);
            return made;
        }
        made.contexts.push_back(std::move(*context));
    }
    return made;
}

}  // namespace penstock::app
