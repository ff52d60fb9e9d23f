#include "config/names.hpp"

#include <gtest/gtest.h>

namespace penstock::config {
namespace {

struct text_case {
    const char* text;
    const char* expected;  // null = refused
};

template <class T, class Parse, class Format>
void check(const std::vector<text_case>& cases, Parse parse, Format format) {
    for (const text_case& one : cases) {
        const parsed<T> outcome = parse(one.text);
        ASSERT_EQ(outcome.value.has_value(), one.expected != nullptr) << one.text;
        EXPECT_EQ(outcome.message.empty(), outcome.value.has_value()) << one.text;
        if (outcome.value.has_value()) {
            EXPECT_EQ(format(*outcome.value), one.expected) << one.text;
        }
    }
}

TEST(Bind, TakesAddressesOnly) {
    check<address>({{"127.0.0.1:8080", "127.0.0.1:8080"},
                    {":8080", "*:8080"},
                    {"*:8080", "*:8080"},
                    {"unix:/run/penstock/web.sock", "unix:/run/penstock/web.sock"},
                    {"unix:web.sock", nullptr},
                    {"unix:", nullptr},
                    {"unix:///run/web.sock", nullptr},
                    {"unix:/run/", nullptr},
                    {"127.0.0.1:0", "127.0.0.1:0"},
                    {"1.2.3.4:65535", "1.2.3.4:65535"},
                    {"localhost:80", "127.0.0.1:80"},
                    {"[::1]:80", "[::1]:80"},
                    {"[0:0::1]:80", "[::1]:80"},
                    {"[::]:443", "[::]:443"},
                    {"1.2.3.4:65536", nullptr},
                    {"1.2.3.4:-1", nullptr},
                    {"1.2.3.4:", nullptr},
                    {"1.2.3.4:+80", nullptr},
                    {"1.2.3.4:000080", nullptr},
                    {"1.2.3.4", nullptr},
                    {"1.2.3:80", nullptr},
                    {"01.2.3.4:80", nullptr},
                    {"::1:80", nullptr},
                    {"[::1]", nullptr},
                    {"[::g]:80", nullptr},
                    {"[fe80::1%lo]:80", nullptr},
                    {"[]:80", nullptr},
                    {"example.com:80", nullptr},
                    {"*.*:80", nullptr},
                    {"8080", nullptr},
                    {"", nullptr},
                    {":", nullptr}},
                   parse_bind, format_address);
}

TEST(EndpointAddress, TakesNamesButNoUrls) {
    const std::string label(63, 'a');
    const std::string long_label = label + "a:1";
    // With the NUL behind it sun_path has 108 bytes.
    const std::string socket_most = "unix:/" + std::string(106, 's');
    const std::string socket_more = socket_most + "s";
    check<address>({{"app:3000", "app:3000"},
                    {"API.Internal:1", "api.internal:1"},
                    {"my_app-1.x:65535", "my_app-1.x:65535"},
                    {"10.0.0.2:80", "10.0.0.2:80"},
                    {"[::1]:80", "[::1]:80"},
                    {"app:0", nullptr},
                    {"app:65536", nullptr},
                    {"app", nullptr},
                    {":80", nullptr},
                    {"10.0.0.256:80", nullptr},
                    {"http://app:80", nullptr},
                    {"-app:80", nullptr},
                    {"app-:80", nullptr},
                    {"a..b:80", nullptr},
                    {"app.:80", "app.:80"},
                    {"App.Internal.:80", "app.internal.:80"},
                    {"app..:80", nullptr},
                    {".:80", nullptr},
                    {"10.0.0.1.:80", nullptr},
                    {"unix:/run/app.sock", "unix:/run/app.sock"},
                    {"unix:run/app.sock", nullptr},
                    {"unix:///run/app.sock", nullptr},
                    {socket_most.c_str(), socket_most.c_str()},
                    {socket_more.c_str(), nullptr},
                    {"a b:80", nullptr},
                    {"user@app:80", nullptr},
                    {"app:80/x", nullptr},
                    {long_label.c_str(), nullptr}},
                   parse_endpoint, format_address);
}

TEST(Network, HasNoBitsBeyondItsPrefix) {
    check<network>({{"10.0.0.0/8", "10.0.0.0/8"},
                    {"192.0.2.1", "192.0.2.1/32"},
                    {"0.0.0.0/0", "0.0.0.0/0"},
                    {"fd00::/8", "fd00::/8"},
                    {"::1", "::1/128"},
                    {"::/0", "::/0"},
                    {"unix", "unix"},
                    {"unix:", nullptr},
                    {"10.0.0.1/8", nullptr},
                    {"10.0.0.0/33", nullptr},
                    {"10.0.0.0/-1", nullptr},
                    {"10.0.0.0/", nullptr},
                    {"fd00::/129", nullptr},
                    {"fd00::1/64", nullptr},
                    {"[::1]/128", nullptr},
                    {"localhost", nullptr},
                    {"", nullptr}},
                   parse_network, format_network);
}

TEST(Mode, IsOctal) {
    const auto parse = [](const std::string& text) { return parse_mode(text); };
    check<std::uint32_t>({{"0660", "0660"},
                          {"660", "0660"},
                          {"0777", "0777"},
                          {"000", "0000"},
                          {"1777", nullptr},
                          {"0668", nullptr},
                          {"66", nullptr},
                          {"00660", nullptr},
                          {"rw", nullptr},
                          {"", nullptr}},
                         parse, format_mode);
}

TEST(ClientField, IsAFieldThatMeansNothingElse) {
    const auto same_text = [](const std::string& text) { return text; };
    check<std::string>({{"X-Forwarded-For", "X-Forwarded-For"},
                        {"forwarded", "forwarded"},
                        {"CF-Connecting-IP", "CF-Connecting-IP"},
                        {"X-Real-IP", "X-Real-IP"},
                        {"host", nullptr},
                        {"Content-Type", nullptr},
                        {"X-Forwarded-Proto", nullptr},
                        {"X_Real_IP", nullptr},
                        {"a b", nullptr},
                        {"", nullptr}},
                       parse_client_field, same_text);
}

TEST(Network, HoldsIpv4AsMapped) {
    const network net = parse_network("10.0.0.0/8").value.value_or(network{});
    EXPECT_EQ(net.prefix, 104);
    EXPECT_EQ(net.bytes[10], 0xff);
    EXPECT_EQ(net.bytes[11], 0xff);
    EXPECT_EQ(net.bytes[12], 10);
}

const auto same = [](const std::string& text) { return text; };

TEST(HostPattern, IsFoldedAndHasNoPort) {
    check<std::string>({{"Example.COM", "example.com"},
                        {"example.com.", "example.com"},
                        {"*.Example.com", "*.example.com"},
                        {"127.0.0.1", "127.0.0.1"},
                        {"[::1]", "[::1]"},
                        {"*", nullptr},
                        {"*.", nullptr},
                        {"*.*.com", nullptr},
                        {"a*.com", nullptr},
                        {"example.com:80", nullptr},
                        {"http://example.com", nullptr},
                        {"exa mple.com", nullptr},
                        {"example..com", nullptr},
                        {".example.com", nullptr},
                        {"", nullptr}},
                       parse_host_pattern, same);
}

TEST(RoutePath, IsInNormalForm) {
    check<std::string>({{"/", "/"},
                        {"/v1/", "/v1/"},
                        {"/a%20b", "/a%20b"},
                        {"/...", "/..."},
                        {"/.well-known/x", "/.well-known/x"},
                        {"", nullptr},
                        {"v1", nullptr},
                        {"//", nullptr},
                        {"/a//b", nullptr},
                        {"/.", nullptr},
                        {"/a/..", nullptr},
                        {"/a/./b", nullptr},
                        {"/%2e%2e/a", nullptr},
                        {"/%61dmin/", "/admin/"},
                        {"/caf%c3%a9/", "/caf%C3%A9/"},
                        {"/%7Ea", "/~a"},
                        {"/a%2eb", "/a.b"},
                        {"/a%25%2f", "/a%25%2F"},
                        {"/@scope%2fpkg", "/@scope%2Fpkg"},
                        {"/api/queues/%2F/", "/api/queues/%2F/"},
                        {"/a%5cb", "/a%5Cb"},
                        {"/a%2f..", nullptr},
                        {"/%2E%5cb", nullptr},
                        {"/a%00", nullptr},
                        {"/a%zz", nullptr},
                        {"/a%", nullptr},
                        {"/a%2", nullptr},
                        {"/a?b", nullptr},
                        {"/a#b", nullptr},
                        {"/a\\b", nullptr},
                        {"/a b", nullptr},
                        {"/é", nullptr}},
                       parse_route_path, same);
}

TEST(UpgradeName, IsAProtocolThatCarriesNoRequestsOfHttp) {
    const std::string longest = std::string(61, 'a') + "/12";
    const std::string longer = std::string(62, 'a') + "/12";
    check<std::string>({{"websocket", "websocket"},
                        {"spdy/3.1", "spdy/3.1"},
                        {"tailscale-control-protocol", "tailscale-control-protocol"},
                        {"TCP", "TCP"},
                        {longest.c_str(), longest.c_str()},
                        {longer.c_str(), nullptr},
                        {"", nullptr},
                        {"a b", nullptr},
                        {"a, b", nullptr},
                        {"a/", nullptr},
                        {"/b", nullptr},
                        {"a/b/c", nullptr},
                        {"h2c", nullptr},
                        {"H2C", nullptr},
                        {"HTTP/2.0", nullptr}},
                       parse_upgrade, same);
}

TEST(RedirectTarget, CannotSplitAHeadOrLeaveHttp) {
    check<std::string>({{"https://example.com/new/", "https://example.com/new/"},
                        {"HTTP://example.com", "HTTP://example.com"},
                        {"/new", "/new"},
                        {"//evil.example", nullptr},
                        {"https://", nullptr},
                        {"https:///x", nullptr},
                        {"javascript:alert(1)", nullptr},
                        {"/a\r\nb", nullptr},
                        {"/a b", nullptr},
                        {"", nullptr}},
                       parse_redirect_target, same);
}

TEST(Name, HasOneToSixtyFourSafeBytes) {
    EXPECT_FALSE(is_name(""));
    EXPECT_TRUE(is_name("a"));
    EXPECT_TRUE(is_name(std::string(64, 'a')));
    EXPECT_FALSE(is_name(std::string(65, 'a')));
    EXPECT_TRUE(is_name("A-z_0.9"));
    for (const char* const bad : {"a b", "a\"b", "a{", "é", "a/b", "a\n"}) {
        EXPECT_FALSE(is_name(bad)) << bad;
    }
}

}  // namespace
}  // namespace penstock::config
