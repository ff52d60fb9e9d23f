#include "penstock/config/variables.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::config {
namespace {

// "message | hint"; empty for a good text.
std::string fault(std::string_view text, text_place at = text_place::response_header) {
    const parsed_text parsed = parse_variables(text, at);
    return parsed.ok() ? "" : parsed.message + " | " + parsed.hint;
}

TEST(Variables, AreCutOutOfTheirText) {
    const parsed_text parsed = parse_variables("a${host}b$$c$d${header.X-A}", text_place::body);
    ASSERT_TRUE(parsed.ok());
    ASSERT_EQ(parsed.pieces.size(), 4U);
    EXPECT_EQ(parsed.pieces[0].literal, "a");
    EXPECT_EQ(parsed.pieces[1].what, variable::host);
    EXPECT_EQ(parsed.pieces[2].literal, "b$c$d");
    EXPECT_EQ(parsed.pieces[3].what, variable::header);
    EXPECT_EQ(parsed.pieces[3].argument, "X-A");
}

TEST(Variables, ADollarIsADollar) {
    for (const auto& [text, plain] :
         {std::pair("$", "$"), std::pair("$5", "$5"), std::pair("a$", "a$"), std::pair("$$", "$"),
          std::pair("$$$$", "$$"), std::pair("$${host}", "${host}"),
          std::pair("{host}", "{host}")}) {
        const parsed_text parsed = parse_variables(text, text_place::body);
        ASSERT_EQ(parsed.pieces.size(), 1U) << text;
        EXPECT_EQ(parsed.pieces[0].literal, plain);
    }
    EXPECT_TRUE(parse_variables("", text_place::body).pieces.empty());
}

TEST(Variables, UnknownOnesAreErrorsWithASuggestion) {
    EXPECT_EQ(fault("${hots}"), "unknown variable '${hots}' | did you mean '${host}'?");
    EXPECT_EQ(fault("${heder.X}"),
              "unknown variable '${heder.X}' | did you mean '${header.NAME}'?");
    EXPECT_EQ(fault("${client_ip}"),
              "unknown variable '${client_ip}' | did you mean '${client.ip}'?");
    EXPECT_EQ(fault("${TOKEN}"),
              "unknown variable '${TOKEN}' | a variable of the environment is '${env:TOKEN}'");
    EXPECT_EQ(fault("${host.x}"), "unknown variable '${host.x}' | did you mean '${host}'?");
    EXPECT_TRUE(fault("${zzzzzzzz}")
                    .starts_with("unknown variable '${zzzzzzzz}' | known here: scheme, host, "))
        << fault("${zzzzzzzz}");
    EXPECT_TRUE(fault("${}").starts_with("unknown variable '${}' | "));
}

TEST(Variables, NeedTheirNamesAndTheirEnd) {
    EXPECT_EQ(fault("a ${host"),
              "'${' without its '}' | a dollar that begins no variable is written '$$'");
    EXPECT_EQ(fault("${header}"), "'${header}' lacks a name | as in '${header.Accept}'");
    EXPECT_EQ(fault("${cookie.}"), "'${cookie.}' lacks a name | as in '${cookie.name}'");
    EXPECT_EQ(fault("${header.a b}"), "'${header.a b}' has a bad name | as in '${header.Accept}'");
    EXPECT_EQ(fault("${arg.a[]}"), "");
}

TEST(Variables, WithoutAValueAtTheirPlaceAreErrors) {
    const std::string later = " has no value here | it is known once there is a response";
    for (const text_place at : {text_place::request_header, text_place::url, text_place::url_path,
                                text_place::rewritten_path}) {
        EXPECT_EQ(fault("${status}", at), "'${status}'" + later);
        EXPECT_EQ(fault("${reason}", at), "'${reason}'" + later);
    }
    EXPECT_EQ(fault("${status}${reason}"), "");
    for (const text_place at : {text_place::url, text_place::url_host, text_place::body})
        EXPECT_EQ(fault("${upstream}", at),
                  "'${upstream}' has no value here | nothing is forwarded here");
    EXPECT_EQ(fault("${upstream}", text_place::request_header), "");
    for (const text_place at : {text_place::url_path, text_place::rewritten_path,
                                text_place::url_host, text_place::rewritten_host})
        EXPECT_EQ(fault("${uri}", at),
                  "'${uri}' has no value here | a path and a host have no query in them");
    EXPECT_EQ(fault("${uri}${query}", text_place::url), "");
    EXPECT_EQ(
        fault("${capture.1}"),
        "'${capture.1}' has no value here | no path of this configuration is matched by a regex");
}

TEST(Variables, AreFoundInATextThatUsesThem) {
    EXPECT_TRUE(uses("a${upstream}", text_place::response_header, variable::upstream));
    EXPECT_FALSE(uses("$${upstream}${host}", text_place::response_header, variable::upstream));
}

}  // namespace
}  // namespace penstock::config
