// Either version of HTTP on either side of Penstock: one client and one origin that say the same in
// both, step by step, so that a test is written once for all four pairs.
#pragma once

#include "support/h2_client.hpp"
#include "support/h2_server.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::test {

struct version_pair {
    bool h2_client;
    bool h2_origin;
    [[nodiscard]] std::string name() const {
        return std::string(h2_client ? "H2" : "H1") + (h2_origin ? "ToH2" : "ToH1");
    }
};
inline std::ostream& operator<<(std::ostream& out, const version_pair& of) {
    return out << of.name();
}

inline const std::vector<version_pair>& all_pairs() {
    static const std::vector<version_pair> all{
        {false, false}, {false, true}, {true, false}, {true, true}};
    return all;
}

inline std::string pair_configuration(const version_pair& of, const std::string& origin) {
    return proxy_to(origin, of.h2_origin ? "protocol: h2" : "");
}

inline std::string lines_of(const field_list& fields) {
    std::string out;
    for (const auto& [name, value] : fields)
        out += name + ": " + value + "\r\n";
    return out;
}

inline std::string chunk(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    return std::string(1, digits.at(bytes.size())) + "\r\n" + std::string(bytes) + "\r\n";
}

// One connection of the origin, within its script. Names of fields are in lower case.
class pair_origin {
 public:
    pair_origin(peer& wire, const version_pair& of) : wire_(wire) {
        if (of.h2_origin)
            h2_.emplace(wire);
    }
    // Reads the head of a request; false if there is none any more.
    bool request() {
        if (h2_)
            return (stream_ = h2_->request()) != 0;
        return read_request_head(wire_).has_value();
    }
    // Reads until the body of the request has come up to `text`, or past it.
    bool hears(std::string_view text) {
        if (!h2_)
            return !wire_.read_until(text).empty();
        while (h2_->body.find(text) == std::string::npos) {
            if (!h2_->read() || h2_->last.type == h2::rst_stream)
                return false;
        }
        return true;
    }
    // Reads the end of a body of which nobody has said the length.
    bool hears_end() {
        if (!h2_)
            return !wire_.read_until("0\r\n\r\n").empty();
        while (!h2_->ended) {
            if (!h2_->read())
                return false;
        }
        return true;
    }
    void interim(int status, const field_list& fields = {}) { send_head(status, fields, false); }
    // A head behind which nothing comes, whatever it announces.
    void bare(int status, const field_list& fields) { send_head(status, fields, true); }
    void head(int status, const field_list& fields) { send_head(status, fields, false); }
    // Of a body whose length the head has said.
    void body(std::string_view bytes, bool end) {
        wire_.send(h2_ ? h2::body(stream_, bytes, end) : std::string(bytes));
    }
    // A response in one.
    void answer(int status, std::string_view text) {
        head(status, {{"content-length", std::to_string(text.size())}});
        body(text, true);
    }
    void wait_for(const gate& to_open) const { wire_.wait_for(to_open); }
    // How the upload ended that was not wanted: the code of its stream's reset, or nothing once the
    // connection is closed.
    std::optional<std::uint32_t> cut() {
        if (!h2_) {
            (void)wire_.wait_closed();
            return std::nullopt;
        }
        while (h2_->read()) {
            if (h2_->last.type == h2::rst_stream && h2_->last.stream == stream_)
                return h2_->reset;
        }
        return std::nullopt;
    }

 private:
    void send_head(int status, const field_list& fields, bool end) {
        if (!h2_) {
            wire_.send("HTTP/1.1 " + std::to_string(status) + " Status\r\n" + lines_of(fields) +
                       "\r\n");
            return;
        }
        h2::field_list all{{":status", std::to_string(status)}};
        all.insert(all.end(), fields.begin(), fields.end());
        wire_.send(h2::head(stream_, all, end));
    }

    peer& wire_;
    std::optional<h2_server> h2_;
    std::uint32_t stream_ = 0;
};

