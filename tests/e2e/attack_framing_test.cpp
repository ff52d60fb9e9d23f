// Request framing that two readers could read in two ways: one reading or none, and not a byte of
// what was refused at the origin. Each name begins with the class of its attack.
#include "e2e/strict_site.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

// A POST with these field lines and what follows the head.
std::string post(const std::string& fields, const std::string& rest = "") {
    return "POST /a HTTP/1.1\r\nHost: a.test\r\n" + fields + "\r\n" + rest;
}

std::string chunked(const std::string& rest) {
    return "POST " + chunks_target +
           " HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" + rest;
}

std::string get(const std::string& fields) {
    return "GET /a HTTP/1.1\r\nHost: a.test\r\n" + fields + "\r\n";
}

std::string hex(unsigned value) {
    char text[8] = {};
    std::snprintf(text, sizeof text, "%02x", value);
    return text;
}

void add_lengths(std::vector<refusal>& to) {
    const std::string coding = "Transfer-Encoding: chunked\r\n";
    const std::string length = "Content-Length: 5\r\n";
    const std::string last = "0\r\n\r\n";
    to.push_back({"A1_length_then_coding", post(length + coding, last)});
    to.push_back({"A1_coding_then_length", post(coding + length, last)});
    to.push_back(
        {"A1_in_any_case", post("cONTENT-lENGTH: 5\r\ntRANSFER-eNCODING: CHUNKED\r\n", last)});
    to.push_back({"A1_with_length_zero", post("Content-Length: 0\r\n" + coding, last)});
    to.push_back({"A2_two_equal_lengths", post(length + length, "hello")});
    to.push_back({"A2_two_different_lengths", post(length + "Content-Length: 6\r\n", "hello!")});
    to.push_back({"A2_list_of_lengths", post("Content-Length: 5, 5\r\n", "hello")});
    to.push_back({"A2_empty_length", post("Content-Length:\r\n")});
    to.push_back({"A2_empty_beside_a_length", post("Content-Length: \r\n" + length, "hello")});
    const std::vector<std::pair<std::string, std::string>> numbers{
        {"plus", "+5"},
        {"minus", "-5"},
        {"space_inside", "1 0"},
        {"hexadecimal", "0x5"},
        {"underscore", "1_0"},
        {"exponent", "5e0"},
        {"point", "5.0"},
        {"quoted", "\"5\""},
        {"twenty_digits", "00000000000000000005"},
        {"above_int64", "9223372036854775808"},
        {"wraps_64_bits", "18446744073709551621"},
        {"wraps_32_bits_hex", "100000005h"},
        {"semicolon", "5;"},
        {"comma", "5,"},
        {"other_digits", "\xd9\xa5"}};
    for (const auto& [name, value] : numbers)
        to.push_back({"A3_" + name, post("Content-Length: " + value + "\r\n", "hello")});
}

