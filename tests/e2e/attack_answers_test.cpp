// Origins that answer what no origin should: unasked, too much, too little, in two readings. What
// the client sees is one reading of it or a visible end, and the next exchange knows nothing of it.
#include "e2e/attack_site.hpp"
#include "support/text.hpp"

#include <ostream>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

// What a client sees of the response.
enum class outcome {
    whole,  // as expected, to its end
    gone,   // 502
    cut,    // its head, and an end that shows that something is missing
};

// What becomes of the origin's connection.
enum class fate { kept, closed };

struct hostile_answer {
    std::string name;
    std::string bytes;  // of the origin
    outcome seen = outcome::gone;
    std::string body = {};  // of a whole response
    fate connection = fate::closed;
    int status = 200;
    std::string method = "GET";
    bool ends = false;                           // the origin closes behind it
    std::optional<writing> only = std::nullopt;  // where the pace of the writes decides
};

void PrintTo(const hostile_answer& one, std::ostream* to) { *to << one.name; }

std::string chunked(std::string_view rest) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(rest);
}

std::string head(std::string_view fields) {
    return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n";
}

const std::string poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

std::vector<hostile_answer> more_than_a_response() {
    const auto whole = outcome::whole;
    const auto closed = fate::closed;
    return {
        {"B5_more_than_its_length", ok_response("hello") + "EXTRA", whole, "hello"},
        {"B5_one_byte_more", ok_response("hello") + "!", whole, "hello"},
        {"B5_line_end_more", ok_response("hello") + "\r\n", whole, "hello"},
        {"B5_second_final_status", ok_response("hello") + poison, whole, "hello"},
        {"B5_interim_behind_it", ok_response("hello") + "HTTP/1.1 100 Continue\r\n\r\n", whole,
         "hello"},
        {"B5_behind_the_last_chunk", chunked("5\r\nhello\r\n0\r\n\r\nEXTRA"), whole, "hello"},
        {"B5_second_last_chunk", chunked("5\r\nhello\r\n0\r\n\r\n0\r\n\r\n"), whole, "hello"},
        {"B5_body_of_length_zero", head("Content-Length: 0\r\n") + "EXTRA", whole, ""},
        {"B5_body_on_head", ok_response("hello"), whole, "", closed, 200, "HEAD"},
        {"B5_chunked_body_on_head", chunked("5\r\nhello\r\n0\r\n\r\n"), whole, "", closed, 200,
         "HEAD"},
        {"B5_body_on_204", "HTTP/1.1 204 No Content\r\n\r\nhello", whole, "", closed, 204},
        {"B5_length_and_body_on_204", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
         whole, "", closed, 204},
        {"B5_response_behind_204", "HTTP/1.1 204 No Content\r\n\r\n" + poison, whole, "", closed,
         204},
        {"B5_body_on_304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", whole, "",
         closed, 304},
        {"B5_chunked_body_on_304",
         "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
         whole, "", closed, 304},
        {"B5_head_alone_is_kept", head("Content-Length: 5\r\n"), whole, "", fate::kept, 200,
         "HEAD"},
        {"B5_304_alone_is_kept", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", whole,
         "", fate::kept, 304},
    };
}

