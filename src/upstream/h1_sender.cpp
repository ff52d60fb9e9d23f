#include "upstream/h1_sender.hpp"

#include "penstock/exchange/websocket_key.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/worker.hpp"
#include "penstock/upstream/failure.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace penstock::upstream {
namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace

http::framing h1_sender::choose_framing() const {
    using http::framing_kind;
    const http::method verb = from_.head.verb;
    const bool empty = from_.body->finished();
    if ((empty && from_.body->trailers().empty()) || from_.wants_websocket) {
        const bool announce = http::anticipates_content(verb) && !from_.wants_websocket;
        return {announce ? framing_kind::length : framing_kind::none, 0};
    }
    // Behind an empty body with trailers a length would leave them no place; one that has not ended
    // yet may still bring some.
    const std::optional<std::uint64_t> length = from_.body->length();
    if (length && *length > 0 && !empty)
        return {framing_kind::length, *length};
    return {framing_kind::chunked, 0};
}

result<void> h1_sender::begin(std::string_view host) {
    framing_ = choose_framing();
    length_left_ = framing_.length;
    http::request_encoding how;
    how.body = framing_;
    how.upgrade = from_.protocol();
    how.trailers = from_.accepts_trailers;
    scratch_.clear();
    if (!from_.expects_continue)
        from_.head.fields.remove(http::field_id::expect);
    // A client of HTTP/1 has its own, or none, and checks the answer itself.
    if (from_.wants_websocket && from_.head.version == http::version::http_2) {
        from_.head.fields.remove(exchange::websocket_key_name);
        key_ = exchange::make_websocket_key();
        from_.head.fields.add(exchange::websocket_key_name, key_);
    }
    const bool borrows_host = from_.head.authority.empty();
    if (borrows_host)
        from_.head.authority = host;
    const result<void> encoded = http::encode_request(from_.head, how, scratch_);
    if (borrows_host)
        from_.head.authority.clear();
    // Another attempt has a key of its own.
    if (!key_.empty())
        from_.head.fields.remove(exchange::websocket_key_name);
    if (!encoded)
        return error(errc::unwritable_request);
    add_part(scratch_);
    if (from_.wants_websocket) {
        ended_ = true;
    } else {
        load();
    }
    write_pending();
    return {};
}

void h1_sender::add_part(std::string_view bytes) noexcept {
    // The kernel only reads what an iovec of a write points to.
    parts_[part_end_++] = {const_cast<char*>(bytes.data()), bytes.size()};
}

// Takes what the client has sent and makes it the next parts. False if nothing is here.
bool h1_sender::load() {
    if (from_.body->finished()) {
        load_end();
        return true;
    }
    const result<std::string_view> taken = from_.body->take(take_max);
    if (!taken) {
        fail_client(taken.error());
        return true;
    }
    const std::string_view data = *taken;
    if (!data.empty()) {
        body_used_ = true;
        if (framing_.kind == http::framing_kind::chunked) {
            size_line_ = http::encode_chunk_size(data.size());
            add_part({size_line_.text.data(), size_line_.size});
            add_part(data);
            add_part(crlf);
        } else {
            add_part(data);
        }
        if (framing_.kind == http::framing_kind::length) {
            // A source that gives more than it announced would write into the next request.
            if (data.size() > length_left_)
                fail_client(http::errc::length_conflict);
            length_left_ -= data.size();
        }
        // While there is something to send it is not the origin's turn to speak.
        stream_.read_deadline_off();
    }
    if (!failed_ && from_.body->finished())
        load_end();
    return !data.empty() || ended_ || failed_;
}

void h1_sender::load_end() {
    ended_ = true;
    if (framing_.kind == http::framing_kind::length && length_left_ > 0) {
        fail_client(http::errc::truncated);
        return;
    }
    if (framing_.kind != http::framing_kind::chunked)
        return;
    const http::fields& trailers = from_.body->trailers();
    if (trailers.empty()) {
        add_part(last_chunk);
        return;
    }
    // The head may still be waiting in front of it, so its text must stay where it is.
    trailer_.clear();
    if (!http::encode_last_chunk(trailers, trailer_))
        trailer_ = last_chunk;
    add_part(trailer_);
}

// Writes parts until all are gone or the kernel takes no more.
void h1_sender::write_pending() {
    while (part_first_ < part_end_ && !failed_) {
        const std::span<iovec> left(parts_.data() + part_first_, part_end_ - part_first_);
        const result<std::size_t> written = stream_.write(left);
        if (!written) {
            if (written.error() == net::errc::would_block)
                return;
            failed_ = written.error();
            return;
        }
        sent_any_ = true;
        std::size_t count = *written;
        while (part_first_ < part_end_ && count >= parts_[part_first_].iov_len) {
            count -= parts_[part_first_++].iov_len;
        }
        if (part_first_ == part_end_)
            break;
        iovec& partly = parts_[part_first_];
        partly.iov_base = static_cast<char*>(partly.iov_base) + count;
        partly.iov_len -= count;
        if (!stream_.writable().await_ready())
            return;
    }
    if (failed_)
        return;
    part_first_ = part_end_ = 0;
    if (!ended_)
        return;
    const result<void> flushed = stream_.flush();
    if (flushed) {
        complete_ = true;
    } else if (flushed.error() != net::errc::would_block) {
        failed_ = flushed.error();
    }
}

