// The keys of the `tls` sections.
#include "config/names.hpp"
#include "config/tables.hpp"
#include "config/text.hpp"

namespace penstock::config {

namespace {

table<certificate> certificate_table() {
    return {.rows = {
                file("cert", &certificate::cert, "PEM file with the certificate chain, leaf first.")
                    .example("tls/site.pem")
                    .required(),
                file("key", &certificate::key, "PEM file with the private key.")
                    .example("tls/site.key")
                    .required(),
                file("ocsp", &certificate::ocsp,
                     "DER file with an OCSP response, stapled for clients that ask.")
                    .example("tls/site.ocsp"),
            }};
}

table<ticket_keys> tickets_table() {
    return {.rows = {
                file("secret_file", &ticket_keys::secret_file,
                     "File of at least 32 bytes from which ticket keys are derived, so that "
                     "restarts and a fleet resume each other's sessions; by default random for "
                     "each process.")
                    .example("tls/ticket.secret"),
                duration("rotate", &ticket_keys::rotate, {second, 12 * hour},
                         "How often ticket keys change; a ticket is good for two periods at most."),
            }};
}

rows<listener_tls> client_rows() {
    using part = listener_tls;
    return {
        file("client_ca", &part::client_ca,
             "PEM bundle against which client certificates are verified.")
            .example("tls/clients.pem"),
        choice("client_auth", &part::client,
               {{"required", client_auth::required}, {"optional", client_auth::optional}},
               "With `client_ca`: whether a client has to show a certificate.")
            .standard("required")
            .when([](const part& of) { return of.client != client_auth::none; }),
        file("client_crl", &part::client_crl,
             "PEM bundle of revocation lists, one for each authority of `client_ca`.")
            .example("tls/clients.crl"),
    };
}

void check_client_auth(const section& from, listener_tls& to) {
    if (from.find("client_ca") != nullptr) {
        to.client = to.client == client_auth::none ? client_auth::required : to.client;
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

void check_upstream_tls(const section& from, upstream_tls& to) {
    if (from.find("cert") != nullptr) {
        from.require("key");
    }
    if (from.find("key") != nullptr) {
        from.require("cert");
    }
    if (!to.server_name.empty()) {
        const parsed<std::string> host = parse_host_pattern(to.server_name);
        if (!host.value.has_value() || host.value->starts_with('*')) {
            from.in().error(*from.find("server_name"),
                            in_quotes(to.server_name) + " is not a host name");
        }
    }
    if (!to.verify) {
        from.in().warn(*from.find("verify"), "certificates of this upstream are not verified");
    }
}

// `false` takes back what a listener inherits.
short_form<listener_tls> no_tls() {
    return {.read = [](reader& in, const yaml_node& node, listener_tls&) {
        const std::optional<bool> on = boolean_of(in, node);
        if (on.value_or(false)) {
            in.error(node, "TLS needs 'certificates'",
                     "as in 'tls: {certificates: [{cert: site.pem, key: site.key}]}'");
        }
        return false;
    }};
}

}  // namespace

table<listener_tls> listener_tls_table() {
    using part = listener_tls;
    table<part> out{
        .rows =
            {
                items("certificates", &part::certificates, certificate_table(),
                      "What the listener presents: by the client's SNI, exact or by wildcard; the "
                      "first is the default. A name may have an ECDSA and an RSA certificate.")
                    .within({1, 64})
                    .required(),
                flag("strict_sni", &part::strict_sni,
                     "Refuse clients that name no host, or one that no certificate is for."),
                choice("min_version", &part::min_version, "1.2|1.3",
                       "Lowest TLS version accepted."),
                text("ciphers", &part::ciphers,
                     "Ciphers of TLS 1.2 in OpenSSL's syntax; by default ECDHE with AES-GCM or "
                     "ChaCha20.")
                    .example("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"),
                text("suites", &part::suites,
                     "Cipher suites of TLS 1.3, in the same syntax; by default all three.")
                    .example("TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"),
                text("groups", &part::groups,
                     "Groups for the key exchange; by default `X25519:P-256:P-384`, with "
                     "X25519MLKEM768 before them where OpenSSL has it.")
                    .example("X25519:P-256:P-384"),
                size("record_size", &part::record_size, {kibibyte, 16 * kibibyte},
                     "Most plaintext in a record we send. A client can use no byte of a record "
                     "before all of it came: 4KiB shows first bytes sooner over slow links, 16KiB "
                     "costs least."),
                group("tickets", &part::tickets, tickets_table(), "Keys of session tickets."),
            },
        .check = check_client_auth,
        .brief = no_tls(),
    };
    for (row<part>& one : client_rows()) {
        out.rows.push_back(std::move(one));
    }
    return out;
}

table<upstream_tls> upstream_tls_table() {
    using part = upstream_tls;
    return {
        .rows =
            {
                flag("verify", &part::verify, "Verify chain and name of the origin's certificate."),
                file("ca", &part::ca, "PEM bundle of trusted roots; by default the system's.")
                    .example("tls/ca.pem"),
                text("server_name", &part::server_name,
                     "Name sent as SNI and verified; by default the endpoint's host.")
                    .example("app.internal"),
                file("cert", &part::cert,
                     "PEM file with a certificate chain for origins that ask for one.")
                    .example("tls/penstock.pem"),
                file("key", &part::key, "PEM file with its private key.")
                    .example("tls/penstock.key"),
            },
        .check = check_upstream_tls,
        .brief =
            short_form<part>{.read = [](reader& in, const yaml_node& node,
                                        part&) { return boolean_of(in, node).value_or(false); }},
    };
}

}  // namespace penstock::config
