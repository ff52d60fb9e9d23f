#include "app/command_line.hpp"

#include "app/nearest_word.hpp"

#include <gtest/gtest.h>

namespace penstock::app {
namespace {

command parsed(const std::vector<std::string>& arguments) {
    const parsed_command made = parse_command_line(arguments);
    const auto* const wrong = std::get_if<usage_error>(&made);
    EXPECT_EQ(wrong, nullptr) << (wrong != nullptr ? wrong->message : "");
    return wrong != nullptr ? command() : std::get<command>(made);
}

std::string refused(const std::vector<std::string>& arguments) {
    const parsed_command made = parse_command_line(arguments);
    const auto* const wrong = std::get_if<usage_error>(&made);
    return wrong != nullptr ? wrong->message : "accepted";
}

TEST(CommandLine, KnowsEveryCommand) {
    for (const verb one : {verb::run, verb::demo, verb::check, verb::dump, verb::schema,
                           verb::doctor, verb::version, verb::help}) {
        EXPECT_EQ(parsed({std::string(name(one))}).what, one) << name(one);
        EXPECT_TRUE(parsed({"--help"}).help.find("\n  " + std::string(name(one)) + " ") !=
                    std::string::npos)
            << name(one);
    }
    EXPECT_EQ(parsed({"--version"}).what, verb::version);
    EXPECT_EQ(parsed({"--help"}).what, verb::help);
    EXPECT_EQ(parsed({"-h"}).what, verb::help);
}

TEST(CommandLine, TakesTheConfigurationInEachSpelling) {
    EXPECT_EQ(parsed({"run"}).file, default_configuration);
    EXPECT_EQ(parsed({"run", "-c", "a.yaml"}).file, "a.yaml");
    EXPECT_EQ(parsed({"check", "--config", "a.yaml"}).file, "a.yaml");
    EXPECT_EQ(parsed({"dump", "--config=a=b.yaml"}).file, "a=b.yaml");
}

TEST(CommandLine, TakesListenAndTo) {
    const command got = parsed({"run", "--listen", ":80", "--to=http://a.test"});
    EXPECT_EQ(got.listen, ":80");
    EXPECT_EQ(got.to, "http://a.test");
}

TEST(CommandLine, TakesFormatAndPortBase) {
    EXPECT_FALSE(parsed({"check"}).json);
    EXPECT_FALSE(parsed({"check", "--format", "text"}).json);
    EXPECT_TRUE(parsed({"check", "--format", "json"}).json);
    EXPECT_EQ(parsed({"demo"}).port_base, 0);
    EXPECT_EQ(parsed({"demo", "--port-base", "1"}).port_base, 1);
    EXPECT_EQ(parsed({"demo", "--port-base", "65533"}).port_base, 65533);
}

TEST(CommandLine, HelpsAboutEachCommand) {
    const std::string all = parsed({"help"}).help;
    EXPECT_EQ(parsed({"--help"}).help, all);
    EXPECT_EQ(parsed({"-h"}).help, all);
    for (const verb one : {verb::run, verb::demo, verb::check, verb::dump, verb::schema,
                           verb::doctor, verb::version}) {
        const std::string word(name(one));
        const command got = parsed({word, "--help"});
        EXPECT_EQ(got.what, verb::help) << word;
        EXPECT_NE(got.help.find("penstock " + word), std::string::npos) << got.help;
        EXPECT_EQ(parsed({word, "-h"}).help, got.help);
        EXPECT_EQ(parsed({"help", word}).help, got.help);
    }
    EXPECT_NE(parsed({"check", "--help"}).help.find("--format"), std::string::npos);
    EXPECT_EQ(parsed({"dump", "--help"}).help.find("--format"), std::string::npos);
}

// `nginx -t`, `-T`, `-v` and `-V` with what they are combined with.
TEST(CommandLine, KnowsWhatNginxsUsersType) {
    const command test = parsed({"-t"});
    EXPECT_EQ(test.what, verb::check);
    EXPECT_EQ(test.as, spelling::nginx);
    EXPECT_EQ(test.file, default_configuration);
    EXPECT_EQ(parsed({"-t", "-c", "a.yaml"}).file, "a.yaml");
    EXPECT_EQ(parsed({"-c", "a.yaml", "-t"}).file, "a.yaml");
    EXPECT_TRUE(parsed({"-tq"}).quiet);
    EXPECT_TRUE(parsed({"-t", "-q"}).quiet);
    EXPECT_EQ(parsed({"-T", "-c", "a.yaml"}).what, verb::dump);
    EXPECT_EQ(parsed({"-v"}).what, verb::version);
    EXPECT_EQ(parsed({"-v"}).as, spelling::nginx);
    EXPECT_EQ(parsed({"-V"}).what, verb::version);
    EXPECT_EQ(parsed({"-V"}).as, spelling::own);
}

TEST(CommandLine, TakesADashAsStandardInput) {
    EXPECT_EQ(parsed({"run", "-c", "-"}).file, "-");
    EXPECT_EQ(parsed({"check", "--config=-"}).file, "-");
    EXPECT_EQ(parsed({"-t", "-c", "-"}).file, "-");
}

struct refusal {
    const char* name;
    std::vector<std::string> arguments;
    const char* message;
};

class RefusedCommandLine : public testing::TestWithParam<refusal> {};

TEST_P(RefusedCommandLine, SaysWhatIsWrong) {
    EXPECT_EQ(refused(GetParam().arguments), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedCommandLine,
    testing::Values(
        refusal{"Nothing", {}, "no command given"},
        refusal{"UnknownCommand", {"start"}, "there is no command 'start'"},
        refusal{"MisspeltCommand", {"chekc"}, "there is no command 'chekc', did you mean 'check'?"},
        refusal{"OptionFirst", {"-c", "a"}, "a command comes before option '-c'"},
        refusal{
            "HelpAboutNothing", {"help", "rnu"}, "there is no command 'rnu', did you mean 'run'?"},
        refusal{"MisspeltOption",
                {"run", "--listn", ":80"},
                "run: option '--listn' is not known, did you mean '--listen'?"},
        refusal{"OptionOfAnother", {"dump", "--to", "x"}, "dump: option '--to' is not known"},
        refusal{"NoValue", {"run", "-c"}, "run: option '--config' needs a value"},
        refusal{"EmptyValue", {"run", "--config="}, "run: option '--config' needs a value"},
        refusal{
            "Twice", {"run", "-c", "a", "--config", "b"}, "run: option '--config' is there twice"},
        refusal{"TestWithoutAFile", {"-t", "-c"}, "option '-c' needs a value"},
        refusal{"TestAndCommand",
                {"-t", "run"},
                "option '-t' does not go with command 'run': a command comes before its options"},
        refusal{"SignalOption",
                {"-s", "reload"},
                "option '-s' is not known: signals do that (HUP reloads, TERM drains and ends, "
                "USR1 reopens the access log)"},
        refusal{"CommandTwice", {"run", "check"}, "run: unexpected argument 'check'"},
        refusal{"Argument", {"run", "a.yaml"}, "run: unexpected argument 'a.yaml'"},
        refusal{"Dash", {"run", "-"}, "run: unexpected argument '-'"},
        refusal{
            "ListenAlone", {"run", "--listen", ":80"}, "run: --listen and --to belong together"},
        refusal{"ToAlone", {"run", "--to", "http://a"}, "run: --listen and --to belong together"},
        refusal{"FileAndListen",
                {"run", "-c", "a", "--listen", ":80", "--to", "http://a"},
                "run: either --config or --listen with --to"},
        refusal{"Format",
                {"check", "--format", "xml"},
                "check: --format: expects text or json, not 'xml'"},
        refusal{"PortZero",
                {"demo", "--port-base", "0"},
                "demo: --port-base: expects a number from 1 to 65533, not '0'"},
        refusal{"PortAbove",
                {"demo", "--port-base", "65534"},
                "demo: --port-base: expects a number from 1 to 65533, not '65534'"},
        refusal{"PortText",
                {"demo", "--port-base", "80a"},
                "demo: --port-base: expects a number from 1 to 65533, not '80a'"}),
    [](const auto& each) { return each.param.name; });

origin_url origin(std::string_view text) {
    const auto made = parse_origin_url(text);
    const auto* const wrong = std::get_if<usage_error>(&made);
    EXPECT_EQ(wrong, nullptr) << (wrong != nullptr ? wrong->message : "");
    return wrong != nullptr ? origin_url() : std::get<origin_url>(made);
}

TEST(OriginUrl, HasAPortOrItsSchemes) {
    EXPECT_EQ(origin("http://a.test:3000").address, "a.test:3000");
    EXPECT_EQ(origin("http://a.test").address, "a.test:80");
    EXPECT_EQ(origin("http://a.test/").address, "a.test:80");
    EXPECT_EQ(origin("https://a.test").address, "a.test:443");
    EXPECT_EQ(origin("http://[::1]").address, "[::1]:80");
    EXPECT_EQ(origin("http://[::1]:81").address, "[::1]:81");
    EXPECT_FALSE(origin("http://a.test").tls);
    EXPECT_TRUE(origin("https://a.test").tls);
}

TEST(OriginUrl, RefusesWhatItWouldHaveToIgnore) {
    for (const char* const text :
         {"a.test", "ftp://a.test", "http://", "http:///", "http://a.test/path", "http://a.test?q",
          "http://a.test#f", "http://user@a.test", "https://"})
        EXPECT_TRUE(std::holds_alternative<usage_error>(parse_origin_url(text))) << text;
}

TEST(NearestWord, FindsOneSlipAndNothingFarAway) {
    const std::vector<std::string_view> known{"run", "check", "schema"};
    EXPECT_EQ(nearest_word("chek", known), "check");
    EXPECT_EQ(nearest_word("shcema", known), "schema");
    EXPECT_EQ(nearest_word("serve", known), "");
    EXPECT_EQ(nearest_word("", known), "");
}

}  // namespace
}  // namespace penstock::app
