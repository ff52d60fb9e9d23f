#include "penstock/net/tls.hpp"

#include "unit/net/tls_ends.hpp"

#include <openssl/pem.h>

#include <ctime>

namespace penstock::net {
namespace {

using namespace test;

std::string server_message(const tls_server_options& options) {
    std::string message;
    EXPECT_FALSE(tls_context::server(options, message));
    return message;
}

std::string server_message(const std::string& chain, const std::string& key,
                           const std::string& version = "1.2") {
    tls_server_options options;
    options.certificates = {{chain, key, ""}};
    options.min_version = version;
    return server_message(options);
}

TEST(TlsContext, SaysWhatIsWrongWithACertificate) {
    const self_signed pair = certificate_for({"a.test"});
    EXPECT_EQ(server_message("", pair.key_pem),
              "certificate: no start line (Expecting: CERTIFICATE)");
    EXPECT_TRUE(server_message("no certificate", pair.key_pem).starts_with("certificate: "));
    const std::string cut = pair.certificate_pem.substr(0, pair.certificate_pem.size() / 2);
    EXPECT_TRUE(server_message(cut, pair.key_pem).starts_with("certificate: "));
    const std::string second = pair.certificate_pem + cut;
    EXPECT_TRUE(server_message(second, pair.key_pem).starts_with("certificate: "));
}

TEST(TlsContext, SaysWhatIsWrongWithAKey) {
    const self_signed pair = certificate_for({"a.test"});
    const self_signed other = certificate_for({"a.test"});
    EXPECT_TRUE(server_message(pair.certificate_pem, "").starts_with("private key: "));
    EXPECT_TRUE(
        server_message(pair.certificate_pem, pair.certificate_pem).starts_with("private key: "));
    EXPECT_NE(server_message(pair.certificate_pem, other.key_pem).find("key values mismatch"),
              std::string::npos);
}

// With a terminal at hand OpenSSL would ask it for the password and hang.
TEST(TlsContext, RefusesAnEncryptedKeyWithoutAsking) {
    const self_signed pair = certificate_for({"a.test"});
    BIO* const plain = BIO_new_mem_buf(pair.key_pem.data(), static_cast<int>(pair.key_pem.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(plain, nullptr, nullptr, nullptr);
    BIO* const locked = BIO_new(BIO_s_mem());
    char password[] = "secret";
    PEM_write_bio_PKCS8PrivateKey(locked, key, EVP_aes_128_cbc(), password, 6, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(locked, &data);
    const std::string text(data, static_cast<std::size_t>(size));
    BIO_free(plain);
    BIO_free(locked);
    EVP_PKEY_free(key);
    EXPECT_TRUE(server_message(pair.certificate_pem, text).starts_with("private key: "));
}

TEST(TlsContext, RefusesAVersionThatItDoesNotKnow) {
    const self_signed pair = certificate_for({"a.test"});
    for (const char* version : {"", "1.1", "1.4", "TLSv1.2"}) {
        EXPECT_EQ(server_message(pair.certificate_pem, pair.key_pem, version),
                  "min_version has to be 1.2 or 1.3");
    }
}

TEST(TlsContext, RefusesTrustThatCannotBeRead) {
    std::string message;
    tls_client_options options;
    options.ca_pem = "nothing here";
    EXPECT_FALSE(tls_context::client(options, message));
    EXPECT_TRUE(message.starts_with("trusted certificates")) << message;
    const std::string whole = certificate_for({"a.test"}).certificate_pem;
    options.ca_pem = whole + whole.substr(0, whole.size() / 2);
    EXPECT_FALSE(tls_context::client(options, message));
    options.ca_pem = "# a comment\n" + whole + "# another\n" + whole;
    EXPECT_TRUE(tls_context::client(options, message)) << message;
    // Not looked at by a client that does not verify.
    options.ca_pem = "nothing here";
    options.verify = false;
    EXPECT_TRUE(tls_context::client(options, message)) << message;
}

TEST(TlsContext, RefusesProtocolsThatCannotBeOffered) {
    std::string message;
    tls_client_options options;
    options.verify = false;
    options.alpn.assign(1, std::string(255, 'a'));
    EXPECT_TRUE(tls_context::client(options, message));
    options.alpn.assign(1, std::string(256, 'a'));
    EXPECT_FALSE(tls_context::client(options, message));
    options.alpn = {""};
    EXPECT_FALSE(tls_context::client(options, message));
}

TEST(SelfSigned, IsValidForThirtyDays) {
    const self_signed pair = certificate_for({"a.test"});
    const auto end = certificate_not_after(pair.certificate_pem);
    ASSERT_TRUE(end);
    EXPECT_NEAR(static_cast<double>(*end), static_cast<double>(std::time(nullptr) + 30 * 86400),
                600);
}

TEST(SelfSigned, RefusesNamesThatAreNone) {
    EXPECT_FALSE(make_self_signed({}));
    EXPECT_FALSE(make_self_signed({""}));
    EXPECT_FALSE(make_self_signed({"a.test,IP:10.0.0.1"}));
    EXPECT_FALSE(make_self_signed({"a.test\nb"}));
    std::vector<std::string> long_name(1);
    long_name[0].resize(200, 'a');
    EXPECT_TRUE(make_self_signed(long_name));
}

TEST(CertificateNotAfter, NeedsACertificate) {
    EXPECT_FALSE(certificate_not_after(""));
    EXPECT_FALSE(certificate_not_after("nothing"));
    EXPECT_FALSE(certificate_not_after(certificate_for({"a.test"}).key_pem));
}

struct verify_case {
    const char* name;
    std::vector<std::string> certificate_names;
    const char* asked;
    bool trusted;
    error expected;
    const char* failure;
};

class TlsClientVerify : public ::testing::TestWithParam<verify_case> {};

TEST_P(TlsClientVerify, H7_ChecksChainAndName) {
    const verify_case& one = GetParam();
    const self_signed pair = certificate_for(one.certificate_names);
    tls_client_options options;
    options.ca_pem =
        one.trusted ? pair.certificate_pem : certificate_for({"other.test"}).certificate_pem;
    both_ends ends;
    ends.connect({server_of(pair), nothing}, {client_of(options), one.asked});
    EXPECT_EQ(ends.client.handshake.has_value(), !one.expected) << ends.client.failure;
    if (one.expected) {
        EXPECT_EQ(ends.client.handshake.error(), one.expected);
        EXPECT_EQ(ends.client.failure, one.failure);
        // The server hears why, in an alert.
        EXPECT_NE(ends.server.failure.find("alert"), std::string::npos) << ends.server.failure;
    }
}

INSTANTIATE_TEST_SUITE_P(
    All, TlsClientVerify,
    ::testing::Values(verify_case{"Name", {"site.test"}, "site.test", true, {}, ""},
                      verify_case{"NameInAnotherCase", {"site.test"}, "SITE.test", true, {}, ""},
                      verify_case{"NameWithADot", {"site.test"}, "site.test.", true, {}, ""},
                      verify_case{"SecondName", {"a.test", "site.test"}, "site.test", true, {}, ""},
                      verify_case{"Wildcard", {"*.site.test"}, "a.site.test", true, {}, ""},
                      verify_case{"Address", {"127.0.0.1"}, "127.0.0.1", true, {}, ""},
                      verify_case{"AddressV6", {"::1"}, "[::1]", true, {}, ""},
                      verify_case{"WildcardOfTwoLabels",
                                  {"*.site.test"},
                                  "a.b.site.test",
                                  true,
                                  errc::certificate_untrusted,
                                  "hostname mismatch"},
                      verify_case{"PartialWildcard",
                                  {"a*.site.test"},
                                  "ab.site.test",
                                  true,
                                  errc::certificate_untrusted,
                                  "hostname mismatch"},
                      verify_case{"WrongName",
                                  {"site.test"},
                                  "other.test",
                                  true,
                                  errc::certificate_untrusted,
                                  "hostname mismatch"},
                      verify_case{"WrongAddress",
                                  {"127.0.0.1"},
                                  "127.0.0.2",
                                  true,
                                  errc::certificate_untrusted,
                                  "IP address mismatch"},
                      verify_case{"AddressAsName",
                                  {"127.0.0.1"},
                                  "localhost",
                                  true,
                                  errc::certificate_untrusted,
                                  "hostname mismatch"},
                      verify_case{"WrongRoot",
                                  {"site.test"},
                                  "site.test",
                                  false,
                                  errc::certificate_untrusted,
                                  "self-signed certificate"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(TlsClient, TrustsTheSystemsRootsByDefault) {
    both_ends ends;
    ends.connect({server_of(certificate_for({"site.test"})), nothing},
                 {client_of({}), "site.test"});
    ASSERT_FALSE(ends.client.handshake);
    EXPECT_EQ(ends.client.handshake.error(), errc::certificate_untrusted);
}

TEST(TlsClient, TakesAnyCertificateWhenToldNotToVerify) {
    tls_client_options options;
    options.verify = false;
    for (const char* name : {"other.test", "10.0.0.1", ""}) {
        both_ends ends;
        ends.connect({server_of(certificate_for({"site.test"})), nothing},
                     {client_of(options), name});
        EXPECT_TRUE(ends.client.handshake) << name << ends.client.failure;
        EXPECT_EQ(ends.server.facts.server_name, *name == 'o' ? name : "");
    }
}

TEST(TlsClient, VerifiesNothingWithoutAName) {
    using namespace std::string_literals;
    const self_signed pair = certificate_for({"site.test"});
    tls_client_options options;
    options.ca_pem = pair.certificate_pem;
    for (const std::string& name : {""s, "site.test\0.evil"s}) {
        both_ends ends;
        ends.connect({server_of(pair), nothing}, {client_of(options), name});
        ASSERT_FALSE(ends.client.handshake);
        EXPECT_EQ(ends.client.handshake.error(), errc::certificate_untrusted);
    }
}

}  // namespace
}  // namespace penstock::net
