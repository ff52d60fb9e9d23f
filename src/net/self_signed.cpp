// make_self_signed: the certificate of `penstock demo` and of tests.
#include "net/openssl.hpp"
#include "penstock/net/endpoint.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>

namespace penstock::net {
namespace {

constexpr long hour = 3600;
constexpr long valid_for = 30 * 24 * hour;

bool set_serial(X509* to) {
    std::array<unsigned char, 16> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
        return false;
    // Positive and not zero (RFC 5280 §4.1.2.2).
    random[0] = static_cast<unsigned char>((random[0] & 0x3f) | 0x40);
    const std::unique_ptr<BIGNUM, freed_by<BN_free>> number(
        BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr));
    return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(to)) != nullptr;
}

bool add_extension(X509* to, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, to, to, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>> made(
        X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
    return made && X509_add_ext(to, made.get(), -1) == 1;
}

// The SAN as OpenSSL's configuration syntax wants it. Empty if a name would say more than a name.
std::string alternative_names(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) {
        const auto address = socket_address::parse(name, 0);
        const std::string text = address ? address->host() : name;
        if (text.empty() || text.find_first_of(",\n\r\\\"") != std::string::npos)
            return {};
        list += list.empty() ? "" : ",";
        list += (address ? "IP:" : "DNS:") + text;
    }
    return list;
}

bool name_subject(X509* to, const std::string& name) {
    X509_NAME* const subject = X509_get_subject_name(to);
    // A common name has at most 64 characters; nobody reads it where there are alternative names.
    const std::string text = name.substr(0, 64);
    const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes,
                                      static_cast<int>(text.size()), -1, 0) == 1 &&
           X509_set_issuer_name(to, subject) == 1;
}

certificate_ptr make_certificate(EVP_PKEY* key, const std::vector<std::string>& names) {
    certificate_ptr made(X509_new());
    X509* const to = made.get();
    const std::string alternatives = alternative_names(names);
    // Clocks differ, so it is valid from an hour ago.
    const bool done = to != nullptr && !alternatives.empty() && X509_set_version(to, 2) == 1 &&
                      set_serial(to) &&
                      X509_gmtime_adj(X509_getm_notBefore(to), -hour) != nullptr &&
                      X509_gmtime_adj(X509_getm_notAfter(to), valid_for) != nullptr &&
                      X509_set_pubkey(to, key) == 1 && name_subject(to, names.front()) &&
                      add_extension(to, NID_basic_constraints, "critical,CA:FALSE") &&
                      add_extension(to, NID_key_usage, "critical,digitalSignature") &&
                      add_extension(to, NID_ext_key_usage, "serverAuth,clientAuth") &&
                      add_extension(to, NID_subject_alt_name, alternatives) &&
                      X509_sign(to, key, EVP_sha256()) > 0;
    if (!done)
        made.reset();
    return made;
}

template <class Write>
std::string pem_of(Write write) {
    const bio_ptr text(BIO_new(BIO_s_mem()));
    if (!text || write(text.get()) != 1)
        return {};
    char* data = nullptr;
    const long size = BIO_get_mem_data(text.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace

result<self_signed> make_self_signed(const std::vector<std::string>& names) {
    ERR_clear_error();
    const key_ptr key(EVP_EC_gen("P-256"));
    const certificate_ptr certificate =
        key && !names.empty() ? make_certificate(key.get(), names) : nullptr;
    self_signed made;
    if (certificate) {
        made.certificate_pem =
            pem_of([&](BIO* to) { return PEM_write_bio_X509(to, certificate.get()); });
        made.key_pem = pem_of([&](BIO* to) {
            return PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
    }
    ERR_clear_error();
    if (made.certificate_pem.empty() || made.key_pem.empty())
        return error(errc::tls_failed);
    return made;
}

}  // namespace penstock::net
