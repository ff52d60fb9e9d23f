#include "support/certificate.hpp"

#include "support/wait.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <memory>

namespace penstock::test {

namespace {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* value) const noexcept {
        Free(value);
    }
};
using key_pointer = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_pointer = std::unique_ptr<X509, freed_by<X509_free>>;
using bio_pointer = std::unique_ptr<BIO, freed_by<BIO_free>>;

void expect(bool ok, const char* what) {
    if (!ok) {
        throw test_error(std::string("certificate: ") + what);
    }
}

void add_extension(X509* to, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, to, to, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
    expect(extension != nullptr, "extension");
    X509_add_ext(to, extension, -1);
    X509_EXTENSION_free(extension);
}

certificate_pointer make_certificate(EVP_PKEY* key, const std::string& name) {
    certificate_pointer out(X509_new());
    X509_set_version(out.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(out.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(out.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(out.get()), 86400);
    X509_set_pubkey(out.get(), key);
    X509_NAME* const subject = X509_get_subject_name(out.get());
    const auto* const text = reinterpret_cast<const unsigned char*>(name.c_str());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(out.get(), subject);
    add_extension(out.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(out.get(), NID_subject_alt_name, "DNS:" + name + ",IP:127.0.0.1");
    expect(X509_sign(out.get(), key, EVP_sha256()) > 0, "sign");
    return out;
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace

certificate_files write_certificate(const temp_dir& to, std::string_view dns_name) {
    const std::string name(dns_name);
    const key_pointer key(EVP_EC_gen("P-256"));
    expect(key != nullptr, "key");
    const certificate_pointer certificate = make_certificate(key.get(), name);
    const bio_pointer cert_text(BIO_new(BIO_s_mem()));
    const bio_pointer key_text(BIO_new(BIO_s_mem()));
    expect(PEM_write_bio_X509(cert_text.get(), certificate.get()) == 1, "write");
    expect(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) == 1,
           "write key");
    certificate_files made{to.write(name + ".pem", text_of(cert_text.get())),
                           to.write(name + ".key", text_of(key_text.get()))};
    // As a key has to be: `check` warns of one that every user can read.
    expect(::chmod(made.key.c_str(), 0600) == 0, "chmod");
    return made;
}

}  // namespace penstock::test
