#include "net/tls_material.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

namespace penstock::net {
namespace {

// An encrypted key must fail, not ask the terminal for its password.
int no_password(char*, int, int, void*) { return 0; }

certificate_ptr next_certificate(BIO* from, OSSL_LIB_CTX* library) {
    // Null after a decoding that failed; as it was if there was nothing to decode.
    X509* made = X509_new_ex(library, nullptr);
    const bool read =
        made != nullptr && PEM_read_bio_X509(from, &made, no_password, nullptr) != nullptr;
    certificate_ptr owned(made);
    return read ? std::move(owned) : nullptr;
}

key_ptr read_key(const std::string& pem) {
    const bio_ptr text = bio_over(pem);
    return key_ptr(text ? PEM_read_bio_PrivateKey(text.get(), nullptr, no_password, nullptr)
                        : nullptr);
}

crl_ptr next_list(BIO* from, OSSL_LIB_CTX* library) {
    X509_CRL* made = X509_CRL_new_ex(library, nullptr);
    const bool read =
        made != nullptr && PEM_read_bio_X509_CRL(from, &made, no_password, nullptr) != nullptr;
    crl_ptr owned(made);
    return read ? std::move(owned) : nullptr;
}

// True if the latest failure only says that nothing more is there.
bool at_end() {
    const unsigned long last = ERR_peek_last_error();
    if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
        return false;
    ERR_clear_error();
    return true;
}

// Reads certificates to the end of the text. False if something there is not one.
template <class Take>
bool read_certificates(BIO* from, OSSL_LIB_CTX* library, Take take) {
    while (certificate_ptr next = next_certificate(from, library)) {
        if (!take(std::move(next)))
            return false;
    }
    return at_end();
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

std::string address_text(const ASN1_OCTET_STRING* of) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int size = ASN1_STRING_length(of);
    const int family = size == 4 ? AF_INET : AF_INET6;
    if ((size != 4 && size != 16) ||
        ::inet_ntop(family, ASN1_STRING_get0_data(of), text.data(), text.size()) == nullptr)
        return {};
    return text.data();
}

}  // namespace

bool use_chain(SSL_CTX* context, OSSL_LIB_CTX* library, const std::string& pem) {
    const bio_ptr text = bio_over(pem);
    const certificate_ptr leaf = text ? next_certificate(text.get(), library) : nullptr;
    if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
        return false;
    return read_certificates(text.get(), library, [context](certificate_ptr next) {
        if (SSL_CTX_add0_chain_cert(context, next.get()) != 1)
            return false;
        static_cast<void>(next.release());
        return true;
    });
}

bool use_key(SSL_CTX* context, OSSL_LIB_CTX* library, const std::string& pem) {
    const bio_ptr text = bio_over(pem);
    if (!text)
        return false;
    const key_ptr key(
        PEM_read_bio_PrivateKey_ex(text.get(), nullptr, no_password, nullptr, library, nullptr));
    return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
           SSL_CTX_check_private_key(context) == 1;
}

bool trust(SSL_CTX* context, OSSL_LIB_CTX* library, const std::string& pem) {
    if (pem.empty())
        return SSL_CTX_set_default_verify_paths(context) == 1;
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    // What the operator lists is trusted, be it a root, an intermediate or a server's own
    // certificate.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    const bio_ptr text = bio_over(pem);
    std::size_t count = 0;
    return text &&
           read_certificates(text.get(), library,
                             [store, &count](const certificate_ptr& next) {
                                 ++count;
                                 return X509_STORE_add_cert(store, next.get()) == 1;
                             }) &&
           count > 0;
}

bool name_client_authorities(SSL_CTX* context, const std::string& pem) {
    const bio_ptr text = bio_over(pem);
    return text && read_certificates(text.get(), nullptr, [context](const certificate_ptr& next) {
               return SSL_CTX_add_client_CA(context, next.get()) == 1;
           });
}

bool revoke(SSL_CTX* context, OSSL_LIB_CTX* library, const std::string& crl_pem) {
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    const std::vector<crl_ptr> lists = read_lists(crl_pem, library);
    if (lists.empty() || !at_end())
        return false;
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return std::all_of(lists.begin(), lists.end(), [store](const crl_ptr& each) {
        return X509_STORE_add_crl(store, each.get()) == 1;
    });
}

std::vector<crl_ptr> read_lists(const std::string& crl_pem, OSSL_LIB_CTX* library) {
    std::vector<crl_ptr> lists;
    const bio_ptr text = bio_over(crl_pem);
    while (crl_ptr next = text ? next_list(text.get(), library) : nullptr)
        lists.push_back(std::move(next));
    return lists;
}

certificate_ptr read_leaf(const std::string& pem) {
    const bio_ptr text = bio_over(pem);
    return text ? next_certificate(text.get(), nullptr) : nullptr;
}

bool is_private_key(const std::string& pem) { return read_key(pem) != nullptr; }

bool is_key_of(X509* certificate, const std::string& key_pem) {
    const key_ptr key = read_key(key_pem);
    return key && X509_check_private_key(certificate, key.get()) == 1;
}

std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    const general_names_ptr list(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; list && i < sk_GENERAL_NAME_num(list.get()); ++i) {
        const GENERAL_NAME* const one = sk_GENERAL_NAME_value(list.get(), i);
        std::string name;
        if (one->type == GEN_DNS) {
            const ASN1_IA5STRING* const text = one->d.dNSName;
            name = lower({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                          static_cast<std::size_t>(ASN1_STRING_length(text))});
        } else if (one->type == GEN_IPADD) {
            name = address_text(one->d.iPAddress);
        }
        // A name with a NUL in it is nobody's.
        if (!name.empty() && name.find('\0') == std::string::npos)
            names.push_back(std::move(name));
    }
    return names;
}

std::string subject_of(X509* certificate) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    if (!out ||
        X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) {
        ERR_clear_error();
        return {};
    }
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(std::max(size, 0L))};
}

std::optional<std::int64_t> seconds_of(const ASN1_TIME* time) {
    std::tm fields{};
    if (ASN1_TIME_to_tm(time, &fields) != 1)
        return std::nullopt;
    return static_cast<std::int64_t>(::timegm(&fields));
}

time_point end_of(X509* certificate, time_point now) {
    int days = 0;
    int seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate)) != 1)
        return now;
    // Certificates without an end have one in the year 9999.
    return now + std::chrono::hours(24) * std::min(days, 1) + std::chrono::seconds(seconds);
}

std::string openssl_failure(const std::string& what) {
    const std::string details = take_openssl_errors();
    return details.empty() ? what : what + ": " + details;
}

}  // namespace penstock::net
