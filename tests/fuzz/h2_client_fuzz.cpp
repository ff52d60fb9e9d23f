// Any frames as an origin's side of an HTTP/2 connection. The first byte says how they are cut,
// then come records: type, flags, stream, length of the payload, payload; a type with its high bit
// set stands for raw bytes. Whatever comes, the session answers with whole frames, holds no more
// than its windows, tells each stream's owner, and hands up no head that an HTTP/1 client could
// read in two ways.
#include "h2_records.hpp"
#include "penstock/base/check.hpp"
#include "penstock/http/forwarding.hpp"
#include "penstock/http/h1_head.hpp"
#include "penstock/http/h2_client_session.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

using namespace penstock;
using namespace penstock::fuzz;

namespace {

// What a client of the other version would be sent.
void check_head(const http::response_head& came) {
    http::response_head head = came;
    http::strip_hop_by_hop(head.fields);
    std::string text;
    http::response_encoding how;
    PENSTOCK_CHECK(http::encode_response(head, how, text));
    http::head_limits limits;
    limits.count = 400;
    limits.line = limits.head = limits.field = 256 * 1024;
    http::h1_response_parser parser(limits);
    http::response_head again;
    const auto fed = parser.feed(text, again);
    PENSTOCK_CHECK(fed && *fed && **fed == text.size());
    PENSTOCK_CHECK(again.status == head.status);
}

class game {
 public:
    game() : session_(limits()) {
        for (int i = 0; i < 3; ++i)
            open();
    }

    void play(std::string_view text, std::size_t step) {
        time_point now{1s};
        drain();
        while (!text.empty()) {
            const std::string_view next = text.substr(0, step);
            session_.receive(next, now);
            text.remove_prefix(next.size());
            while (http::h2_client_stream* const stream = session_.next_changed())
                serve(*stream);
            if (session_.slots() > 0 && opened_ < 20)
                open();
            drain();
            now += 1ms;
        }
    }

 private:
    static http::h2_limits limits() {
        http::h2_limits made;
        made.streams = 4;
        made.stream_window = made.connection_window = 70'000;
        return made;
    }

    void open() {
        http::request_head head;
        const bool odd = opened_++ % 2 != 0;
        head.verb = odd ? http::method::head : http::method::post;
        head.method_text = odd ? "HEAD" : "POST";
        head.scheme = "http";
        head.authority = "a.test";
        head.path = "/";
        http::h2_request_encoding how;
        if (!odd)
            how.length = 5;
        const auto stream = session_.open(head, how, odd ? nullptr : &body_);
        if (stream)
            (*stream)->owner = this;
    }

    void serve(http::h2_client_stream& of) {
        PENSTOCK_CHECK(of.owner == this);
        PENSTOCK_CHECK(http::h2_session::data_waiting(of) <= 70'000);
        PENSTOCK_CHECK(of.interims.size() <= http::h2_client_stream::interims_max);
        for (const http::response_head& head : of.interims) {
            PENSTOCK_CHECK(head.status >= 100 && head.status < 200 && head.status != 101);
        }
        of.interims.clear();
        if (of.head_complete)
            check_head(of.head);
        (void)session_.take_data(of, of.id * 7);
        if (of.id % 4 == 3 && of.head_complete && !of.closed)
            session_.reset(of, http::h2_code::cancel);
        if (of.closed)
            session_.release(of);
    }

    void drain() {
        std::string out;
        session_.send(out, std::numeric_limits<std::size_t>::max());
        std::string_view left = out;
        if (left.starts_with(http::h2_preface))
            left.remove_prefix(http::h2_preface.size());
        while (!left.empty()) {
            PENSTOCK_CHECK(left.size() >= 9);
            std::size_t length = 0;
            for (std::size_t i = 0; i < 3; ++i)
                length = length << 8U | static_cast<unsigned char>(left[i]);
            PENSTOCK_CHECK(left.size() >= 9 + length);
            left.remove_prefix(9 + length);
        }
    }

    short_body body_;
    http::h2_client_session session_;
    int opened_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1)
        return 0;
    const std::string text = frames_of({reinterpret_cast<const char*>(data) + 1, size - 1});
    game().play(text, std::size_t{data[0]} % 40 + 1);
    game().play(text, text.size());
    return 0;
}