std::vector<hostile_answer> interim_responses() {
    const auto whole = outcome::whole;
    const auto gone = outcome::gone;
    const std::string early = "HTTP/1.1 103 Early Hints\r\n\r\n";
    // 16 KiB each, so that four are the limit.
    const std::string before = "HTTP/1.1 103 Early Hints\r\nLink: ";
    const std::string quarter = before + std::string(16384 - before.size() - 4, 'x') + "\r\n\r\n";
    const std::string one_more = before + std::string(16384 - before.size() - 3, 'x') + "\r\n\r\n";
    return {
        {"B6_nine_interim", repeat("HTTP/1.1 102 Processing\r\n\r\n", 9) + ok_response("hello"),
         whole, "hello", fate::kept},
        {"B6_100_interim", repeat(early, 100) + ok_response("hello"), whole, "hello", fate::kept},
        {"B6_101_interim_at_once", repeat(early, 101) + ok_response("hello"), gone, "",
         fate::closed, 200, "GET", false, writing::whole},
        {"B6_interim_without_end", repeat(early, 3000), gone},
        {"B6_continue_without_end", repeat("HTTP/1.1 100 Continue\r\n\r\n", 3000), gone},
        {"B6_interim_of_64KiB", repeat(quarter, 4) + ok_response("hello"), whole, "hello",
         fate::kept},
        {"B6_interim_of_64KiB_and_1", repeat(quarter, 3) + one_more + ok_response("hello"), gone},
        {"B6_unasked_101",
         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
         gone},
        {"B6_unasked_101_without_fields", "HTTP/1.1 101 Switching Protocols\r\n\r\n", gone},
        {"B6_unasked_101_to_h2c",
         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", gone},
        {"B6_interim_with_a_length",
         "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + ok_response("hello"), whole,
         "hello", fate::kept},
        {"B6_unknown_interim", "HTTP/1.1 199 Later\r\n\r\n" + ok_response("hello"), whole, "hello",
         fate::kept},
    };
}

std::vector<hostile_answer> faults_of_the_head() {
    return {
        {"B7_length_and_chunked",
         head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"},
        {"B7_chunked_and_length",
         head("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + "0\r\n\r\n"},
        {"B7_two_lengths", head("Content-Length: 5\r\nContent-Length: 6\r\n") + "hello!"},
        {"B7_same_length_twice", head("Content-Length: 5\r\nContent-Length: 5\r\n") + "hello"},
        {"B7_list_of_lengths", head("Content-Length: 5, 5\r\n") + "hello"},
        {"B7_empty_length", head("Content-Length:\r\n") + "hello"},
        {"B7_signed_length", head("Content-Length: +5\r\n") + "hello"},
        {"B7_negative_length", head("Content-Length: -5\r\n") + "hello"},
        {"B7_hex_length", head("Content-Length: 0x5\r\n") + "hello"},
        {"B7_length_of_20_digits", head("Content-Length: 18446744073709551621\r\n") + "hello"},
        {"B7_length_with_a_space", head("Content-Length: 5 5\r\n") + "hello"},
        {"B7_bad_length_on_head", head("Content-Length: 5x\r\n"), outcome::gone, "", fate::closed,
         200, "HEAD"},
        {"B7_unknown_coding", head("Transfer-Encoding: xchunked\r\n") + "0\r\n\r\n"},
        {"B7_chunked_twice", head("Transfer-Encoding: chunked, chunked\r\n") + "0\r\n\r\n"},
        {"B7_two_codings",
         head("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") + "0\r\n\r\n"},
        {"B7_unknown_coding_before_chunked",
         head("Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n"},
        {"B7_unknown_coding_on_a_line_before_chunked",
         head("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"},
        {"B7_coding_of_http10",
         "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
        {"B7_status_of_two_digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"},
        {"B7_status_of_four_digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"},
        {"B7_status_below_100", "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"},
        {"B7_status_with_a_letter", "HTTP/1.1 2o0 OK\r\nContent-Length: 0\r\n\r\n"},
        {"B7_two_spaces_before_status", "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n"},
        {"B7_no_status", "HTTP/1.1\r\nContent-Length: 0\r\n\r\n"},
        {"B7_other_version", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {"B7_lower_case_version", "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {"B7_http09", "<html>hello</html>", outcome::gone, "", fate::closed, 200, "GET", true},
        {"B7_another_protocol", "SSH-2.0-OpenSSH_9.2\r\n"},
        {"B7_two_leading_line_ends", "\r\n\r\n" + ok_response("hello")},
        {"B7_two_leading_line_feeds", "\n\nHTTP/1.1 200 OK\nContent-Length: 0\n\n"},
        {"B7_leading_line_feed_before_crlf", "\n" + ok_response("hello")},
        {"B7_leading_crlf_before_line_feeds", "\r\nHTTP/1.1 200 OK\nContent-Length: 0\n\n"},
        {"B7_leading_carriage_return", "\r" + ok_response("hello")},
        {"B7_folded_field", head("X-A: b\r\n c\r\nContent-Length: 0\r\n")},
        {"B7_fold_before_the_first_field", head(" X-A: b\r\nContent-Length: 0\r\n")},
        {"B7_space_before_colon", head("Content-Length : 0\r\n")},
        {"B7_no_colon", head("Content-Length\r\n")},
        {"B7_empty_name", head(": 5\r\nContent-Length: 0\r\n")},
        {"B7_line_feeds_then_crlf", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"},
        {"B7_line_feeds_but_for_the_last", "HTTP/1.1 200 OK\nContent-Length: 0\n\r\n"},
        {"B7_crlf_but_for_the_last", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n"},
        {"B7_one_bare_line_feed", head("X-A: b\nContent-Length: 0\r\n")},
        {"B7_one_field_above_64KiB", head("X-A: " + std::string(66'000, 'x') + "\r\n")},
        {"B7_fields_above_64KiB", head(repeat("X-A: " + std::string(1000, 'x') + "\r\n", 70))},
        {"B7_129_fields", head(repeat("X-A: b\r\n", 129))},
        {"B7_128_fields", head(repeat("X-A: b\r\n", 127) + "Content-Length: 0\r\n"), outcome::whole,
         "", fate::kept},
        {"K4_carriage_return_in_a_value", head("X-A: b\rX-B: c\r\nContent-Length: 0\r\n")},
        {"K4_nul_in_a_value", head(std::string("X-A: b\0c\r\n", 10) + "Content-Length: 0\r\n")},
        {"K4_control_in_a_value", head("X-A: b\x01\r\nContent-Length: 0\r\n")},
        {"K4_delete_in_a_value", head("X-A: b\x7f\r\nContent-Length: 0\r\n")},
        {"K4_carriage_return_in_the_reason",
         "HTTP/1.1 200 OK\rX-A: b\r\nContent-Length: 0\r\n\r\n"},
        {"K4_ends_within_the_head", "HTTP/1.1 200 OK\r\nContent-Le", outcome::gone, "",
         fate::closed, 200, "GET", true},
    };
}

// What has one reading, though no origin should write it.
std::vector<hostile_answer> old_servers() {
    const auto whole = outcome::whole;
    const auto kept = fate::kept;
    const std::string bare = "HTTP/1.1 200 OK\nContent-Length: 5\n";
    return {
        {"A9_bare_line_feeds", bare + "\nhello", whole, "hello", kept},
        {"A9_bare_line_feeds_and_chunks",
         "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n", whole, "hello",
         kept},
        {"A9_bare_line_feeds_of_http10", "HTTP/1.0 200 OK\nServer: old\n\nhello", whole, "hello",
         fate::closed, 200, "GET", true},
        {"A9_bare_line_feeds_on_head", bare + "\n", whole, "", kept, 200, "HEAD"},
        {"A9_bare_line_feeds_behind_an_interim",
         "HTTP/1.1 103 Early Hints\r\n\r\n" + bare + "\nhello", whole, "hello", kept},
        {"A9_leading_line_end", "\r\n" + ok_response("hello"), whole, "hello", kept},
        {"A9_leading_line_feed", "\n" + bare + "\nhello", whole, "hello", kept},
        {"A9_minor_version_2", "HTTP/1.2 200 OK\r\nContent-Length: 5\r\n\r\nhello", whole, "hello",
         kept},
        {"A6_blanks_behind_sizes", chunked("5  \r\nhello\r\n0 \t\r\n\r\n"), whole, "hello", kept},
        {"A6_blanks_behind_an_extension", chunked("5;a \r\nhello\r\n0;b=c \r\n\r\n"), whole,
         "hello", kept},
    };
}

std::vector<hostile_answer> faults_of_the_body() {
    const auto cut = outcome::cut;
    const auto closed = fate::closed;
    const auto ends = [&](std::string name, std::string bytes) {
        return hostile_answer{std::move(name), std::move(bytes), cut, "", closed, 200, "GET", true};
    };
    return {
        {"B7_bad_chunk_size", chunked("5\r\nhello\r\nxyz\r\n"), cut},
        {"B7_chunk_size_in_c", chunked("5\r\nhello\r\n0x5\r\nhello\r\n0\r\n\r\n"), cut},
        {"B7_signed_chunk_size", chunked("5\r\nhello\r\n+5\r\nhello\r\n0\r\n\r\n"), cut},
        {"B7_chunk_size_of_17_digits", chunked("5\r\nhello\r\n10000000000000005\r\nhello"), cut},
        {"B7_chunk_longer_than_said", chunked("5\r\nhello!\r\n0\r\n\r\n"), cut},
        {"B7_chunk_with_bare_line_feed", chunked("5\r\nhello\n0\r\n\r\n"), cut},
        {"B7_size_with_bare_line_feed", chunked("5\r\nhello\r\n5\nhello\r\n0\r\n\r\n"), cut},
        {"B7_blank_before_a_size", chunked("5\r\nhello\r\n 5\r\nhello\r\n0\r\n\r\n"), cut},
        {"B7_blank_within_a_size", chunked("5\r\nhello\r\n1 0\r\nhello\r\n0\r\n\r\n"), cut},
        {"B7_blanks_and_a_line_feed", chunked("5\r\nhello\r\n5 \nhello\r\n0\r\n\r\n"), cut},
        {"B7_257_blanks_behind_a_size",
         chunked("5\r\nhello\r\n5" + std::string(257, ' ') + "\r\nhello\r\n0\r\n\r\n"), cut},
        {"B7_endless_chunk_extension",
         chunked("5\r\nhello\r\n5;" + std::string(20'000, 'x') + "\r\nhello\r\n"), cut},
        {"B7_bad_trailer", chunked("5\r\nhello\r\n0\r\nX A: b\r\n\r\n"), cut},
        ends("B8_shorter_than_its_length", head("Content-Length: 10\r\n") + "hello"),
        ends("B8_nothing_of_its_length", head("Content-Length: 10\r\n")),
        ends("B8_no_last_chunk", chunked("5\r\nhello\r\n")),
        ends("B8_ends_within_a_chunk", chunked("a\r\nhello")),
        ends("B8_ends_within_the_last_chunk", chunked("5\r\nhello\r\n0\r\n")),
        ends("B8_ends_within_trailers", chunked("5\r\nhello\r\n0\r\nX-A: b\r\n")),
        {"B8_ends_with_the_connection", head("") + "hello", outcome::whole, "hello", closed, 200,
         "GET", true},
        {"B8_ends_with_an_http10_connection", "HTTP/1.0 200 OK\r\n\r\nhello", outcome::whole,
         "hello", closed, 200, "GET", true},
        {"B8_length_and_close", head("Content-Length: 5\r\nConnection: close\r\n") + "hello",
         outcome::whole, "hello"},
        {"B8_http10_with_a_length", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
         outcome::whole, "hello"},
        {"B8_as_it_should_be", ok_response("hello"), outcome::whole, "hello", fate::kept},
        {"B8_chunked_as_it_should_be", chunked("5;a=\"b\"\r\nhello\r\n0\r\nX-A: b\r\n\r\n"),
         outcome::whole, "hello", fate::kept},
    };
}

struct answers_site : attack_site {};

class AttackAnswers : public attack_suite<answers_site>,
                      public testing::WithParamInterface<hostile_answer> {
 protected:
    void judge(const hostile_answer& of, writing how);
};

void AttackAnswers::judge(const hostile_answer& of, writing how) {
    const std::string key = of.name + "-" + name(how);
    site().origin.answer(key, of.bytes, how, of.ends);
    peer client = site().client();
    client.send(get("/" + key, of.method));
    const seen_response seen = see_response(client, of.method);
    EXPECT_EQ(seen.left_over, "");
    EXPECT_EQ(client.received().find("EXTRA"), std::string::npos);
    EXPECT_EQ(client.received().find("poison"), std::string::npos);
    if (of.seen == outcome::cut) {
        // What broke before a byte had gone to the client is an error like any other.
        EXPECT_TRUE(seen.whole ? seen.head.status == 502 : seen.head.status == 200)
            << seen.head.status;
    } else {
        EXPECT_TRUE(seen.whole) << seen.fault;
        EXPECT_EQ(seen.head.status, of.seen == outcome::gone ? 502 : of.status);
        if (of.seen == outcome::whole) {
            EXPECT_EQ(seen.head.body, of.body);
        }
    }
    // Never sent to the origin again, whatever it said.
    EXPECT_EQ(site().origin.heard(key).size(), 1U);
    const int used = site().origin.last_connection(key);
    if (of.connection == fate::closed)
        (void)site().origin.raw().received(used);
    site().expect_clean(seen.closes ? nullptr : &client, key);
    const int next = site().origin.heard("echo").back().connection;
    EXPECT_EQ(next == used, of.connection == fate::kept);
}

TEST_P(AttackAnswers, AreReadInOneWayOrEndVisibly) {
    for (const writing how : both_ways) {
        SCOPED_TRACE(name(how));
        if (GetParam().only.value_or(how) == how)
            judge(GetParam(), how);
    }
}

std::string case_name(const testing::TestParamInfo<hostile_answer>& of) { return of.param.name; }

INSTANTIATE_TEST_SUITE_P(More, AttackAnswers, testing::ValuesIn(more_than_a_response()), case_name);
INSTANTIATE_TEST_SUITE_P(Interim, AttackAnswers, testing::ValuesIn(interim_responses()), case_name);
INSTANTIATE_TEST_SUITE_P(Head, AttackAnswers, testing::ValuesIn(faults_of_the_head()), case_name);
INSTANTIATE_TEST_SUITE_P(Old, AttackAnswers, testing::ValuesIn(old_servers()), case_name);
INSTANTIATE_TEST_SUITE_P(Body, AttackAnswers, testing::ValuesIn(faults_of_the_body()), case_name);

}  // namespace
}  // namespace penstock::test
