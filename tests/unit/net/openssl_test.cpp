// Library contexts, and certificates that are read into them.
#include "net/tls_material.hpp"
#include "penstock/net/tls.hpp"

#include <openssl/err.h>

#include <gtest/gtest.h>

#include <string>

namespace penstock::net {
namespace {

TEST(LibraryOf, IsOnesOwnAndStays) {
    OSSL_LIB_CTX* const first = library_of(0);
    OSSL_LIB_CTX* const second = library_of(1);
    if (first == nullptr || second == nullptr)
        GTEST_SKIP() << "OpenSSL's configuration here suits one context only";
    EXPECT_NE(first, second);
    EXPECT_EQ(library_of(0), first);
    EXPECT_EQ(library_of(1), second);
}

// Of each kind of text: what is whole, what ends too early, and what is no DER within its PEM.
TEST(LibraryOf, TakesWholeCertificatesOnly) {
    const result<self_signed> made = make_self_signed({"a.test"});
    ASSERT_TRUE(made);
    const std::string& good = made->certificate_pem;
    std::string broken = good;
    const std::size_t at = broken.find('\n') + 10;
    broken.replace(at, 8, "AAAAAAAA");
    const std::string cut = good.substr(0, good.size() / 2);
    OSSL_LIB_CTX* const library = library_of(0);
    const ssl_context_ptr context(SSL_CTX_new_ex(library, nullptr, TLS_server_method()));
    ASSERT_NE(context, nullptr);
    EXPECT_TRUE(use_chain(context.get(), library, good));
    EXPECT_TRUE(use_key(context.get(), library, made->key_pem));
    for (const std::string& bad : {broken, cut, good + broken, good + cut, std::string()}) {
        EXPECT_FALSE(use_chain(context.get(), library, bad)) << bad;
        ERR_clear_error();
        if (!bad.empty()) {
            EXPECT_FALSE(trust(context.get(), library, bad)) << bad;
        }
        ERR_clear_error();
        EXPECT_FALSE(revoke(context.get(), library, bad)) << bad;
        ERR_clear_error();
    }
    EXPECT_FALSE(use_key(context.get(), library, "no key"));
    ERR_clear_error();
}

}  // namespace
}  // namespace penstock::net
