#include "app/tls_compile.hpp"

#include "app/file_states.hpp"
#include "penstock/base/clock.hpp"
#include "penstock/net/digest.hpp"
#include "penstock/net/tls_check.hpp"

#include <optional>
#include <utility>

namespace penstock::app {
namespace {

constexpr std::size_t secret_size_min = 32;

config::diagnostic problem(const config::location& where, std::string message) {
    config::diagnostic made;
    made.where = where;
    made.message = std::move(message);
    return made;
}

void report(const tls_input& with, const config::location& where, std::string message) {
    with.problems.push_back(problem(where, std::move(message)));
}

// Of one of the settings; `keys` lead to the `tls` section that has it.
void report(const tls_input& with, config::diagnostic made, std::vector<std::string> keys,
            const net::tls_fault& fault) {
    made.message += fault.message;
    made.hint = fault.hint;
    if (!fault.key.empty()) {
        made.keys = std::move(keys);
        made.keys.push_back(fault.key);
    }
    with.problems.push_back(std::move(made));
}

void doubt(const tls_input& with, const config::location& where, std::string message) {
    config::diagnostic made = problem(where, std::move(message));
    made.severity = config::severity::warning;
    with.doubts.push_back(std::move(made));
}

// Whoever has an account on the machine can then speak in the server's name.
void doubt_if_open(const tls_input& with, const config::location& where, const std::string& path,
                   std::vector<std::string> keys) {
    if (path.empty() || !with.files.readable_by_all(path))
        return;
    config::diagnostic made = problem(where, "every user of this machine can read '" + path + "'");
    made.severity = config::severity::warning;
    made.hint = "chmod o-r takes that away";
    made.keys = std::move(keys);
    with.doubts.push_back(std::move(made));
}

std::int64_t calendar_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(wall_clock::now().time_since_epoch())
        .count();
}

// Peers refuse it. One expired certificate must not keep all others from being served, and so it is
// no error, neither at start nor for `check`, which comes before a reload.
void doubt_if_over(const tls_input& with, const config::location& where, const std::string& path,
                   const std::string& pem) {
    const result<std::int64_t> end = net::certificate_not_after(pem);
    if (end && *end <= calendar_seconds())
        doubt(with, where, "the certificate in '" + path + "' has expired");
}

// Texts of a definition, each after its length, so that no two lists read alike.
void append(std::string& to, const std::string& text) {
    to += std::to_string(text.size()) + ":" + text + ";";
}

std::string sha256_of(const std::string& text) {
    net::sha256 hash;
    hash.update(text);
    return hash.finish();
}

// Reads what a listener's or an upstream's configuration names, and notes it in its definition.
class files_reader {
 public:
    files_reader(const tls_input& with, std::string& definition)
        : with_(with), definition_(definition) {}

    // No path: an empty text.
    std::string read(const config::location& where, const std::string& path) {
        if (path.empty()) {
            append(definition_, path);
            return {};
        }
        result<std::string> text = with_.files.read(path);
        if (!text) {
            report(with_, where, "cannot read '" + path + "': " + text.error().message());
            good_ = false;
            return {};
        }
        // Half a replacement must not turn a check off.
        if (text->empty()) {
            report(with_, where, "'" + path + "' is empty");
            good_ = false;
            return {};
        }
        append(definition_, path);
        // Keys are among them, so the texts themselves are not kept.
        append(definition_, sha256_of(*text));
        return std::move(*text);
    }
    [[nodiscard]] bool good() const noexcept { return good_; }

