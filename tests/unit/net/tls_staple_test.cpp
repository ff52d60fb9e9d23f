#include "net/tls_staple.hpp"

#include "net/tls_material.hpp"
#include "penstock/net/tls_check.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include <ctime>

namespace penstock::net {
namespace {

using basic_ptr = std::unique_ptr<OCSP_BASICRESP, freed_by<OCSP_BASICRESP_free>>;
using response_ptr = std::unique_ptr<OCSP_RESPONSE, freed_by<OCSP_RESPONSE_free>>;
using time_ptr = std::unique_ptr<ASN1_TIME, freed_by<ASN1_TIME_free>>;

// A certificate that is its own authority.
struct known {
    explicit known(const self_signed& from) : texts{from.certificate_pem, from.key_pem, ""} {
        leaf = read_leaf(texts.chain_pem);
        const bio_ptr text = bio_over(texts.key_pem);
        key.reset(PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr));
    }
    known() : known(*make_self_signed({"a.test"})) {}
    tls_certificate texts;
    certificate_ptr leaf;
    key_ptr key;
};

std::string der_of(OCSP_RESPONSE* of) {
    unsigned char* bytes = nullptr;
    const int size = i2d_OCSP_RESPONSE(of, &bytes);
    EXPECT_GT(size, 0);
    std::string made(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return made;
}

const std::time_t soon = std::time(nullptr) + 1000;

// About these certificates, until `end`; 0 = it does not say until when.
std::string response_about(const std::vector<const known*>& of, std::time_t end,
                           int status = V_OCSP_CERTSTATUS_GOOD) {
    const basic_ptr basic(OCSP_BASICRESP_new());
    const time_ptr now(ASN1_GENERALIZEDTIME_set(nullptr, soon - 1000));
    const time_ptr next(end != 0 ? ASN1_GENERALIZEDTIME_set(nullptr, end) : nullptr);
    for (const known* const each : of) {
        OCSP_CERTID* const id = OCSP_cert_to_id(nullptr, each->leaf.get(), each->leaf.get());
        const bool revoked = status == V_OCSP_CERTSTATUS_REVOKED;
        EXPECT_NE(OCSP_basic_add1_status(basic.get(), id, status, OCSP_REVOKED_STATUS_UNSPECIFIED,
                                         revoked ? now.get() : nullptr, now.get(), next.get()),
                  nullptr);
        OCSP_CERTID_free(id);
    }
    EXPECT_EQ(OCSP_basic_sign(basic.get(), of.front()->leaf.get(), of.front()->key.get(),
                              EVP_sha256(), nullptr, 0),
              1);
    const response_ptr whole(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
    return der_of(whole.get());
}

std::string refusal(const std::string& der, const known& of) {
    std::string why;
    EXPECT_FALSE(read_staple(der, of.leaf.get(), why));
    EXPECT_EQ(ERR_peek_error(), 0U);
    return why;
}

TEST(TlsStaple, IsGoodUntilItsNextUpdate) {
    const known one;
    std::string why;
    const std::string der = response_about({&one}, soon);
    const auto read = read_staple(der, one.leaf.get(), why);
    ASSERT_TRUE(read) << why;
    EXPECT_EQ(read->response, der);
    EXPECT_EQ(read->until, soon);
    EXPECT_TRUE(read->good_at(soon - 1));
    EXPECT_FALSE(read->good_at(soon));
    EXPECT_FALSE(read->good_at(soon + 1));
    const auto endless = read_staple(response_about({&one}, 0), one.leaf.get(), why);
    ASSERT_TRUE(endless) << why;
    EXPECT_TRUE(endless->good_at(soon * 100));
}

TEST(TlsStaple, SpeaksWellOfItsCertificate) {
    const known one;
    EXPECT_EQ(refusal(response_about({&one}, soon, V_OCSP_CERTSTATUS_REVOKED), one),
              "the certificate is revoked");
    EXPECT_EQ(refusal(response_about({&one}, soon, V_OCSP_CERTSTATUS_UNKNOWN), one),
              "its responder does not know the certificate");
}

// A clock may differ by a few minutes.
TEST(TlsStaple, IsNotOfATimeToCome) {
    const known one;
    std::string why;
    const auto read = read_staple(response_about({&one}, soon), one.leaf.get(), why);
    ASSERT_TRUE(read);
    const std::int64_t made = soon - 1000;
    EXPECT_EQ(read->from, made);
    EXPECT_TRUE(read->good_at(made - tls_staple::skew));
    EXPECT_FALSE(read->good_at(made - tls_staple::skew - 1));
}

TEST(TlsStaple, IsForItsOwnCertificateOnly) {
    const known one;
    const known other;
    EXPECT_EQ(refusal(response_about({&other}, soon), one), "it is about another certificate");
    std::string why;
    EXPECT_TRUE(read_staple(response_about({&other, &one}, soon), one.leaf.get(), why)) << why;
    // Serial numbers are an authority's own: another's may have the same one.
    const known twin(*make_self_signed({"b.test"}));
    EXPECT_EQ(X509_set_serialNumber(twin.leaf.get(), X509_get_serialNumber(one.leaf.get())), 1);
    EXPECT_GT(X509_sign(twin.leaf.get(), twin.key.get(), EVP_sha256()), 0);
    EXPECT_EQ(refusal(response_about({&twin}, soon), one), "it is about another certificate");
}

TEST(TlsStaple, IsASuccessfulResponse) {
    const known one;
    for (const int status : {OCSP_RESPONSE_STATUS_MALFORMEDREQUEST,
                             OCSP_RESPONSE_STATUS_INTERNALERROR, OCSP_RESPONSE_STATUS_TRYLATER,
                             OCSP_RESPONSE_STATUS_SIGREQUIRED, OCSP_RESPONSE_STATUS_UNAUTHORIZED}) {
        const response_ptr made(OCSP_response_create(status, nullptr));
        EXPECT_EQ(refusal(der_of(made.get()), one), OCSP_response_status_str(status));
    }
}

TEST(TlsStaple, IsWholeAndNothingElse) {
    const known one;
    const std::string whole = response_about({&one}, soon);
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(refusal(whole.substr(0, size), one), "it is not an OCSP response in DER") << size;
    EXPECT_EQ(refusal(whole + '\0', one), "it is not an OCSP response in DER");
    EXPECT_EQ(refusal("a text", one), "it is not an OCSP response in DER");
}

TEST(TlsCheck, SaysWhyAStapleIsNotSent) {
    known one;
    EXPECT_EQ(staple_problem(one.texts, soon), "");
    one.texts.ocsp = response_about({&one}, soon);
    EXPECT_EQ(staple_problem(one.texts, soon - 1), "");
    EXPECT_EQ(staple_problem(one.texts, soon), "it has expired");
    one.texts.ocsp = "x";
    EXPECT_EQ(staple_problem(one.texts, soon - 1), "it is not an OCSP response in DER");
}

TEST(TlsCheck, SaysWhatIsWrongWithAPair) {
    const known one;
    const known other;
    EXPECT_EQ(certificate_problem(one.texts), "");
    EXPECT_TRUE(certificate_problem({one.texts.chain_pem, other.texts.key_pem, ""})
                    .starts_with("private key: "));
    EXPECT_TRUE(certificate_problem({"", one.texts.key_pem, ""}).starts_with("certificate: "));
    const std::string cut = one.texts.chain_pem + other.texts.chain_pem.substr(0, 200);
    EXPECT_TRUE(certificate_problem({cut, one.texts.key_pem, ""}).starts_with("certificate: "));
    EXPECT_EQ(ERR_peek_error(), 0U);
}

std::string list_until(const known& of, std::time_t end) {
    const crl_ptr made(X509_CRL_new());
    X509_CRL_set_version(made.get(), 1);
    X509_CRL_set_issuer_name(made.get(), X509_get_subject_name(of.leaf.get()));
    const time_ptr now(X509_gmtime_adj(nullptr, 0));
    X509_CRL_set1_lastUpdate(made.get(), now.get());
    if (end != 0) {
        const time_ptr next(ASN1_TIME_set(nullptr, end));
        X509_CRL_set1_nextUpdate(made.get(), next.get());
    }
    EXPECT_GT(X509_CRL_sign(made.get(), of.key.get(), EVP_sha256()), 0);
    const bio_ptr out(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_X509_CRL(out.get(), made.get()), 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

TEST(TlsCheck, FindsTheListThatEndsFirst) {
    const known one;
    EXPECT_FALSE(revocation_list_end(""));
    EXPECT_FALSE(revocation_list_end(list_until(one, 0)));
    const auto end = revocation_list_end(list_until(one, soon + 5) + list_until(one, 0) +
                                         list_until(one, soon) + list_until(one, soon + 9));
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, soon);
    EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace penstock::net
