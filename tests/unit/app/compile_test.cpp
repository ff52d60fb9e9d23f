#include "app/compile.hpp"

#include "penstock/app/app.hpp"
#include "penstock/net/tls.hpp"

#include <gtest/gtest.h>

namespace penstock::app {
namespace {

net::self_signed certificate() { return *net::make_self_signed({"a.test"}); }

// One TLS listener `web` and one upstream `app`.
config::model model_of(const std::string& address) {
    config::model made;
    config::listener& web = made.listeners.emplace_back();
    web.name = "web";
    web.bind.push_back({"127.0.0.1", 0});
    config::certificate files;
    files.cert = "web.pem";
    files.key = "web.key";
    files.where = {"a.yaml", 3, 7};
    web.tls.emplace().certificates.push_back(files);
    config::upstream& app = made.upstreams.emplace_back();
    app.name = "app";
    config::endpoint& endpoint = app.endpoints.emplace_back();
    endpoint.at = {address, 3000};
    endpoint.where = {"a.yaml", 5, 20};
    config::route& route = made.routes.emplace_back();
    route.name = "app";
    route.upstream = "app";
    return made;
}

class Compile : public testing::Test {
 protected:
    Compile() { embed(certificate()); }

    void embed(const net::self_signed& made) {
        files.embed("web.pem", made.certificate_pem);
        files.embed("web.key", made.key_pem);
    }
    compile_outcome run(config::model model) {
        compile_input input;
        input.model = std::move(model);
        input.number = ++number;
        input.workers = 2;
        input.before = before;
        input.files = &files;
        input.renews = renews;
        return compile(std::move(input));
    }
    std::shared_ptr<const compiled> succeed(config::model model) {
        const compile_outcome made = run(std::move(model));
        if (const auto* const failure = std::get_if<compile_failure>(&made)) {
            ADD_FAILURE() << failure->problems.front().message;
            return nullptr;
        }
        before = std::get<std::shared_ptr<const compiled>>(made);
        return before;
    }
    compile_failure fail(config::model model) {
        const compile_outcome made = run(std::move(model));
        const auto* const failure = std::get_if<compile_failure>(&made);
        EXPECT_NE(failure, nullptr);
        return failure != nullptr ? *failure : compile_failure();
    }

