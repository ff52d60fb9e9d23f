// What every request runs through takes nothing from the heap once it has been used. This replaces
// the global allocation functions of the whole test program by counting ones.
#include "penstock/proxy/access_log.hpp"
#include "penstock/proxy/metrics.hpp"
#include "penstock/proxy/router.hpp"
#include "proxy/http_date.hpp"
#include "proxy/request_id.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

namespace {

thread_local std::size_t allocations = 0;

}  // namespace

// Not inlined: GCC takes a free() of what `new` gave for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    void* const made = std::malloc(size > 0 ? size : 1);
    if (made == nullptr)
        throw std::bad_alloc();
    return made;
}

// As std::stable_sort takes its buffer, to give it back by the ones below.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size > 0 ? size : 1);
}

[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }

[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace penstock::proxy {
namespace {

template <class Action>
std::size_t allocations_of(Action action) {
    const std::size_t before = allocations;
    action();
    return allocations - before;
}

TEST(Allocations, AreCounted) {
    std::string text;
    EXPECT_EQ(allocations_of([&] { text.resize(1000); }), 1U);
}

TEST(Allocations, RouterFindsWithoutAny) {
    std::vector<config::route> routes(3);
    routes[0].match.hosts = {"a.very.long.host.name.of.a.test", "*.wild.card.of.some.length.test"};
    routes[0].match.path_kind = config::path_match::prefix;
    routes[0].match.path = "/a/path/that/fits/no/small/string/";
    routes[1].match.methods = {"A-METHOD-OF-THIRTY-TWO-BYTES-LEN"};
    routes[2].match.headers = {{"x-a-field-with-a-long-name", "a value that is long as well"}};
    const router under_test(routes);
    http::request_head head;
    head.method_text = "GET";
    head.fields.add("X-A-Field-With-A-Long-Name", "a value that is long as well");
    for (const std::string host :
         {"a.very.long.host.name.of.a.test:8080", "x.wild.card.of.some.length.test", "other"}) {
        head.authority = host;
        head.path = "/a/path/that/fits/no/small/string/" + std::string(1000, 'x');
        EXPECT_EQ(allocations_of([&] { EXPECT_TRUE(under_test.find(head)); }), 0U) << host;
    }
}

exchange::record some_record() {
    exchange::record made;
    made.status = 200;
    made.ledger.start(time_point(1s), exchange::phase::head);
    made.ledger.finish(time_point(2s));
    made.path = std::string(1000, 'p');
    return made;
}

TEST(Allocations, CountingTakesNoneAfterTheFirstOfAName) {
    worker_metrics metrics;
    const exchange::record of = some_record();
    metrics.count(of);
    EXPECT_EQ(allocations_of([&] { metrics.count(of); }), 0U);
    EXPECT_EQ(allocations_of([&] { metrics.count_attempt({}); }), 0U);
}

TEST(Allocations, AnAccessLogEntryTakesNone) {
    access_log log(1);
    const exchange::record of = some_record();
    const config::access_log how;
    EXPECT_EQ(allocations_of([&] { log.write(of, how); }), 0U);
}

TEST(Allocations, RequestIdsAndDatesTakeNone) {
    request_id_maker maker;
    http_date date;
    std::string id;
    maker.make(id);
    EXPECT_EQ(allocations_of([&] { maker.make(id); }), 0U);
    EXPECT_EQ(allocations_of([&] { (void)date.at(wall_clock::time_point(7s)); }), 0U);
}

}  // namespace
}  // namespace penstock::proxy
