#include "penstock/proxy/handler.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

TEST(InstanceName, StaysTheSame) {
    const std::string& name = instance_name();
    ASSERT_EQ(name.size(), 17U);
    EXPECT_TRUE(name.starts_with("penstock-"));
    EXPECT_EQ(name.find_first_not_of("0123456789abcdef", 9), std::string::npos) << name;
    EXPECT_EQ(&instance_name(), &name);
}

TEST(Generation, FindsTheUpstreamOfEachRoute) {
    config::model model;
    model.upstreams.resize(2);
    model.upstreams[0].name = "one";
    model.upstreams[1].name = "two";
    model.routes.resize(3);
    model.routes[0].name = "second";
    model.routes[0].upstream = "two";
    model.routes[1].name = "fixed";
    model.routes[1].reply = config::respond{};
    model.routes[2].name = "first";
    model.routes[2].upstream = "one";
    const generation made(7, std::move(model));
    EXPECT_EQ(made.id, 7U);
    EXPECT_EQ(made.upstreams, (std::vector<std::size_t>{1, generation::npos, 0}));
    ASSERT_EQ(made.route_ids.size(), 3U);
    EXPECT_EQ(name_of(made.route_ids[0]), "second");
    EXPECT_EQ(name_of(made.route_ids[1]), "fixed");
    EXPECT_EQ(name_of(made.route_ids[2]), "first");
    EXPECT_EQ(made.via, instance_name());
}

}  // namespace
}  // namespace penstock::proxy