 private:
    const tls_input& with_;
    std::string& definition_;
    bool good_ = true;
};

net::tls_client_auth auth_of(config::client_auth of) noexcept {
    switch (of) {
        case config::client_auth::optional:
            return net::tls_client_auth::optional;
        case config::client_auth::required:
            return net::tls_client_auth::required;
        case config::client_auth::none:
            break;
    }
    return net::tls_client_auth::none;
}

// False if something cannot be read.
bool read_server(const config::listener& from, const tls_input& with,
                 net::tls_server_options& options, std::string& definition) {
    files_reader files(with, definition);
    for (const config::certificate& each : from.tls->certificates) {
        net::tls_certificate made;
        made.chain_pem = files.read(each.where, each.cert);
        made.key_pem = files.read(each.where, each.key);
        made.ocsp = files.read(each.where, each.ocsp);
        options.certificates.push_back(std::move(made));
    }
    options.client_ca_pem = files.read(from.where, from.tls->client_ca);
    options.client_crl_pem = files.read(from.where, from.tls->client_crl);
    options.ticket_secret = files.read(from.where, from.tls->tickets.secret_file);
    if (!files.good())
        return false;
    if (from.tls->tickets.secret_file.empty()) {
        options.ticket_secret = with.ticket_secret;
    } else if (options.ticket_secret.size() < secret_size_min) {
        config::diagnostic made = problem(
            from.where, "'" + from.tls->tickets.secret_file +
                            "' holds less than 32 bytes: a secret of " +
                            std::to_string(options.ticket_secret.size()) + " bytes can be guessed");
        made.keys = {"listeners", from.name, "tls", "tickets", "secret_file"};
        with.problems.push_back(std::move(made));
        return false;
    }
    return true;
}

// Each for itself, so that what is wrong has its own place. False if one cannot be used.
bool judge(const config::listener& from, const net::tls_server_options& options,
           const tls_input& with) {
    bool good = true;
    const std::vector<std::string> keys{"listeners", from.name, "tls"};
    for (const net::tls_fault& fault : net::server_faults(options)) {
        report(with, problem(from.where, "TLS of listener '" + from.name + "': "), keys, fault);
        good = false;
    }
    doubt_if_open(with, from.where, from.tls->tickets.secret_file,
                  {"listeners", from.name, "tls", "tickets", "secret_file"});
    for (std::size_t i = 0; i < options.certificates.size(); ++i) {
        const config::certificate& files = from.tls->certificates[i];
        const net::tls_certificate& texts = options.certificates[i];
        doubt_if_open(with, files.where, files.key,
                      {"listeners", from.name, "tls", "certificates", std::to_string(i), "key"});
        const std::string wrong = net::certificate_problem(texts);
        if (!wrong.empty()) {
            report(with, files.where, "TLS of listener '" + from.name + "': " + wrong);
            good = false;
            continue;
        }
        doubt_if_over(with, files.where, files.cert, texts.chain_pem);
        const std::string unfit = net::staple_problem(texts, calendar_seconds());
        if (!unfit.empty())
            doubt(with, files.where,
                  "the OCSP response in '" + files.ocsp + "' is not sent: " + unfit);
    }
    const result<std::int64_t> end = net::revocation_list_end(options.client_crl_pem);
    if (end && *end <= calendar_seconds())
        doubt(with, from.where,
              "a revocation list in '" + from.tls->client_crl +
                  "' has expired: clients' certificates are refused until there is a newer one");
    return good;
}

net::tls_server_options options_of(const config::listener& from) {
    net::tls_server_options options;
    options.min_version = from.tls->min_version;
    options.ciphers = from.tls->ciphers;
    options.suites = from.tls->suites;
    options.groups = from.tls->groups;
    options.strict_sni = from.tls->strict_sni;
    options.record_size = from.tls->record_size;
    options.ticket_scope = from.name;
    options.ticket_rotate = from.tls->tickets.rotate.count();
    options.client_auth = auth_of(from.tls->client);
    options.alpn.clear();
    if (from.h2)
        options.alpn.emplace_back("h2");
    // The second is for clients that offer nothing else: they get HTTP/1 as well.
    if (from.http1)
        options.alpn.insert(options.alpn.end(), {"http/1.1", "http/1.0"});
    return options;
}

bool trusts_system(const config::upstream& of) noexcept {
    return of.tls->verify && of.tls->ca.empty();
}

// OpenSSL reads the roots by itself, some of them when it needs them, and forgets none. So what
// they look like stands for what is in them.
std::string state_of_system_trust() {
    std::string text;
    for (const auto& [device, number, size, seconds, part] : look_at(net::system_trust()))
        text += std::to_string(device) + ' ' + std::to_string(number) + ' ' + std::to_string(size) +
                ' ' + std::to_string(seconds) + ' ' + std::to_string(part) + ' ';
    return text;
}

std::string definition_of(const net::tls_server_options& options) {
    std::string text;
    for (const std::string* const each : {&options.min_version, &options.ciphers, &options.suites,
                                          &options.groups, &options.ticket_scope})
        append(text, *each);
    for (const std::string& each : options.alpn)
        append(text, each);
    append(text, options.strict_sni ? "strict" : "");
    append(text, std::to_string(options.record_size));
    append(text, std::to_string(options.ticket_rotate));
    append(text, std::to_string(static_cast<int>(options.client_auth)));
    return text;
}

}  // namespace

