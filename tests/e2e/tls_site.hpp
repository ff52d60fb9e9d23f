// What the end-to-end tests of TLS share: certificates of all kinds made by openssl, an authority
// with its revocation list, a proxy that presents them, and openssl and curl as its clients.
#pragma once

#include "support/certificate.hpp"
#include "support/probe.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace penstock::test {

inline void openssl(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{"openssl"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const command_result got = run(argv);
    if (got.status != exit_status{0, 0})
        throw test_error("openssl: " + got.err);
}

// A certificate of its own, with an RSA or an ECDSA key.
inline certificate_files make(const temp_dir& to, const std::string& file, const std::string& name,
                              const std::string& kind = "ec") {
    certificate_files made{to.path(file + ".pem"), to.path(file + ".key")};
    std::vector<std::string> arguments{"req",         "-x509",   "-nodes",
                                       "-days",       "2",       "-subj",
                                       "/CN=" + name, "-addext", "subjectAltName=DNS:" + name,
                                       "-out",        made.cert, "-keyout",
                                       made.key};
    if (kind == "rsa")
        arguments.insert(arguments.end(), {"-newkey", "rsa:2048"});
    else
        arguments.insert(arguments.end(), {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"});
    openssl(arguments);
    return made;
}

inline std::string entry(const certificate_files& of) {
    return "{cert: \"" + of.cert + "\", key: \"" + of.key + "\"}";
}

inline std::string site(const std::string& certificates, const std::string& tls = "",
                        const std::string& routes = "{respond: {body: pong}}",
                        const std::string& more = "") {
    return "workers: 2\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\", tls: {certificates: [" +
           certificates + "]" + tls + "}}}\nroutes: [" + routes + "]\n" + more;
}

// openssl s_client, told to speak HTTP/1 and to leave; what it printed.
inline std::string s_client(const daemon& of, std::vector<std::string> arguments) {
    const std::string port = std::to_string(of.port("web"));
    std::string command =
        "printf 'GET / HTTP/1.1\\r\\nHost: a.test\\r\\nConnection: close\\r\\n\\r\\n'"
        " | openssl s_client -connect 127.0.0.1:" +
        port + " -ign_eof -alpn http/1.1";
    for (const std::string& each : arguments)
        command += " " + each;
    const command_result got = run({"sh", "-c", command + " 2>&1"}, 20s);
    return got.out;
}

inline std::vector<std::string> https(const daemon& of, const std::string& host,
                                      std::vector<std::string> more = {}) {
    const std::string port = std::to_string(of.port("web"));
    std::vector<std::string> arguments{"-k", "--resolve", host + ":" + port + ":127.0.0.1",
                                       "https://" + host + ":" + port + "/"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

struct authority {
    explicit authority(const temp_dir& in) : dir(in), root(make(in, "root", "clients-ca")) {}
    // A certificate that it has signed.
    certificate_files issue(const std::string& name, const std::string& days = "2") const {
        certificate_files made{dir.path(name + ".pem"), dir.path(name + ".key")};
        const std::string request = dir.path(name + ".csr");
        openssl({"req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-subj", "/CN=" + name, "-keyout", made.key, "-out", request});
        openssl({"x509", "-req", "-in", request, "-CA", root.cert, "-CAkey", root.key, "-days",
                 days, "-CAcreateserial", "-out", made.cert});
        return made;
    }
    const temp_dir& dir;
    certificate_files root;
};

// openssl's own small authority keeps the list.
class revocations {
 public:
    explicit revocations(const authority& of) : of_(of), path_(of.dir.path("crl.pem")) {
        of.dir.write("index.txt", "");
        of.dir.write("number", "01\n");
        settings_ = of.dir.write(
            "ca.cnf", "[ca]\ndefault_ca = one\n[one]\ndatabase = " + of.dir.path("index.txt") +
                          "\ncrlnumber = " + of.dir.path("number") + "\ndefault_md = sha256\n");
    }
    void revoke(const certificate_files& one) const { call({"-revoke", one.cert}); }
    // A list of what is revoked by now, in the place of the one before.
    void publish(const std::string& hours = "48") const {
        call({"-gencrl", "-crlhours", hours, "-out", path_ + ".new"});
        std::filesystem::rename(path_ + ".new", path_);
    }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
    void call(const std::vector<std::string>& what) const {
        std::vector<std::string> arguments{"ca"};
        arguments.insert(arguments.end(), what.begin(), what.end());
        arguments.insert(arguments.end(),
                         {"-config", settings_, "-cert", of_.root.cert, "-keyfile", of_.root.key});
        openssl(arguments);
    }
    const authority& of_;
    std::string path_;
    std::string settings_;
};

// A file with the response of openssl's small responder for a certificate that it knows, or not.
inline std::string response_for(const authority& of, const certificate_files& leaf,
                                bool known = true) {
    const std::string request = leaf.cert + ".req";
    const std::string response = leaf.cert + (known ? ".ocsp" : ".unknown.ocsp");
    std::string index;
    if (known) {
        const std::string serial =
            run({"openssl", "x509", "-in", leaf.cert, "-noout", "-serial"}).out;
        const std::size_t begin = serial.find('=') + 1;
        index = "V\t491231235959Z\t\t" + serial.substr(begin, serial.find('\n') - begin) +
                "\tunknown\t/CN=leaf\n";
    }
    openssl({"ocsp", "-issuer", of.root.cert, "-cert", leaf.cert, "-reqout", request});
    openssl({"ocsp", "-index", of.dir.write("responses.txt", index), "-CA", of.root.cert,
             "-rsigner", of.root.cert, "-rkey", of.root.key, "-reqin", request, "-respout",
             response, "-ndays", "1"});
    return response;
}

}  // namespace penstock::test
