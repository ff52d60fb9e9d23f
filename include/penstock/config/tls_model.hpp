// The `tls` sections of the configuration model; all paths are absolute, or as the file's reader
// resolved them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace penstock::config {

// A place in a configuration file; lines and columns count from 1, 0 means "not from a file".
struct location {
    std::string file;
    int line = 0;
    int column = 0;
};

struct certificate {
    std::string cert;  // path of a PEM chain
    std::string key;   // path of a PEM key
    std::string ocsp;  // path of a DER response to staple; empty = none
    location where;
};

struct ticket_keys {
    std::string secret_file;  // empty = a random secret for each process
    std::chrono::seconds rotate{3600};
};

enum class client_auth { none, optional, required };

struct listener_tls {
    std::vector<certificate> certificates;
    std::string min_version = "1.2";
    std::string ciphers;  // of TLS 1.2, and suites of TLS 1.3; empty = the default list
    std::string suites;
    std::string groups;
    bool strict_sni = false;
    std::size_t record_size = std::size_t{16} * 1024;  // plaintext in a record we send, at most
    ticket_keys tickets;
    client_auth client = client_auth::none;
    std::string client_ca;   // paths of PEM bundles
    std::string client_crl;  // empty = revocation is not looked at
};

struct upstream_tls {
    bool verify = true;
    std::string ca;           // path of a PEM bundle; empty = the system's trust store
    std::string server_name;  // SNI and verified name; empty = the endpoint's host
    std::string cert;         // paths of a PEM chain and key to show; empty = none
    std::string key;
};

}  // namespace penstock::config