void add_codings(std::vector<refusal>& to) {
    const std::vector<std::pair<std::string, std::string>> codings{{"leading_comma", ",chunked"},
                                                                   {"twice", "chunked, chunked"},
                                                                   {"prefixed", "xchunked"},
                                                                   {"quoted", "\"chunked\""},
                                                                   {"nbsp_before",
                                                                    "\xa0"
                                                                    "chunked"},
                                                                   {"nbsp_after", "chunked\xa0"},
                                                                   {"identity", "identity"},
                                                                   {"trailing_comma", "chunked,"},
                                                                   {"not_last", "chunked, gzip"},
                                                                   {"parameter", "chunked;a=b"},
                                                                   {"empty", ""},
                                                                   {"space_inside", "chun ked"},
                                                                   {"gzip", "gzip"},
                                                                   {"semicolon", "chunked;"}};
    for (const auto& [name, value] : codings) {
        to.push_back({"A4_" + name, post("Transfer-Encoding: " + value + "\r\n", "0\r\n\r\n")});
    }
    to.push_back({"A4_vertical_tab", post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n")});
    to.push_back(
        {"A4_two_fields",
         post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")});
    to.push_back(
        {"A4_two_different_fields",
         post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n")});
    to.push_back({"A4_unknown_list", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501,
                  "transfer_coding_unknown"});
    to.push_back({"A4_unknown_list_on_two_lines",
                  post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
                  501, "transfer_coding_unknown"});
    to.push_back({"A4_unknown_list_on_two_lines_in_the_wrong_order",
                  post("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", "0\r\n\r\n")});
    to.push_back(
        {"A5_coding_in_1_0", "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"});
    to.push_back({"A5_list_strips_length",
                  post("Transfer-Encoding: identity, identity\r\nContent-Length: 5\r\n", "hello")});
    to.push_back(
        {"A5_1_0_with_both",
         "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello"});
}

void add_chunks(std::vector<refusal>& to) {
    const std::string reason = "http_request_error";
    const auto bad = [&](const std::string& name, const std::string& body) {
        to.push_back({name, chunked(body), 400, reason});
    };
    const std::vector<std::pair<std::string, std::string>> sizes{
        {"not_hexadecimal", "g"},
        {"prefix", "0x5"},
        {"plus", "+5"},
        {"minus", "-5"},
        {"underscore", "0_5"},
        {"leading_space", " 5"},
        {"leading_tab", "\t5"},
        {"empty", ""},
        {"seventeen_digits", "00000000000000005"},
        {"above_2_to_62", "4000000000000001"},
        {"wraps", "10000000000000005"},
        {"trailing_space", "5 "},
        {"two_numbers", "5 5"}};
    for (const auto& [name, size] : sizes)
        bad("A6_" + name, size + "\r\nhello\r\n0\r\n\r\n");
    bad("A7_line_end_in_quotes", "5;a=\"x\r\ny\"\r\nhello\r\n0\r\n\r\n");
    bad("A7_line_feed_in_quotes", "5;a=\"x\ny\"\r\nhello\r\n0\r\n\r\n");
    bad("A7_no_token", "5;a b\r\nhello\r\n0\r\n\r\n");
    bad("A7_no_name", "5;=b\r\nhello\r\n0\r\n\r\n");
    bad("A7_bare_carriage_return", "5;a\rb\r\nhello\r\n0\r\n\r\n");
    bad("A7_line_above_256", "5;" + std::string(256, 'a') + "\r\nhello\r\n0\r\n\r\n");
    std::string many;
    for (int i = 0; i < 70; ++i)
        many += "1;" + std::string(250, 'a') + "\r\nx\r\n";
    bad("A7_more_than_16_KiB", many + "0\r\n\r\n");
    bad("A8_no_line_end_after_data", "5\r\nhelloXX0\r\n\r\n");
    bad("A8_line_feed_after_data", "5\r\nhello\n0\r\n\r\n");
    bad("A8_line_feed_ends_the_message", "0\r\n\n");
    bad("A8_line_feed_after_size", "5\nhello\r\n0\r\n\r\n");
    bad("A8_carriage_return_alone_ends_trailers", "0\r\nA: b\r\n\rX");
    bad("A8_data_longer_than_its_size", "2\r\nhello\r\n0\r\n\r\n");
    std::string trailers;
    for (int i = 0; i < 33; ++i)
        trailers += "A" + std::to_string(i) + ": b\r\n";
    bad("A15_more_than_32_trailers", "0\r\n" + trailers + "\r\n");
    bad("A15_more_than_8_KiB_of_trailers", "0\r\nA: " + std::string(8200, 'b') + "\r\n\r\n");
    bad("A15_bad_trailer_line", "0\r\nno colon\r\n\r\n");
}

void add_lines(std::vector<refusal>& to) {
    const std::string nul("\0", 1);
    to.push_back({"A9_line_feed_after_request_line", "GET /a HTTP/1.1\nHost: a.test\r\n\r\n"});
    to.push_back({"A9_line_feed_after_field", "GET /a HTTP/1.1\r\nHost: a.test\nA: b\r\n\r\n"});
    to.push_back({"A9_line_feed_ends_head", "GET /a HTTP/1.1\r\nHost: a.test\r\n\n"});
    to.push_back({"A9_carriage_return_in_value", get("A: b\rc\r\n")});
    to.push_back({"A9_carriage_return_in_name", get("A\rB: c\r\n")});
    to.push_back({"A9_carriage_return_twice", get("A: b\r\r\n")});
    to.push_back({"A9_carriage_return_in_line", "GET /a\r HTTP/1.1\r\nHost: a.test\r\n\r\n"});
    to.push_back({"A9_nul_in_value", get("A: b" + nul + "c\r\n")});
    to.push_back({"A9_nul_in_name", get("A" + nul + ": c\r\n")});
    to.push_back({"A9_nul_in_target", "GET /a" + nul + " HTTP/1.1\r\nHost: a.test\r\n\r\n"});
    to.push_back({"A9_nul_first", nul + "GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n"});
    to.push_back({"A10_folded_by_space", get("A: b\r\n c\r\n")});
    to.push_back({"A10_folded_by_tab", get("A: b\r\n\tc\r\n")});
    to.push_back({"A10_space_before_first_field", "GET /a HTTP/1.1\r\n Host: a.test\r\n\r\n"});
    to.push_back({"A10_tab_before_first_field", "GET /a HTTP/1.1\r\n\tHost: a.test\r\n\r\n"});
    to.push_back({"A10_space_before_colon", get("Content-Length : 5\r\n") + "hello"});
    to.push_back({"A10_tab_before_colon", get("Transfer-Encoding\t: chunked\r\n")});
    to.push_back({"A10_empty_name", get(": b\r\n")});
    to.push_back({"A10_name_not_a_token", get("A(b: c\r\n")});
    to.push_back({"A10_name_with_obs_text", get("A\x80: c\r\n")});
    to.push_back({"A10_name_with_space", get("A b: c\r\n")});
    to.push_back({"A10_no_colon", get("Transfer-Encoding\r\n")});
    for (unsigned c = 1; c < 0x80; ++c) {
        const bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
        if (control) {
            to.push_back({"A11_control_" + hex(c),
                          get("A: b" + std::string(1, static_cast<char>(c)) + "c\r\n")});
        }
    }
}

void add_request_lines(std::vector<refusal>& to) {
    const auto line = [&](const std::string& name, const std::string& text, int status = 400,
                          const std::string& reason = "http_request_error") {
        to.push_back({"A12_" + name, text + "\r\nHost: a.test\r\n\r\n", status, reason});
    };
    line("two_spaces", "GET  /a HTTP/1.1");
    line("two_spaces_later", "GET /a  HTTP/1.1");
    line("tab", "GET\t/a\tHTTP/1.1");
    line("leading_space", " GET /a HTTP/1.1");
    line("trailing_space", "GET /a HTTP/1.1 ");
    line("space_in_target", "GET /a b HTTP/1.1");
    line("no_version", "GET /a");
    line("no_target", "GET HTTP/1.1");
    line("method_not_a_token", "G{T /a HTTP/1.1");
    line("method_of_33_bytes", std::string(33, 'A') + " /a HTTP/1.1");
    line("version_0_9", "GET /a HTTP/0.9");
    line("version_1_10", "GET /a HTTP/1.10");
    line("version_01_1", "GET /a HTTP/01.1");
    line("version_in_lower_case", "GET /a http/1.1");
    line("version_without_minor", "GET /a HTTP/1");
    line("version_2_0", "GET /a HTTP/2.0", 505, "version_unsupported");
    line("version_3_0", "GET /a HTTP/3.0", 505, "version_unsupported");
    line("two_empty_lines_before", "\r\n\r\nGET /a HTTP/1.1");
    line("line_feed_before", "\nGET /a HTTP/1.1");
    to.push_back({"A12_simple_request_of_0_9", "GET /a\r\n"});
    to.push_back({"A12_tls_hello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7)});
    for (const char* const verb : {"TRACE", "CONNECT"}) {
        const std::string target = verb == std::string("TRACE") ? "/a" : "a.test:80";
        to.push_back({"A13_" + std::string(verb) + "_with_body",
                      std::string(verb) + " " + target +
                          " HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello"});
    }
    to.push_back({"A14_field_of_65535", get("A: " + std::string(65535, 'b') + "\r\n"), 431,
                  "request_header_too_large"});
    to.push_back({"A14_field_above_16_bits", get("A: " + std::string(65540, 'b') + "\r\n"), 431,
                  "request_header_too_large"});
    to.push_back({"A14_port_above_16_bits", "GET /a HTTP/1.1\r\nHost: a.test:65617\r\n\r\n"});
    to.push_back({"F4_line_above_8_KiB", "GET /" + std::string(8192, 'a') + " HTTP/1.1\r\n\r\n",
                  414, "uri_too_long"});
    std::string fields;
    for (int i = 0; i < 100; ++i)
        fields += "A" + std::to_string(i) + ": b\r\n";
    to.push_back({"F4_more_than_100_fields", get(fields), 431, "request_header_too_large"});
    std::string large;
    for (int i = 0; i < 5; ++i)
        large += "A" + std::to_string(i) + ": " + std::string(15000, 'b') + "\r\n";
    to.push_back({"F4_head_above_64_KiB", get(large), 431, "request_header_too_large"});
}

std::vector<refusal> all() {
    std::vector<refusal> made;
    add_lengths(made);
    add_codings(made);
    add_chunks(made);
    add_lines(made);
    add_request_lines(made);
    return made;
}

// One daemon for all of them: what one attack leaves behind would show with the next.
class FramingAttack : public testing::TestWithParam<refusal> {
 protected:
    static void SetUpTestSuite() { site = std::make_unique<strict_site>(); }
    static void TearDownTestSuite() { site.reset(); }
    static std::unique_ptr<strict_site> site;
};
std::unique_ptr<strict_site> FramingAttack::site;

TEST_P(FramingAttack, IsRefused) {
    expect_refused(*site, GetParam(), 0);
    expect_refused(*site, GetParam(), 1);
}

INSTANTIATE_TEST_SUITE_P(, FramingAttack, testing::ValuesIn(all()), name_of_entry<refusal>);

// ---- What looks odd and is not

struct passed {
    std::string name;
    std::string bytes;
    std::string method;
    std::string body;
};

std::vector<passed> all_passed() {
    return {
        {"A3_leading_zeros", post("Content-Length: 005\r\n", "hello"), "POST", "hello"},
        {"A3_white_space_around", post("Content-Length: \t 5 \t\r\n", "hello"), "POST", "hello"},
        {"A4_in_any_case", post("Transfer-Encoding: cHuNkEd\r\n", "5\r\nhello\r\n0\r\n\r\n"),
         "POST", "hello"},
        {"A6_sixteen_digits", chunked("0000000000000005\r\nhello\r\n0\r\n\r\n"), "POST", "hello"},
        {"A7_extensions_are_dropped",
         chunked("5;a;b=c;d=\"e f\\\"\" \t;g\r\nhello\r\n0;last=1\r\n\r\n"), "POST", "hello"},
        {"A7_line_of_256", chunked("5;" + std::string(255, 'a') + "\r\nhello\r\n0\r\n\r\n"), "POST",
         "hello"},
        {"A11_obs_text", get("A: \x80\xff\r\n"), "GET", ""},
        {"A11_tab_inside", get("A: b\tc\r\n"), "GET", ""},
        {"A12_empty_line_before", "\r\n" + get(""), "GET", ""},
        {"A12_minor_version_2", "GET /a HTTP/1.2\r\nHost: a.test\r\n\r\n", "GET", ""},
        {"A12_minor_version_9", "GET /a HTTP/1.9\r\nHost: a.test\r\n\r\n", "GET", ""},
        {"A12_minor_version_9_with_chunks",
         "POST /a HTTP/1.9\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nhello\r\n0\r\n\r\n",
         "POST", "hello"},
        {"A12_method_of_32_bytes", std::string(32, 'A') + " /a HTTP/1.1\r\nHost: a.test\r\n\r\n",
         std::string(32, 'A'), ""},
        {"A13_get_with_body", get("Content-Length: 5\r\n") + "hello", "GET", "hello"},
        {"A13_head_with_body", "HEAD /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello",
         "HEAD", "hello"},
        {"A13_delete_with_chunks",
         "DELETE /a HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nhello\r\n0\r\n\r\n",
         "DELETE", "hello"},
        {"A14_field_of_16_KiB", get("A: " + std::string(16384 - 3, 'b') + "\r\n"), "GET", ""},
        {"F4_100_fields",
         [] {
             std::string fields;
             for (int i = 0; i < 99; ++i)
                 fields += "A" + std::to_string(i) + ": b\r\n";
             return get(fields);
         }(),
         "GET", ""},
    };
}

class OddRequest : public testing::TestWithParam<passed> {
 protected:
    static void SetUpTestSuite() { site = std::make_unique<strict_site>(); }
    static void TearDownTestSuite() { site.reset(); }
    static std::unique_ptr<strict_site> site;
};
std::unique_ptr<strict_site> OddRequest::site;

TEST_P(OddRequest, ReachesTheOriginInOneForm) {
    for (const std::size_t piece : {0, 1}) {
        SCOPED_TRACE(piece == 0 ? "whole" : "byte by byte");
        peer client(site->port());
        // Two of them, so that the end of the first is where the second begins.
        for (int i = 0; i < 2; ++i) {
            strict_site::send(client, GetParam().bytes, piece);
            EXPECT_EQ(read_response(client, GetParam().method).status, 200);
        }
        const std::vector<http_request> seen = site->arrived();
        ASSERT_EQ(seen.size(), 2U);
        for (const http_request& one : seen) {
            EXPECT_EQ(one.method, GetParam().method);
            EXPECT_TRUE(one.target == "/a" || one.target == chunks_target) << one.target;
            EXPECT_EQ(one.body, GetParam().body);
            EXPECT_TRUE(one.trailers.empty());
        }
        EXPECT_TRUE(site->nonsense().empty());
        EXPECT_TRUE(site->broken().empty());
    }
}

INSTANTIATE_TEST_SUITE_P(, OddRequest, testing::ValuesIn(all_passed()), name_of_entry<passed>);

class Trailers : public testing::TestWithParam<bool> {};

TEST_P(Trailers, A15_NeverBecomeFieldsOfTheHead) {
    strict_site site;
    peer client(site.port());
    const std::string te = GetParam() ? "TE: trailers\r\nConnection: TE\r\n" : "";
    client.send(
        "POST /a HTTP/1.1\r\nHost: a.test\r\n" + te +
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nHost: evil.test\r\n"
        "Content-Length: 3\r\nAuthorization: evil\r\nTransfer-Encoding: x\r\n\r\n");
    EXPECT_EQ(read_response(client).status, 200);
    const std::vector<http_request> seen = site.arrived();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].body, "hello");
    EXPECT_EQ(seen[0].field("host"), "a.test");
    EXPECT_FALSE(seen[0].field("authorization"));
    EXPECT_FALSE(seen[0].field("x-sum"));
    const field_list kept{{"X-Sum", "1"}};
    EXPECT_EQ(seen[0].trailers, kept);
}

// What TE says is about the response's.
INSTANTIATE_TEST_SUITE_P(OfAClient, Trailers, testing::Bool(), [](const auto& each) {
    return std::string(each.param ? "ThatAcceptsTrailers" : "WithoutTe");
});

TEST(Pipelining, A16_IsAnsweredInOrder) {
    strict_site site;
    peer client(site.port());
    std::string all_requests;
    for (int i = 0; i < 40; ++i)
        all_requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a.test\r\n\r\n";
    client.send(all_requests);
    for (int i = 0; i < 40; ++i)
        EXPECT_EQ(read_response(client).body, "fine");
    const std::vector<http_request> seen = site.arrived();
    ASSERT_EQ(seen.size(), 40U);
    for (std::size_t i = 0; i < seen.size(); ++i)
        EXPECT_EQ(seen[i].target, "/" + std::to_string(i));
}

TEST(Pipelining, A16_EndsWithTheFirstRefusal) {
    strict_site site;
    for (const std::size_t piece : {0, 1}) {
        peer client(site.port());
        strict_site::send(client, get("") + get("bad line\r\n") + smuggled, piece);
        EXPECT_EQ(read_response(client).status, 200);
        EXPECT_EQ(read_response(client).status, 400);
        EXPECT_EQ(client.read_to_end(), "");
        EXPECT_EQ(site.arrived().size(), 1U);
    }
}

TEST(Pipelining, A17_EndsWithConnectionClose) {
    strict_site site;
    for (const std::size_t piece : {0, 1}) {
        peer client(site.port());
        strict_site::send(client, get("Connection: close\r\n") + smuggled, piece);
        const http_response got = read_response(client);
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.field("connection"), "close");
        // Who announces an end and then goes on byte by byte may meet a socket that is gone.
        if (piece == 0)
            EXPECT_EQ(client.read_to_end(), "");
        else
            (void)client.wait_closed();
        EXPECT_EQ(site.arrived().size(), 1U);
    }
}

}  // namespace
}  // namespace penstock::test
