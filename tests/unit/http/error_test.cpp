#include "penstock/http/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace penstock::http {
namespace {

TEST(HttpError, HasAMessageOfItsOwn) {
    std::set<std::string> seen;
    for (int value = 1; value <= static_cast<int>(errc::connection_breach); ++value) {
        const error each = static_cast<errc>(value);
        EXPECT_TRUE(each);
        EXPECT_EQ(each, static_cast<errc>(value));
        EXPECT_NE(each.message(), "unknown error") << value;
        EXPECT_TRUE(seen.insert(each.message()).second) << each.message();
    }
    EXPECT_EQ(std::string(category().name()), "http");
    EXPECT_EQ(category().message(0), "unknown error");
    EXPECT_EQ(category().message(static_cast<int>(errc::connection_breach) + 1), "unknown error");
}

TEST(HttpError, OfAnotherCategoryIsAnother) {
    EXPECT_NE(error(errc::bad_method), error(2, boost::system::system_category()));
}

}  // namespace
}  // namespace penstock::http