// One connection of a client; one request at a time. Names of fields are in lower case.
class pair_client {
 public:
    pair_client(const version_pair& of, std::uint16_t port) {
        if (of.h2_client)
            h2_.emplace(port);
        else
            h1_.emplace(port);
    }
    // A request's head, which is all of it if `end`.
    void ask(const std::string& method, const field_list& fields = {}, bool end = true) {
        method_ = method;
        stream_ += 2;
        if (h1_) {
            h1_->send(method + " /x HTTP/1.1\r\nhost: a.test\r\n" + lines_of(fields) + "\r\n");
            return;
        }
        h2::field_list all = h2::get("/x", fields);
        all.front().second = method;
        h2_->send(h2::head(stream_, all, end));
    }
    // Of a body whose length the head has said.
    void body(std::string_view bytes, bool end) {
        if (h1_)
            h1_->send(bytes);
        else
            h2_->send(h2::body(stream_, bytes, end));
    }
    // Of one whose length nobody knows: `transfer-encoding: chunked` is for HTTP/1 to say.
    void piece(std::string_view bytes) {
        if (h1_)
            h1_->send(chunk(bytes));
        else
            h2_->send(h2::body(stream_, bytes, false));
    }
    void last_piece() {
        if (h1_)
            h1_->send("0\r\n\r\n");
        else
            h2_->send(h2::body(stream_, ""));
    }
    // Reads until an interim head of that status is there; it is given back to HTTP/1's reader.
    void await_interim(int status) {
        if (h1_) {
            const std::string head = h1_->read_until("\r\n\r\n");
            if (head.find(' ' + std::to_string(status) + ' ') == std::string::npos)
                throw test_error("another head: " + head);
            h1_->put_back(head);
            return;
        }
        while (h2_->responses[stream_].heads.empty()) {
            if (!h2_->read())
                throw test_error("no interim head");
        }
    }
    // Reads until the body of the response has come up to `text`, or past it.
    void hears(std::string_view text) {
        if (h1_) {
            seen_ += h1_->read_until(text);
            return;
        }
        while (h2_->responses[stream_].body.find(text) == std::string::npos) {
            if (!h2_->read())
                throw test_error("the connection ended before " + std::string(text));
        }
    }
    // The whole response, also what was heard of it.
    http_response response() {
        if (h1_) {
            h1_->put_back(std::exchange(seen_, {}));
            return read_response(*h1_, method_);
        }
        const h2_response& from = h2_->response(stream_);
        http_response found;
        found.status = from.status();
        found.interim = from.interim();
        found.body = from.body;
        if (from.heads.size() > from.interim().size())
            found.fields = from.heads[from.interim().size()];
        return found;
    }
    // The value of a field in the first interim head.
    std::string interim_field(std::string_view name) {
        if (h2_)
            return h2::value(h2_->responses[stream_].heads.at(0), name);
        const std::string& all = h1_->received();
        const std::string head = all.substr(0, all.find("\r\n\r\n"));
        const std::size_t at = head.find("\r\n" + std::string(name) + ": ");
        if (at == std::string::npos)
            return "";
        const std::size_t begin = at + name.size() + 4;
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
    // The code with which our stream was reset behind the response; waits for it.
    std::uint32_t reset() {
        while (!h2_->responses[stream_].reset) {
            if (!h2_->read())
                throw test_error("the stream was not reset");
        }
        return *h2_->responses[stream_].reset;
    }
    [[nodiscard]] bool is_h2() const noexcept { return h2_.has_value(); }
    [[nodiscard]] peer& wire() noexcept { return h1_ ? *h1_ : h2_->wire; }

 private:
    std::optional<peer> h1_;
    std::optional<h2_client> h2_;
    std::string method_;
    std::string seen_;
    std::uint32_t stream_ = 0xffffffff;  // 1 is the first
};

}  // namespace penstock::test
