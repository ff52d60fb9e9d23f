// Any frames as a client's side of an HTTP/2 connection. The first byte says how they are cut, then
// come records: type, flags, stream, length of the payload, payload; a type with its high bit set
// stands for raw bytes. Whatever comes, the session answers with whole frames, holds no more than
// its windows, and hands up no head that an HTTP/1 neighbour could read in two ways; no GOAWAY
// names a stream below one that was handed up, before or after, nor above the GOAWAY before it.
// Where it has reset nothing and nobody left early, every cut gives the same end, and the same
// requests as far as they go: an end keeps out what was read with it.
#include "h2_records.hpp"
#include "penstock/base/check.hpp"
#include "penstock/http/h1_head.hpp"
#include "penstock/http/h2_server_session.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

using namespace penstock;
using namespace penstock::fuzz;

namespace {

constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

struct outcome {
    std::vector<std::string> requests;
    http::h2_code end = http::h2_code::no_error;
    bool reset = false;       // by us
    bool over_early = false;  // the client said goodbye, and went on
};

class game {
 public:
    // Refuses new streams behind so many pieces; 0 = never.
    explicit game(bool acts, std::size_t refuses_at = 0) : acts_(acts), refuses_at_(refuses_at) {
        limits_.streams = 8;
        limits_.stream_window = limits_.connection_window = 70'000;
    }

    outcome play(std::string_view text, std::size_t step) {
        http::h2_server_session session(limits_);
        time_point now{1s};
        while (!text.empty()) {
            made_.over_early = session.over();
            if (made_.over_early)
                break;
            const std::string_view next = text.substr(0, step);
            session.receive(next, now);
            text.remove_prefix(next.size());
            if (refuses_at_ > 0 && ++pieces_ == refuses_at_)
                session.refuse_new();
            serve(session);
            // The socket takes something at times only.
            if (refuses_at_ == 0 || pieces_ % 2 == 0 || text.empty())
                drain(session);
            now += 1ms;
        }
        made_.end = session.ended_by();
        return made_;
    }

 private:
    void serve(http::h2_server_session& session) {
        while (http::h2_server_stream* const stream = session.next_changed()) {
            PENSTOCK_CHECK(stream->head_complete);
            if (!stream->closed) {
                PENSTOCK_CHECK(stream->id <= last_);
                highest_ = std::max(highest_, stream->id);
            }
            PENSTOCK_CHECK(http::h2_server_session::data_waiting(*stream) <= limits_.stream_window);
            if (stream->owner == nullptr) {
                stream->owner = this;
                note(*stream);
            }
            if (!acts_)
                continue;
            (void)session.take_data(*stream, stream->id * 7);
            if (stream->id % 4 == 1 && !stream->answered) {
                http::response_head head;
                head.status = 200;
                PENSTOCK_CHECK(session.respond(*stream, head, 5, &body_));
            } else if (stream->id % 4 == 3 && !stream->closed) {
                session.reset(*stream, http::h2_code::cancel);
            }
            if (stream->closed || stream->sent)
                session.release(*stream);
        }
    }

    void note(const http::h2_server_stream& of) {
        const http::request_head& head = of.head;
        made_.requests.push_back(head.method_text + ' ' + head.authority + head.path + head.query);
        if (of.refused || head.verb == http::method::connect)
            return;
        // What is forwarded has one reading for the next parser.
        std::string text;
        http::request_encoding how;
        http::request_head copy = head;
        for (const http::field_id id : {http::field_id::te, http::field_id::connection})
            copy.fields.remove(id);
        PENSTOCK_CHECK(http::encode_request(copy, how, text));
        http::head_limits limits;
        limits.count = 400;
        limits.line = limits.head = limits.field = 128 * 1024;
        http::h1_request_parser parser(limits);
        http::request_head again;
        const auto fed = parser.feed(text, again);
        PENSTOCK_CHECK(fed && *fed && **fed == text.size());
        PENSTOCK_CHECK(again.path == head.path && again.authority == head.authority);
    }

    void drain(http::h2_server_session& session) {
        std::string out;
        session.send(out, all);
        while (!out.empty()) {
            PENSTOCK_CHECK(out.size() >= 9);
            std::size_t length = 0;
            for (std::size_t i = 0; i < 3; ++i)
                length = length << 8U | static_cast<unsigned char>(out[i]);
            PENSTOCK_CHECK(out.size() >= 9 + length);
            made_.reset = made_.reset || out[3] == 3;
            if (out[3] == 7)
                note_goaway(std::string_view(out).substr(9, 4));
            out.erase(0, 9 + length);
        }
    }

    void note_goaway(std::string_view id) {
        http::h2_stream_id last = 0;
        for (const char each : id)
            last = last << 8U | static_cast<unsigned char>(each);
        PENSTOCK_CHECK(last >= highest_ && last <= last_);
        last_ = last;
    }

    http::h2_limits limits_;
    short_body body_;
    outcome made_;
    bool acts_;
    std::size_t refuses_at_;
    std::size_t pieces_ = 0;
    http::h2_stream_id highest_ = 0;  // that was handed up open
    http::h2_stream_id last_ = http::h2_stream_id_max;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1)
        return 0;
    const std::string text = std::string(http::h2_preface) +
                             frames_of({reinterpret_cast<const char*>(data) + 1, size - 1});
    const std::size_t step = std::size_t{data[0]} % 40 + 1;
    (void)game(true).play(text, step);
    (void)game(data[0] % 2 == 0, std::size_t{data[0]} / 40 * 2 + 1).play(text, step);
    const outcome whole = game(false).play(text, all);
    const outcome cut = game(false).play(text, step);
    if (whole.reset || cut.reset || cut.over_early)
        return 0;
    PENSTOCK_CHECK(whole.end == cut.end);
    PENSTOCK_CHECK(whole.requests.size() <= cut.requests.size());
    PENSTOCK_CHECK(whole.end != http::h2_code::no_error ||
                   whole.requests.size() == cut.requests.size());
    PENSTOCK_CHECK(std::equal(whole.requests.begin(), whole.requests.end(), cut.requests.begin()));
    return 0;
}
