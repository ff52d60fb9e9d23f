// OpenSSL's callbacks find no memory: the handshake fails, or its session is dropped, and nothing
// is thrown across OpenSSL's own frames, which would end the process. Each allocation within a
// handshake fails in turn until none is left to fail.
#include "net/tls_context.hpp"
#include "unit/net/tls_ends.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local bool within = false;        // frames of OpenSSL's handshake are on the stack
thread_local long until_one_fails = -1;  // allocations within; below 0 none does

[[gnu::noinline]] void* allocate(std::size_t size) {
    if (within && until_one_fails >= 0 && until_one_fails-- == 0)
        throw std::bad_alloc();
    void* const made = std::malloc(size == 0 ? 1 : size);
    if (made == nullptr)
        throw std::bad_alloc();
    return made;
}

}  // namespace

// Not inlined: GCC takes a free() of what `new` gave for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) { return allocate(size); }
// As std::stable_sort takes its buffer, to give it back by the ones below.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* at) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept { std::free(at); }

namespace penstock::net {
namespace {

using namespace test;

// Told when OpenSSL's state machine begins, goes on, and is left.
void follow(const SSL*, int where, int) {
    if ((where & (SSL_CB_HANDSHAKE_START | SSL_CB_LOOP)) != 0)
        within = true;
    else if ((where & SSL_CB_EXIT) != 0)
        within = false;
}

// Sessions of TLS 1.3 come behind the handshake.
task<> read_to_end(stream& over, seen& into) {
    into.text = co_await read_bytes(over, std::string().max_size(), into.failed) + "to the end";
}

// One of the following, with the allocation of this number failing. True if there was none.
template <class Flow>
bool passes_without(long number, Flow flow) {
    until_one_fails = number;
    flow();
    within = false;
    const bool passed = until_one_fails >= 0;
    until_one_fails = -1;
    return passed;
}

TEST(TlsMemory, AServersHandshakeFailsWithoutIt) {
    const self_signed pair = certificate_for({"a.site.test", "another.name.of.the.site.test"});
    tls_server_options how;
    how.ticket_secret = std::string(32, 's');
    how.strict_sni = true;
    tls_client_options client;
    client.ca_pem = pair.certificate_pem;
    long failed = 0;
    for (bool passed = false; !passed; ++failed) {
        ASSERT_LT(failed, 1000);
        both_ends ends;
        server_plan plan{server_of(pair, how), nothing};
        for (const auto& site : plan.context->impl().sites)
            SSL_CTX_set_info_callback(site->context.get(), follow);
        passed = passes_without(failed, [&] {
            ends.connect(std::move(plan), {client_of(client), "another.name.of.the.site.test"});
        });
        EXPECT_EQ(ends.server.handshake.has_value(), passed) << failed << ends.server.failure;
        if (!passed) {
            EXPECT_EQ(name(ends.server.why), "internal_error") << failed << ends.server.failure;
        }
    }
    // The hello's name, the site's, and three keys of tickets at least.
    EXPECT_GT(failed, 5);
}

// An origin's session that cannot be kept is no reason to do without the origin.
TEST(TlsMemory, AClientsHandshakeFailsOrKeepsNoSessionWithoutIt) {
    const self_signed pair = certificate_for({"another.name.of.the.site.test"});
    tls_client_options how;
    how.ca_pem = pair.certificate_pem;
    long failed = 0;
    long refused = 0;
    for (bool passed = false; !passed; ++failed) {
        ASSERT_LT(failed, 1000);
        how.store = make_tls_session_store();
        const auto connect = [&](bool watched) {
            both_ends ends;
            client_plan plan{client_of(how), "another.name.of.the.site.test", read_to_end};
            if (watched)
                SSL_CTX_set_info_callback(plan.context->impl().context.get(), follow);
            ends.connect({server_of(pair), nothing}, std::move(plan));
            return ends.client;
        };
        passed = passes_without(failed, [&] {
            const seen got = connect(true);
            refused += got.handshake ? 0 : 1;
            // Neither was left by an exception.
            EXPECT_EQ(got.text, got.handshake ? "to the end" : "") << failed;
            EXPECT_NE(got.handshake ? error() : got.handshake.error(), error(errc::closed))
                << failed;
            EXPECT_FALSE(passed && !got.handshake) << got.failure;
        });
        // Whatever failed is forgotten.
        EXPECT_TRUE(connect(false).handshake);
    }
    EXPECT_GT(refused, 0);
    EXPECT_GT(failed, refused + 1);
}

}  // namespace
}  // namespace penstock::net
