#include "support/h2_client.hpp"

#include <cstdlib>

namespace penstock::test {
namespace {

connect_options options_of(bool tls) {
    connect_options options;
    options.tls = tls;
    options.server_name = tls ? "a.test" : "";
    options.alpn = tls ? "h2" : "";
    return options;
}

int status_of(const h2::field_list& head) { return std::atoi(h2::value(head, ":status").c_str()); }

}  // namespace

std::size_t h2_response::final_at() const {
    std::size_t at = 0;
    while (at < heads.size() && status_of(heads[at]) / 100 == 1)
        ++at;
    return at;
}

int h2_response::status() const {
    const std::size_t at = final_at();
    return at < heads.size() ? status_of(heads[at]) : 0;
}

std::vector<int> h2_response::interim() const {
    std::vector<int> found;
    for (std::size_t i = 0; i < final_at(); ++i)
        found.push_back(status_of(heads[i]));
    return found;
}

std::string h2_response::field(std::string_view name) const {
    const std::size_t at = final_at();
    return at < heads.size() ? h2::value(heads[at], name) : "";
}

std::string h2_response::trailer(std::string_view name) const {
    const std::size_t at = final_at() + 1;
    return at < heads.size() ? h2::value(heads[at], name) : "";
}

h2_client::h2_client(std::uint16_t port, bool tls) : wire(port, options_of(tls)) {
    wire.send(h2::hello());
}

const h2_response& h2_client::response(std::uint32_t stream, milliseconds limit) {
    const h2_response& found = responses[stream];
    while (!found.over()) {
        if (!read(limit))
            throw test_error("the connection ended before the response");
    }
    return found;
}

const h2_response& h2_client::body(std::uint32_t stream, std::size_t bytes) {
    const h2_response& found = responses[stream];
    while (found.body.size() < bytes) {
        if (!read())
            throw test_error("the connection ended before so many bytes");
    }
    return found;
}

std::optional<std::uint32_t> h2_client::goaway() {
    for (;;) {
        if (!goaways.empty() && goaways.back().number(4) != 0)
            return goaways.back().number(4);
        if (!read())
            return std::nullopt;
    }
}

bool h2_client::read(milliseconds limit) {
    while (!h2::next_frame(received_, last)) {
        const std::string more = wire.read_some(limit);
        if (more.empty())
            return false;
        received_ += more;
    }
    take(last);
    return true;
}

void h2_client::open_window(std::uint32_t stream, std::uint32_t by) {
    send(h2::frame(h2::window_update, 0, stream, h2::number(by)));
}

void h2_client::take(const h2::read_frame& next) {
    h2_response& of = responses[next.stream];
    switch (next.type) {
        case h2::headers:
            if (!next.has(h2::end_headers))
                throw test_error("a head in several frames");
            of.heads.push_back(inflater_.decode(next.payload));
            of.ended = of.ended || next.has(h2::end_stream);
            break;
        case h2::data:
            of.body += next.payload;
            of.ended = of.ended || next.has(h2::end_stream);
            break;
        case h2::rst_stream:
            of.reset = next.number();
            break;
        case h2::settings:
            if (next.has(h2::ack))
                break;
            for (std::size_t at = 0; at + 6 <= next.payload.size(); at += 6)
                settings[static_cast<unsigned char>(next.payload[at + 1])] = next.number(at + 2);
            send(h2::frame(h2::settings, h2::ack, 0));
            break;
        case h2::ping:
            if (!next.has(h2::ack))
                send(h2::frame(h2::ping, h2::ack, 0, next.payload));
            break;
        case h2::goaway:
            goaways.push_back(next);
            break;
        default:
            break;
    }
}

}  // namespace penstock::test
