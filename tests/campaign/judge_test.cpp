// The judge itself: what it has to find, planted by hand.
#include "campaign/judge.hpp"
#include "campaign/path_reading.hpp"

#include <gtest/gtest.h>

namespace penstock::campaign {
namespace {

const std::string first = mark_of({7, 0});
const std::string last = mark_of({7, last_part});

std::string ask(const std::string& mark, const std::string& more = "") {
    return "GET /m/" + mark + " HTTP/1.1\r\nHost: a.test\r\n" + more + "\r\n";
}

std::string say(const std::string& mark, const std::string& body, const std::string& more = "") {
    return "HTTP/1.1 200 OK\r\nX-Mark: " + mark + "\r\n" + more +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

const std::string closes = "Connection: close\r\n";

class Judge : public testing::Test {
 protected:
    Judge() {
        sent_.index = 7;
        sent_.bytes = ask(first) + ask(last, closes);
        received_ = say(first, "one") + say(last, "two", closes);
        arrive(first, "one");
        arrive(last, "two");
    }
    void arrive(const std::string& mark, const std::string& body) {
        strict_reader reader(role::response, dialect::rfc);
        reader.feed(say(mark, body));
        while (reader.next() != event::message) {
        }
        arrived came{read_payload(ask(mark, "X-Route: other\r\n")).requests.at(0).request,
                     *find_mark(mark),
                     true,
                     {}};
        came.answered.bytes = say(mark, body);
        came.answered.response = reader.now();
        came.answered.whole = true;
        at_origin_.push_back(came);
    }
    verdict hold() {
        understood_ = read_payload(sent_.bytes);
        return judge({sent_, understood_, at_origin_, received_, ended_, false});
    }
    void expect_finding(std::string_view begins) {
        const verdict found = hold();
        bool seen = false;
        for (const std::string& each : found.findings)
            seen = seen || each.starts_with(begins);
        EXPECT_TRUE(seen) << testing::PrintToString(found.findings);
    }

    payload sent_;
    reading understood_;
    std::vector<arrived> at_origin_;
    std::string received_;
    ending ended_ = ending::closed;
};

TEST_F(Judge, AcquitsWhatIsRight) {
    const verdict found = hold();
    EXPECT_TRUE(found.findings.empty()) << testing::PrintToString(found.findings);
    EXPECT_TRUE(found.differences.empty());
    EXPECT_EQ(found.answers, 2);
}

TEST_F(Judge, SeesAnotherClientsAnswer) {
    received_ = say(first, mark_of({8, 0})) + say(last, "two", closes);
    expect_finding("another client's answer");
}

TEST_F(Judge, SeesSwappedAnswers) {
    received_ = say(last, "two") + say(first, "one", closes);
    expect_finding("the answer of another request");
}

TEST_F(Judge, SeesAnAnswerTooMany) {
    received_ = say(first, "one") + say(first, "one") + say(last, "two", closes);
    expect_finding("more answers than requests");
}

TEST_F(Judge, SeesAMissingAnswer) {
    received_ = say(first, "one");
    expect_finding("the connection ends without a word");
    received_.clear();
    expect_finding("no answer at all");
}

// What the client never finished has got its answer; the end of it all was the client's.
TEST_F(Judge, AcquitsAnEarlyAnswer) {
    sent_.bytes =
        ask(first) + "POST /m/" + last + " HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nab";
    at_origin_.pop_back();
    received_ = say(first, "one") +
                "HTTP/1.1 400 Bad Request\r\nProxy-Status: penstock; error=ambiguous_path\r\n"
                "Content-Length: 0\r\n\r\n";
    const verdict found = hold();
    EXPECT_TRUE(found.findings.empty()) << testing::PrintToString(found.findings);
    received_ = say(first, "one");
    expect_finding("the connection ends without a word: 1 of 1 answered, the last with 200");
}

TEST_F(Judge, SeesACutAnswer) {
    received_.pop_back();
    expect_finding("an answer is cut without a reason");
    received_.resize(20);
    expect_finding("the client's answers end within a head");
}

TEST_F(Judge, SeesAChangedAnswer) {
    received_ = say(first, "One") + say(last, "two", closes);
    expect_finding("the answer's body changed");
    received_ = say(first, "one") + say(last, "two", closes);
    received_.replace(9, 3, "201");
    expect_finding("the status changed");
}

TEST_F(Judge, SeesMalformedAnswers) {
    received_.insert(received_.find("X-Mark"), "X-A: b\n");
    expect_finding("the client's answers are malformed");
}

TEST_F(Judge, SeesARequestThatWasNotSent) {
    arrive(mark_of({7, hidden_part}), "three");
    expect_finding("the origin got a request that was not sent");
}

TEST_F(Judge, SeesARequestSentTwice) {
    at_origin_.insert(at_origin_.begin(), at_origin_.front());
    expect_finding("the origin got a request that was not sent");
}

TEST_F(Judge, SeesAChangedRequest) {
    at_origin_.front().request.first = "HEAD";
    expect_finding("the method changed");
    at_origin_.front().request.first = "GET";
    at_origin_.front().request.body = "more";
    expect_finding("the body changed");
}

TEST_F(Judge, SeesHowConnectionsEnd) {
    ended_ = ending::reset;
    expect_finding("the connection is reset");
    ended_ = ending::hangs;
    expect_finding("the connection hangs");
}

TEST_F(Judge, NotesWhatPenstockRefused) {
    received_ =
        "HTTP/1.1 400 Bad Request\r\nProxy-Status: penstock; error=http_request_error\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n";
    at_origin_.clear();
    const verdict found = hold();
    EXPECT_TRUE(found.findings.empty()) << testing::PrintToString(found.findings);
    ASSERT_EQ(found.differences.size(), 1U);
    EXPECT_EQ(explanation(found.differences.begin()->first), "");
}

TEST(CampaignMark, IsFoundWholeOnly) {
    const std::string mark = mark_of({0x1234, 3});
    EXPECT_EQ(find_mark("/m/" + mark + "/x"), (identity{0x1234, 3}));
    for (std::size_t at = 0; at < mark.size(); ++at) {
        std::string broken = mark;
        broken[at] = broken[at] == '0' ? '1' : '0';
        EXPECT_FALSE(find_mark(broken)) << broken;
        EXPECT_FALSE(find_mark(mark.substr(0, at))) << at;
    }
}

TEST_F(Judge, SeesAPathThatBecameAnother) {
    at_origin_.at(0).request.second = "/m/other";
    expect_finding("a path without dots changed");
}

TEST_F(Judge, SeesAPathOfAnotherRoute) {
    for (auto& [name, value] : at_origin_.at(0).request.fields)
        value = name == route_field ? "guard" : value;
    expect_finding("the path was taken for another route's");
}

TEST(PathReading, FindsWhatNamesAnotherResource) {
    struct {
        std::string_view sent;
        std::string_view arrived;
        std::string_view route;
        std::string_view fault;
    } const cases[] = {
        {"/m/a//b%2fc", "/m/a//b%2fc", "other", ""},
        {"/m/./a", "/m/a", "other", ""},
        {"//m/guard/a?q", "/m/guard/a?q", "guard", ""},
        {"http://a.test/m/one", "/m/one", "one", ""},
        {"/m/%6fne", "/m/%6fne", "one", ""},
        {"/m/a", "/m/b", "other", "a path without dots changed"},
        {"/m/a//b", "/m/a/b", "other", "a path without dots changed"},
        {"/m/%61/./b", "/m/a/b/", "other", "the path names another resource"},
        {"/m/a//../b", "/m/b", "other", "a path that readers disagree about was forwarded"},
        {"/m/a/../b/%2e/c", "/m/b/%2e/c", "other", "a dot segment was forwarded"},
        {"/m//guard/a", "/m//guard/a", "other", "the path was taken for another route's"},
        {"/m%2fguard/a", "/m%2fguard/a", "other",
         "an origin that reads escaped separators is asked for another route's path"},
        {"/m/a%5c..", "/m/a%5c..", "other",
         "an origin that reads escaped separators is asked for another route's path"},
    };
    for (const auto& one : cases)
        EXPECT_EQ(path_fault(one.sent, one.arrived, one.route), one.fault) << one.sent;
}

TEST(PathReading, KnowsWhatHasToBeRefused) {
    for (const char* const target :
         {"/m/a//../b", "/m/a%2f..", "/m/%2e%2f", "/m%2fguard/a", "/m/guard%5Copen/x", "/m%2fone"})
        EXPECT_EQ(reason_against_path(target), "a path with two readings") << target;
    for (const char* const target : {"/..", "/m/../../a", "//..", "/%2e%2e/a"})
        EXPECT_EQ(reason_against_path(target), "a target above the root") << target;
    for (const char* const target :
         {"/m/a//b", "/m/a%2fb", "/m/guard/a%2fb", "/m/a/..//b", "/m/a/./%2e/b", "*"})
        EXPECT_EQ(reason_against_path(target), "") << target;
}

TEST(CampaignPayload, FollowsFromSeedAndIndexAlone) {
    EXPECT_EQ(make_payload(1, 99).bytes, make_payload(1, 99).bytes);
    EXPECT_NE(make_payload(1, 99).bytes, make_payload(2, 99).bytes);
    const identity mark{99, 0};
    EXPECT_EQ(make_answer(1, mark, "GET").bytes, make_answer(1, mark, "GET").bytes);
}

struct reading_case {
    const char* name;
    std::string bytes;
    std::size_t requests;
    bool broken;
    bool partial;
};

class StrictReader : public testing::TestWithParam<reading_case> {};

TEST_P(StrictReader, ReadsItInOneWay) {
    const reading_case& of = GetParam();
    const reading whole = read_payload(of.bytes);
    EXPECT_EQ(whole.requests.size(), of.requests);
    EXPECT_EQ(!whole.fault.empty(), of.broken) << whole.fault;
    EXPECT_EQ(whole.partial, of.partial);
}

std::vector<reading_case> readings() {
    const std::string head = "POST /a HTTP/1.1\r\nHost: a.test\r\n";
    const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
    return {
        {"plain", "GET /a HTTP/1.1\r\n\r\n", 1, false, false},
        {"empty_line_before", "\r\nGET /a HTTP/1.1\r\n\r\n", 1, false, false},
        {"minor_version_above_1", "GET /a HTTP/1.9\r\n\r\n", 1, false, false},
        {"bare_lf", "GET /a HTTP/1.1\n\n", 0, true, false},
        {"blank_behind_a_size", chunked + "1 \r\na\r\n0\r\n\r\n", 0, true, false},
        {"two_empty_lines_before", "\r\n\r\nGET /a HTTP/1.1\r\n\r\n", 0, true, false},
        {"length", head + "Content-Length: 2\r\n\r\nhi", 1, false, false},
        {"length_too_short", head + "Content-Length: 1\r\n\r\nhi", 1, false, true},
        {"length_too_long", head + "Content-Length: 3\r\n\r\nhi", 0, false, true},
        {"length_twice", head + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", 0, true, false},
        {"length_signed", head + "Content-Length: +2\r\n\r\nhi", 0, true, false},
        {"length_and_coding", head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi", 0,
         true, false},
        {"chunks", chunked + "1\r\na\r\n0\r\n\r\n", 1, false, false},
        {"chunk_extension", chunked + "1;a=\"b\"\r\na\r\n0\r\nX: y\r\n\r\n", 1, false, false},
        {"chunk_too_long", chunked + "1\r\nab\r\n0\r\n\r\n", 0, true, false},
        {"chunk_with_bare_lf", chunked + "1\na\r\n0\r\n\r\n", 0, true, false},
        {"chunks_without_end", chunked + "1\r\na\r\n", 0, false, true},
        {"other_coding", head + "Transfer-Encoding: gzip\r\n\r\n", 0, true, false},
        {"space_before_colon", "GET /a HTTP/1.1\r\nHost : a\r\n\r\n", 0, true, false},
        {"folded", "GET /a HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 0, true, false},
        {"nul", std::string("GET /a HTTP/1.1\r\nHost: \0\r\n\r\n", 28), 0, true, false},
        {"close_ends_it", "GET /a HTTP/1.1\r\nConnection: x, Close\r\n\r\nGET /b", 1, false, false},
    };
}

INSTANTIATE_TEST_SUITE_P(All, StrictReader, testing::ValuesIn(readings()),
                         [](const auto& each) { return std::string(each.param.name); });

struct old_case {
    std::string name;
    std::string bytes;
    bool whole;
};

TEST(StrictReader, ReadsOriginsInTheOneWayThereIs) {
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::vector<old_case> cases{
        {"bare_lf", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", true},
        {"bare_lf_then_crlf", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", false},
        {"crlf_then_bare_lf", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\n", false},
        {"empty_line", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
        {"two_empty_lines", "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
        {"empty_line_of_the_other_kind", "\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
        {"blanks_behind_sizes", chunked + "1 \r\na\r\n0\t \r\n\r\n", true},
        {"sizes_with_bare_lf", chunked + "1\na\r\n0\r\n\r\n", false},
        {"minor_version", "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", true},
    };
    for (const old_case& of : cases) {
        for (const dialect spoken : {dialect::rfc, dialect::wire}) {
            strict_reader reader(role::response, spoken);
            reader.feed(of.bytes);
            event got = reader.next();
            while (got == event::head)
                got = reader.next();
            EXPECT_EQ(got == event::message, of.whole && spoken == dialect::rfc) << of.name;
        }
    }
}

}  // namespace
}  // namespace penstock::campaign