    file_source files;
    std::uint64_t number = 0;
    bool renews = false;
    std::shared_ptr<const compiled> before;
};

TEST_F(Compile, GivesEachWorkerAContextAndNamesAnId) {
    const auto made = succeed(model_of("127.0.0.1"));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->generation->id, 1U);
    EXPECT_EQ(made->listeners[0].contexts.size(), 2U);
    ASSERT_EQ(made->listeners[0].certificates.size(), 1U);
    EXPECT_EQ(made->listeners[0].certificates[0].file, "web.pem");
    EXPECT_GT(made->listeners[0].certificates[0].not_after, 1'700'000'000);
    EXPECT_EQ(name_of(made->upstreams[0].shared->id), "app");
    EXPECT_EQ(name_of(made->upstreams[0].shared->endpoints[0]->id), "127.0.0.1:3000");
    EXPECT_EQ(made->upstreams[0].shared->endpoints[0]->addresses[0].to_string(), "127.0.0.1:3000");
    EXPECT_TRUE(made->upstreams[0].tls.contexts.empty());
}

TEST_F(Compile, TakesOverWhatDidNotChange) {
    const auto first = succeed(model_of("127.0.0.1"));
    config::model model = model_of("127.0.0.1");
    model.routes[0].websocket = false;
    model.upstreams[0].where.line = 99;
    const auto second = succeed(model);
    EXPECT_NE(first->generation, second->generation);
    EXPECT_EQ(first->upstreams[0].shared, second->upstreams[0].shared);
    EXPECT_EQ(first->listeners[0].contexts, second->listeners[0].contexts);
}

TEST_F(Compile, MakesAnewWhatChanged) {
    const auto first = succeed(model_of("127.0.0.1"));
    embed(certificate());
    const auto second = succeed(model_of("127.0.0.2"));
    EXPECT_NE(first->upstreams[0].shared, second->upstreams[0].shared);
    EXPECT_NE(first->listeners[0].contexts, second->listeners[0].contexts);
}

TEST_F(Compile, SeesAChangedTrustBundle) {
    config::model model = model_of("127.0.0.1");
    model.upstreams[0].tls.emplace().ca = "roots.pem";
    files.embed("roots.pem", certificate().certificate_pem);
    const auto first = succeed(model);
    EXPECT_EQ(first->upstreams[0].tls.contexts.size(), 2U);
    const auto same = succeed(model);
    EXPECT_EQ(first->upstreams[0].shared, same->upstreams[0].shared);
    EXPECT_EQ(first->upstreams[0].tls.contexts, same->upstreams[0].tls.contexts);
    files.embed("roots.pem", certificate().certificate_pem);
    const auto changed = succeed(model);
    EXPECT_NE(first->upstreams[0].shared, changed->upstreams[0].shared);
}

TEST_F(Compile, ReportsABrokenCertificateAtItsPlace) {
    files.embed("web.pem", "not a certificate");
    const compile_failure got = fail(model_of("127.0.0.1"));
    EXPECT_EQ(got.exit_code, exit_config);
    ASSERT_EQ(got.problems.size(), 1U);
    EXPECT_EQ(got.problems[0].where.line, 3);
    EXPECT_EQ(got.problems[0].where.column, 7);
    EXPECT_TRUE(got.problems[0].message.starts_with("TLS of listener 'web': certificate"))
        << got.problems[0].message;
    EXPECT_EQ(check_files(model_of("127.0.0.1"), files).size(), 1U);
}

TEST_F(Compile, ReportsAKeyOfAnotherCertificate) {
    files.embed("web.key", certificate().key_pem);
    const compile_failure got = fail(model_of("127.0.0.1"));
    ASSERT_EQ(got.problems.size(), 1U);
    EXPECT_TRUE(got.problems[0].message.starts_with("TLS of listener 'web': private key"))
        << got.problems[0].message;
}

TEST_F(Compile, ReportsEveryProblemOfFilesAtOnce) {
    config::model model = model_of("127.0.0.1");
    model.listeners[0].tls->certificates[0].cert = "/nowhere/web.pem";
    model.upstreams[0].tls.emplace().ca = "/nowhere/roots.pem";
    const compile_failure got = fail(model);
    ASSERT_EQ(got.problems.size(), 2U);
    EXPECT_EQ(got.problems[0].message, "cannot read '/nowhere/web.pem': No such file or directory");
    EXPECT_EQ(got.problems[1].message,
              "cannot read '/nowhere/roots.pem': No such file or directory");
}

TEST_F(Compile, ReportsANameWithoutAddressAtItsEndpoint) {
    // A label of more than 63 bytes is refused before any server is asked.
    const compile_failure got = fail(model_of(std::string(64, 'a') + ".test"));
    EXPECT_EQ(got.exit_code, exit_runtime);
    ASSERT_EQ(got.problems.size(), 1U);
    EXPECT_EQ(got.problems[0].where.line, 5);
    EXPECT_TRUE(got.problems[0].message.starts_with("upstream 'app': no address for 'aaa"))
        << got.problems[0].message;
}

TEST_F(Compile, ReportsEveryNameWithoutAddressAtOnce) {
    const std::string label(64, 'a');
    config::model model = model_of(label + ".test");
    config::endpoint& second = model.upstreams[0].endpoints.emplace_back();
    second.at = {label + ".second", 80};
    second.where = {"a.yaml", 6, 4};
    // One that has an address does not hide what comes after it.
    model.upstreams.push_back(model.upstreams[0]);
    model.upstreams[1].name = "good";
    model.upstreams[1].endpoints.resize(1);
    model.upstreams[1].endpoints[0].at = {"127.0.0.1", 80};
    model.upstreams.push_back(model.upstreams[0]);
    model.upstreams[2].name = "other";
    model.upstreams[2].endpoints.resize(1);
    model.upstreams[2].endpoints[0].where = {"a.yaml", 9, 2};
    const compile_failure got = fail(std::move(model));
    EXPECT_EQ(got.exit_code, exit_runtime);
    ASSERT_EQ(got.problems.size(), 3U);
    EXPECT_EQ(got.problems[0].where.line, 5);
    EXPECT_EQ(got.problems[1].where.line, 6);
    EXPECT_EQ(got.problems[2].where.line, 9);
    EXPECT_TRUE(got.problems[2].message.starts_with("upstream 'other': no address for '"));
}

// What was compiled of an upstream whose name was known then, and is not any more: a label of more
// than 63 bytes never is.
std::shared_ptr<const compiled> renamed(const compiled& from, const std::string& to) {
    auto made = std::make_shared<compiled>(from);
    config::model model = from.generation->model;
    model.upstreams[0].endpoints[0].at.host = to;
    made->generation = std::make_shared<const proxy::generation>(1, std::move(model));
    return made;
}

TEST_F(Compile, RenewsWhatIsInTlsFilesWithoutANameServer) {
    config::model model = model_of("127.0.0.1");
    model.upstreams[0].tls.emplace().ca = "roots.pem";
    files.embed("roots.pem", certificate().certificate_pem);
    const auto first = succeed(model);
    ASSERT_TRUE(first);
    before = renamed(*first, std::string(64, 'a') + ".test");
    model = before->generation->model;
    EXPECT_EQ(fail(model).exit_code, exit_runtime);
    renews = true;
    embed(certificate());
    const auto server = succeed(model);
    ASSERT_TRUE(server);
    EXPECT_NE(server->listeners[0].contexts, first->listeners[0].contexts);
    EXPECT_EQ(server->upstreams[0].tls.contexts, first->upstreams[0].tls.contexts);
    files.embed("roots.pem", certificate().certificate_pem);
    const auto trust = succeed(model);
    ASSERT_TRUE(trust);
    EXPECT_EQ(trust->listeners[0].contexts, server->listeners[0].contexts);
    EXPECT_NE(trust->upstreams[0].tls.contexts, first->upstreams[0].tls.contexts);
    EXPECT_EQ(trust->upstreams[0].shared->endpoints[0]->addresses[0].to_string(), "127.0.0.1:3000");
    // Nothing is new: nothing of the upstream is made anew, its connections among it.
    const auto same = succeed(model);
    ASSERT_TRUE(same);
    EXPECT_EQ(same->upstreams[0].shared, trust->upstreams[0].shared);
}

// A staple that is no good is not worth a reload: certificates are served without it.
TEST_F(Compile, WarnsOfAStapleThatIsNone) {
    config::model model = model_of("127.0.0.1");
    model.listeners[0].tls->certificates[0].ocsp = "web.ocsp";
    files.embed("web.ocsp", "nothing");
    const auto made = succeed(model);
    ASSERT_TRUE(made);
    ASSERT_EQ(made->warnings.size(), 1U);
    EXPECT_EQ(made->warnings[0].severity, config::severity::warning);
    EXPECT_EQ(made->warnings[0].where.line, 3);
    EXPECT_EQ(made->warnings[0].message,
              "the OCSP response in 'web.ocsp' is not sent: it is not an OCSP response in DER");
    // At each load, since it is as true as it was.
    const auto again = succeed(model);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->warnings.size(), 1U);
}

TEST_F(Compile, ReportsEachCertificateAtItsOwnPlace) {
    config::model model = model_of("127.0.0.1");
    config::certificate second = model.listeners[0].tls->certificates[0];
    second.key = "other.key";
    second.where = {"a.yaml", 4, 7};
    model.listeners[0].tls->certificates.push_back(second);
    files.embed("other.key", certificate().key_pem);
    const compile_failure got = fail(model);
    ASSERT_EQ(got.problems.size(), 1U);
    EXPECT_EQ(got.problems[0].where.line, 4);
    EXPECT_TRUE(got.problems[0].message.starts_with("TLS of listener 'web': private key"))
        << got.problems[0].message;
}

TEST(UpstreamDefinition, DiffersWithEverySetting) {
    const config::upstream base = model_of("127.0.0.1").upstreams[0];
    const std::string text = definition_of(base);
    std::vector<config::upstream> others(9, base);
    others[0].endpoints[0].weight = 2;
    others[1].endpoints[0].at.port = 1;
    others[2].balance = config::balance::p2c;
    others[3].pool.connections = 1;
    others[4].pool.queue_timeout = std::chrono::milliseconds(1);
    others[5].timeouts.connect = std::chrono::milliseconds(1);
    others[6].keep.enabled = false;
    others[7].tls.emplace();
    others[8].name = "other";
    for (const config::upstream& one : others)
        EXPECT_NE(definition_of(one), text);
    config::upstream moved = base;
    moved.where = {"b.yaml", 1, 1};
    moved.endpoints[0].where = {"b.yaml", 2, 2};
    EXPECT_EQ(definition_of(moved), text);
}

}  // namespace
}  // namespace penstock::app
