// The Priority field by itself: RFC 9218 §4, in the grammar of RFC 8941.
#include "http/h2_priority.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace penstock::http {
namespace {

struct field {
    std::string_view text;
    int urgency;
    bool incremental;
};

TEST(PriorityField, IsReadWhole) {
    for (const field& one : {
             field{"", 3, false},
             field{"u=0", 0, false},
             field{"u=7, i", 7, true},
             field{"  i=?1 ,\t u=2  ", 2, true},
             field{"i, i=?0", 3, false},
             field{"u=1, u=5", 5, false},
             field{"u=5;x=1;y, i;z=?0", 5, true},
             // Of other types, or without a meaning.
             field{"u=8", 3, false},
             field{"u=-1", 3, false},
             field{"u=10", 3, false},
             field{"u=03", 3, false},
             field{"u=002", 2, false},
             field{"u=1, u=9", 3, false},
             field{"u=1, u", 3, false},
             field{"i, i=1", 3, false},
             field{"u=1.5", 3, false},
             field{"u=?1, i=1", 3, false},
             field{"i=\"?1\", u=\"1\"", 3, false},
             field{"a=\"b,u=1\\\"\", u=2", 2, false},
             field{"a=token/1:2, u=2", 2, false},
             field{"a=:aGVsbG8=:, u=2", 2, false},
             field{"a=(1 \"x\" y;z);w, u=2", 2, false},
             field{"a=(), u=2", 2, false},
             field{"*k-1_2.3=*t, u=2", 2, false},
         }) {
        h2_priority into;
        read_priority(one.text, into);
        EXPECT_EQ(into.urgency, one.urgency) << one.text;
        EXPECT_EQ(into.incremental, one.incremental) << one.text;
    }
}

TEST(PriorityField, ThatIsNoneChangesNothing) {
    for (const std::string_view text : {"u=1,",
                                        "u=1,,i",
                                        ",u=1",
                                        "u=1 i",
                                        "u=",
                                        "=1",
                                        "U=1",
                                        "u=1, i=?2",
                                        "u=1, i=?",
                                        "u=1;",
                                        "u=1;A",
                                        "u=1, a=\"b",
                                        "u=1, a=\"b\\x\"",
                                        "u=1, a=:b",
                                        "u=1, a=(1",
                                        "u=1, a=(1\"x\")",
                                        "u=1, a=1234567890123456",
                                        "u=1, a=1.",
                                        "u=1, a=1.1234",
                                        "u=1, a=1234567890123.1",
                                        "u=1, a=-",
                                        "u=1, \x80",
                                        "u=1, a=@"}) {
        h2_priority into{5, true};
        read_priority(text, into);
        EXPECT_EQ(into.urgency, 5) << text;
        EXPECT_TRUE(into.incremental) << text;
    }
}

}  // namespace
}  // namespace penstock::http