net::task<> h1_sender::pump() {
    while (!over()) {
        if (part_first_ < part_end_ || ended_) {
            write_pending();
            if (over())
                break;
            if (part_first_ < part_end_ || ended_)
                co_await wait_for_origin();
            else
                co_await after_write();
            continue;
        }
        if (movable())
            co_await move();
        if (!over() && !load())
            co_await wait_for_client();
    }
    finish();
}

// However small its pieces are, one upload leaves the others their turn.
net::task<> h1_sender::after_write() {
    if (++writes_in_turn_ < writes_in_turn_max)
        co_return;
    writes_in_turn_ = 0;
    co_await net::next_turn(stream_.home());
}

// Nothing is pending, and what follows is nothing but a long run of the body's bytes.
bool h1_sender::movable() const noexcept {
    return framing_.kind == http::framing_kind::length && !stream_.is_tls() &&
           from_.body->movable() >= move_min;
}

// Until the run has ended, or nothing more of it is here: then the pipe is for others. Without a
// pipe nothing happens, and the bytes are copied.
net::task<> h1_sender::move() {
    net::pipe pipe = stream_.home().pipes().take();
    if (!pipe)
        co_return;
    while (!over() && (pipe.held() > 0 || from_.body->movable() > 0)) {
        if (pipe.held() == 0 && !fill(pipe))
            co_return;
        const result<std::size_t> moved = stream_.write_from(pipe);
        if (moved) {
            sent_any_ = true;
            co_await after_write();
        } else if (moved.error() == net::errc::would_block) {
            co_await wait_for_origin();
        } else {
            failed_ = moved.error();
        }
    }
}

// False if nothing is here, or never will be.
bool h1_sender::fill(net::pipe& into) {
    std::uint64_t most = std::min<std::uint64_t>(from_.body->movable(), net::pipe::bytes_max);
    most = std::min(most, length_left_);
    if (most == 0)
        return false;
    const result<std::size_t> moved = from_.body->move_into(into, static_cast<std::size_t>(most));
    if (!moved) {
        fail_client(moved.error());
        return false;
    }
    if (*moved == 0)
        return false;
    body_used_ = true;
    length_left_ -= *moved;
    // While there is something to send it is not the origin's turn to speak.
    stream_.read_deadline_off();
    return true;
}

net::task<> h1_sender::tunnel() {
    raw_ = quiet_ = true;
    ended_ = complete_ = false;
    framing_ = {http::framing_kind::none, 0};
    co_await pump();
    if (complete_)
        stream_.shutdown_write();
}

net::task<> h1_sender::wait_for_origin() {
    // From the moment of the wait on, which may be late in a turn that copied much.
    if (!raw_)
        stream_.write_deadline(net::worker::clock() + limits_.idle, net::errc::write_timeout);
    charge(exchange::phase::send);
    const error waited = co_await stream_.writable();
    charge_loop();
    stream_.write_deadline_off();
    writes_in_turn_ = 0;
    if (waited)
        failed_ = waited;
}

net::task<> h1_sender::wait_for_client() {
    waits_for_client_ = true;
    charge(client_phase());
    const result<void> waited = co_await from_.body->wait();
    charge_loop();
    waits_for_client_ = false;
    if (!waited && !stopping_)
        fail_client(waited.error());
}

void h1_sender::charge(exchange::phase waits_in) noexcept {
    phase_ = waits_in;
    if (!quiet_)
        from_.record->ledger.enter(waits_in, net::worker::clock());
}

void h1_sender::charge_loop() noexcept {
    if (!quiet_)
        from_.record->ledger.enter(exchange::phase::loop, stream_.home().now());
}

exchange::phase h1_sender::client_phase() const noexcept {
    const bool awaits_100 = from_.expects_continue && !continued_ && !body_used_;
    return awaits_100 ? exchange::phase::first_byte : exchange::phase::body;
}

// The request cannot become whole any more: whoever reads the response hears the client's error.
void h1_sender::fail_client(error why) noexcept {
    failed_ = client_failure_ = why;
    stream_.abort(why);
}

void h1_sender::stop(body_after body) noexcept {
    if (over())
        return;
    stopping_ = true;
    if (waits_for_client_)
        from_.body->wake();
    if (body == body_after::unwanted)
        from_.body->stop();
}

void h1_sender::finish() noexcept {
    if (stopping_)
        return;
    if (awaits_body_)
        start_idle_clock();
    if (quiet_)
        return;
    charge(exchange::phase::first_byte);
    start_first_byte_clock();
}

void h1_sender::begin_body_wait() noexcept {
    awaits_body_ = true;
    start_idle_clock();
}

void h1_sender::end_body_wait() noexcept {
    awaits_body_ = false;
    stream_.read_deadline_off();
}

void h1_sender::start_idle_clock() noexcept {
    if (!over() && client_phase() != exchange::phase::first_byte)
        return;
    stream_.read_deadline(stream_.home().now() + limits_.idle, net::errc::upstream_idle_timeout);
}

void h1_sender::start_first_byte_clock() noexcept {
    if (!over() && client_phase() != exchange::phase::first_byte)
        return;
    stream_.read_deadline(stream_.home().now() + limits_.first_byte, net::errc::first_byte_timeout);
}

}  // namespace penstock::upstream
