// One origin for a whole suite of tests: each request says by the first segment of its path what
// is to happen to it, so that a test steers the origin without an origin of its own.
//
// Flow: `on("name", act)`; requests to /name… then run `act`. A request that nobody steers is read
// to its end and answered with its own target. `heard` says which requests came on which
// connection.
#pragma once

#include "support/scripted_origin.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

// How bytes are written: at once, or each by itself.
enum class writing { whole, bytewise };
inline constexpr writing both_ways[] = {writing::whole, writing::bytewise};
[[nodiscard]] inline const char* name(writing how) noexcept {
    return how == writing::whole ? "whole" : "bytewise";
}
// A side that has closed is no failure here: what a test sends may be the reason.
void say(peer& to, std::string_view bytes, writing how);

class steered_origin {
 public:
    // What happens to one request, of which only the head was read. True: the connection serves
    // more; false: it is closed.
    using act = std::function<bool(peer& client, http_request& head)>;
    struct heard_request {
        int connection;
        http_request request;  // its head
    };

    explicit steered_origin(std::optional<certificate_files> tls = std::nullopt);

    void on(std::string first_segment, act what);
    // Answers with these bytes whatever is asked, once the whole request was read.
    void answer(std::string first_segment, std::string bytes, writing how, bool close = false);
    [[nodiscard]] std::vector<heard_request> heard(std::string_view first_segment) const;
    // The connection on which the last of them came; -1 if there was none.
    [[nodiscard]] int last_connection(std::string_view first_segment) const;

    [[nodiscard]] scripted_origin& raw() noexcept { return origin_; }
    [[nodiscard]] std::string address() const { return origin_.address(); }

 private:
    void serve(peer& client, int index);

    mutable std::mutex mutex_;
    std::map<std::string, act, std::less<>> acts_;
    std::map<std::string, std::vector<heard_request>, std::less<>> heard_;
    scripted_origin origin_;
};

// What a client can see of one response, whether it is whole or not.
struct seen_response {
    http_response head;     // with the body as far as it came
    bool whole = false;     // read to its end in one way
    std::string fault;      // why it was not
    bool closes = false;    // the connection serves no more
    std::string left_over;  // bytes behind it, as far as they were here with it
};
[[nodiscard]] seen_response see_response(peer& client, std::string_view method = "GET");

}  // namespace penstock::test
