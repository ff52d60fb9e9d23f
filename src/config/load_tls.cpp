// The `tls` sections of listeners.
#include "config/loaders.hpp"
#include "config/text.hpp"
#include "config/values.hpp"

namespace penstock::config {

namespace {

void read_file(const section& from, std::string_view key, std::string& to) {
    if (const yaml_node* const node = from.find(key); node != nullptr) {
        to = readable_file(from.in(), *node).value_or("");
    }
}

certificate load_certificate(reader& in, const yaml_node& node, const std::string& path) {
    const section from(in, node, path);
    from.require("cert");
    from.require("key");
    certificate out;
    out.where = in.at(node);
    read_file(from, "cert", out.cert);
    read_file(from, "key", out.key);
    read_file(from, "ocsp", out.ocsp);
    return out;
}

void load_client_auth(const section& from, listener_tls& to) {
    read_file(from, "client_ca", to.client_ca);
    read_file(from, "client_crl", to.client_crl);
    std::string asked = "required";
    from.read("client_auth", asked);
    to.client = asked == "optional" ? client_auth::optional : client_auth::required;
    if (from.find("client_ca") != nullptr) {
        return;
    }
    to.client = client_auth::none;
    for (const std::string_view key : {"client_auth", "client_crl"}) {
        if (const yaml_node* const node = from.find(key); node != nullptr) {
            from.in().error(*node, in_quotes(key) + " without 'client_ca'",
                            "certificates of clients are verified against 'client_ca'");
        }
    }
}

}  // namespace

std::optional<listener_tls> load_listener_tls(const section& listener_section) {
    const std::optional<section> from = listener_section.child("tls");
    if (!from.has_value()) {
        return std::nullopt;
    }
    listener_tls out;
    from->read("min_version", out.min_version);
    from->read("ciphers", out.ciphers);
    from->read("suites", out.suites);
    from->read("groups", out.groups);
    from->read("strict_sni", out.strict_sni);
    from->read("record_size", out.record_size);
    from->require("certificates");
    for (const yaml_node* const item : from->items("certificates")) {
        out.certificates.push_back(
            load_certificate(from->in(), *item, from->path_of("certificates") + "[]"));
    }
    if (const std::optional<section> tickets = from->child("tickets"); tickets.has_value()) {
        read_file(*tickets, "secret_file", out.tickets.secret_file);
        tickets->read("rotate", out.tickets.rotate);
    }
    load_client_auth(*from, out);
    return out;
}

}  // namespace penstock::config