std::vector<std::string> tls_files_of(const config::model& of) {
    std::vector<std::string> found;
    const auto add = [&found](const std::string& path) {
        if (!path.empty())
            found.push_back(path);
    };
    for (const config::listener& each : of.listeners) {
        if (!each.tls)
            continue;
        for (const config::certificate& files : each.tls->certificates) {
            add(files.cert);
            add(files.key);
            add(files.ocsp);
        }
        add(each.tls->client_ca);
        add(each.tls->client_crl);
        add(each.tls->tickets.secret_file);
    }
    bool system = false;
    for (const config::upstream& each : of.upstreams) {
        if (!each.tls)
            continue;
        add(each.tls->ca);
        add(each.tls->cert);
        add(each.tls->key);
        system = system || trusts_system(each);
    }
    if (system) {
        const std::vector<std::string> roots = net::system_trust();
        found.insert(found.end(), roots.begin(), roots.end());
    }
    return found;
}

listener_tls compile_tls(const config::listener& from, const listener_tls* before,
                         const tls_input& with) {
    listener_tls made;
    if (!from.tls || from.tls->certificates.empty())
        return made;
    net::tls_server_options options = options_of(from);
    made.definition = definition_of(options);
    if (!read_server(from, with, options, made.definition) || !judge(from, options, with))
        return made;
    if (before != nullptr && before->definition == made.definition)
        return *before;
    const config::location& where = from.tls->certificates.front().where;
    for (int i = 0; i < with.workers; ++i) {
        std::string message;
        options.worker = i;
        auto context = net::tls_context::server(options, message);
        if (!context) {
            report(with, where, "TLS of listener '" + from.name + "': " + message);
            return made;
        }
        made.contexts.push_back(std::move(*context));
    }
    for (std::size_t i = 0; i < options.certificates.size(); ++i) {
        if (const auto end = net::certificate_not_after(options.certificates[i].chain_pem))
            made.certificates.push_back({from.tls->certificates[i].cert, *end});
    }
    return made;
}

upstream_tls compile_tls(const config::upstream& from, const upstream_tls* before,
                         const tls_input& with) {
    upstream_tls made;
    if (!from.tls)
        return made;
    net::tls_client_options options;
    options.verify = from.tls->verify;
    options.alpn.clear();
    if (from.protocol != config::upstream_protocol::http1)
        options.alpn.emplace_back("h2");
    if (from.protocol != config::upstream_protocol::h2)
        options.alpn.emplace_back("http/1.1");
    append(made.definition, options.verify ? "verify" : "trust");
    for (const std::string& each : options.alpn)
        append(made.definition, each);
    if (trusts_system(from))
        append(made.definition, state_of_system_trust());
    files_reader files(with, made.definition);
    options.ca_pem = files.read(from.where, from.tls->ca);
    options.certificate_pem = files.read(from.where, from.tls->cert);
    options.key_pem = files.read(from.where, from.tls->key);
    if (!files.good())
        return made;
    if (const auto fault = net::client_fault(options)) {
        report(with, problem(from.where, "TLS of upstream '" + from.name + "': "),
               {"upstreams", from.name, "tls"}, *fault);
        return made;
    }
    doubt_if_open(with, from.where, from.tls->key, {"upstreams", from.name, "tls", "key"});
    if (!options.certificate_pem.empty())
        doubt_if_over(with, from.where, from.tls->cert, options.certificate_pem);
    if (before != nullptr && before->definition == made.definition)
        return *before;
    options.store = net::make_tls_session_store();
    for (int i = 0; i < with.workers; ++i) {
        std::string message;
        options.worker = i;
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
