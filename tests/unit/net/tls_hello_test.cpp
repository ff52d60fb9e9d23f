// A ClientHello's size is bounded, be it the first or the one that a HelloRetryRequest asked for.
#include "unit/net/tls_ends.hpp"

#include <openssl/err.h>

#include <string>

namespace penstock::net {
namespace {

using namespace test;

std::string record_of(const std::string& part) {
    return std::string{0x16, 3, 3, static_cast<char>(part.size() >> 8),
                       static_cast<char>(part.size() & 0xff)} +
           part;
}

// One below the bound is only refused for its end, one above for its size.
TEST(TlsHello, F8_IsBoundedBehindARetryToo) {
    const std::size_t headers = 2 * 5;
    const std::size_t bound = std::size_t{16} * 1024 - headers;
    const auto outcome = [bound](std::size_t size) {
        server_end server;
        return server.against(nothing, [size, bound](std::uint16_t port) {
            const raw_context context = raw_client_context();
            // The key share is of a group that the server does not take; it asks for the other.
            SSL_CTX_set1_groups_list(context.get(), "P-521:X25519");
            raw_client client(port, context.get());
            int steps = 0;
            ERR_clear_error();
            EXPECT_FALSE(client.handshake(0, [&] {
                if (++steps != 2)
                    return std::string();
                // Instead of the second hello one that announces 100,000 bytes.
                static_cast<void>(BIO_reset(SSL_get_wbio(client.ssl())));
                std::string hello{1, 1, static_cast<char>(0x86), static_cast<char>(0xa0)};
                hello.resize(size);
                client.transport().send(record_of(hello.substr(0, 16000)) +
                                        record_of(hello.substr(16000)));
                client.transport().half_close();
                return std::string();
            }));
            // The third step hears the alert.
            const bool above = size > bound;
            EXPECT_EQ(steps, above ? 3 : 2);
            EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()),
                      above ? SSL_AD_REASON_OFFSET + SSL_AD_ILLEGAL_PARAMETER : 0);
        });
    };
    const seen within = outcome(bound);
    EXPECT_EQ(within.handshake.error(), errc::end_of_stream) << within.failure;
    // No answer but the request for another hello has been given.
    EXPECT_EQ(within.phase, "server_answer");
    const seen above = outcome(bound + 1);
    EXPECT_EQ(above.handshake.error(), errc::too_large) << above.failure;
    EXPECT_EQ(above.why, tls_failure::hello_too_large);
    EXPECT_EQ(above.phase, "server_answer");
}

}  // namespace
}  // namespace penstock::net
