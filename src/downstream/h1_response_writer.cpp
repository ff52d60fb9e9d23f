#include "downstream/h1_response_writer.hpp"

#include "penstock/net/error.hpp"
#include "penstock/net/worker.hpp"

#include <algorithm>
#include <utility>

namespace penstock::downstream {
namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace

void h1_response_writer::add_part(std::string_view bytes) noexcept {
    // The kernel only reads what an iovec of a write points to.
    parts_[part_count_++] = {const_cast<char*>(bytes.data()), bytes.size()};
}

void h1_response_writer::add_head() noexcept {
    if (std::exchange(head_pending_, false))
        add_part(text_);
}

net::task<> h1_response_writer::write_head() {
    add_head();
    if (closes_behind_)
        to_.end_with_write();
    const outcome written = write_parts();
    if (written != outcome::done)
        co_await write_later(written);
    complete_ = !client_failed_;
}

net::task<> h1_response_writer::relay(std::unique_ptr<exchange::body_source>& body,
                                      http::framing framing, bool trailers) {
    body_ = &body;
    framing_ = framing;
    left_ = framing.length;
    add_head();
    for (bool last = false; !last;) {
        if (movable(*body))
            co_await move(body);
        if (client_failed_ || body_failed_)
            co_return;
        const result<std::string_view> data = body->take(take_max);
        if (!data)
            body_failed_ = data.error();
        if (data && !add_data(*data))
            body_failed_ = http::errc::length_conflict;
        last = body_failed_ || body->finished();
        if (last && !body_failed_ && !add_end(body->trailers(), trailers)) {
            body_failed_ = http::errc::truncated;
        }
        if (body_failed_ && !begun_)
            co_return;
        if (last && !body_failed_ && closes_behind_)
            to_.end_with_write();
        const outcome written = write_parts();
        if (written != outcome::done)
            co_await write_later(written);
        if (client_failed_ || body_failed_)
            co_return;
        record_.response_bytes += data->size();
        if (listener_ != nullptr && !data->empty())
            listener_->on_tunnel_bytes();
        if (last || !data->empty())
            continue;
        unpaused_ = 0;
        const result<void> waited = co_await body->wait();
        if (!waited) {
            body_failed_ = waited.error();
            co_return;
        }
    }
    complete_ = true;
}

// False if a source gives more than it announced; the excess never leaves.
bool h1_response_writer::add_data(std::string_view data) {
    if (data.empty())
        return true;
    switch (framing_.kind) {
        case http::framing_kind::length:
            if (data.size() > left_)
                return false;
            left_ -= data.size();
            break;
        case http::framing_kind::chunked:
            size_line_ = http::encode_chunk_size(data.size());
            add_part({size_line_.text.data(), size_line_.size});
            add_part(data);
            add_part(crlf);
            return true;
        case http::framing_kind::none:
        case http::framing_kind::until_close:
            break;
    }
    add_part(data);
    return true;
}

// False if the body ended before the length that was announced.
bool h1_response_writer::add_end(const http::fields& trailers, bool wanted) {
    if (framing_.kind == http::framing_kind::length)
        return left_ == 0;
    if (framing_.kind != http::framing_kind::chunked)
        return true;
    if (!wanted || trailers.empty()) {
        add_part(last_chunk);
        return true;
    }
    // The head may still be waiting in front of it in the same text, which must not move then.
    std::string end;
    if (!http::encode_last_chunk(trailers, end)) {
        add_part(last_chunk);
        return true;
    }
    const bool head_waits = part_count_ > 0 && parts_[0].iov_base == text_.data();
    const std::size_t head = head_waits ? text_.size() : 0;
    text_.resize(head);
    text_ += end;
    if (head_waits)
        parts_[0].iov_base = text_.data();
    add_part(std::string_view(text_).substr(head));
    return true;
}

// Everything that is pending, or errc::would_block with the rest left in the parts.
result<void> h1_response_writer::try_write() {
    while (part_first_ < part_count_) {
        const std::span<iovec> left(parts_.data() + part_first_, part_count_ - part_first_);
        const result<std::size_t> written = to_.write(left);
        if (!written)
            return written.error();
        begun_ = true;
        unpaused_ += std::max(*written, write_cost_min);
        std::size_t count = *written;
        while (part_first_ < part_count_ && count >= parts_[part_first_].iov_len) {
            count -= parts_[part_first_++].iov_len;
        }
        if (part_first_ == part_count_)
            break;
        iovec& partly = parts_[part_first_];
        partly.iov_base = static_cast<char*>(partly.iov_base) + count;
        partly.iov_len -= count;
        // After a short write the kernel has said what asking again would say.
        if (!to_.writable().await_ready())
            return error(net::errc::would_block);
    }
    return to_.flush();
}

// What the kernel takes without a wait. After that nothing is pending, or a wait is due.
h1_response_writer::outcome h1_response_writer::write_parts() {
    if (part_count_ == 0)
        return outcome::done;
    const result<void> written = try_write();
    if (!written && written.error() == net::errc::would_block)
        return outcome::blocked;
    part_first_ = part_count_ = 0;
    if (!written)
        client_failed_ = written.error();
    return unpaused_ >= turn_max ? outcome::turn_over : outcome::done;
}

net::task<> h1_response_writer::write_later(outcome so_far) {
    unpaused_ = 0;
    net::worker& home = to_.home();
    if (so_far == outcome::turn_over) {
        net::next_turn pause(home);
        co_await pause;
        co_return;
    }
    begin_block();
    const std::span<iovec> left(parts_.data() + part_first_, part_count_ - part_first_);
    const result<void> written = co_await to_.write_all(left, idle_, net::errc::write_timeout);
    end_block();
    part_first_ = part_count_ = 0;
    if (written)
        begun_ = true;
    else
        client_failed_ = written.error();
}

void h1_response_writer::begin_block() {
    record_.ledger.enter(exchange::phase::client_blocked, net::worker::clock());
    if (ahead_)
        record_.ledger.pin();
    else if (ahead_most_ != nullptr && body_ != nullptr && !(*body_)->finished())
        slow_.arm(to_.home().deadlines(), to_.home().now() + read_ahead::patience, {});
}

void h1_response_writer::end_block() noexcept {
    slow_.disarm();
    record_.ledger.unpin();
    record_.ledger.enter(exchange::phase::loop, to_.home().now());
}

// Reading ahead frees the origin's connection once the rest fits; until then a long body goes on
// from socket to socket.
void h1_response_writer::on_slow() noexcept {
    if (framing_.kind == http::framing_kind::length && left_ > ahead_most_->exchange)
        return;
    std::size_t size = 0;
    for (std::size_t i = part_first_; i < part_count_; ++i)
        size += parts_[i].iov_len;
    // The parts are views into the body, and its next bytes end them.
    std::string rest;
    rest.reserve(size);
    for (std::size_t i = part_first_; i < part_count_; ++i)
        rest.append(static_cast<const char*>(parts_[i].iov_base), parts_[i].iov_len);
    auto account = std::make_shared<ahead_account>(*ahead_most_, *ahead_all_);
    // What the body waits for from here on is not what is waited for.
    record_.ledger.pin();
    std::unique_ptr<exchange::body_source> ahead =
        read_ahead::make(*body_, to_.home(), std::move(account), record_.ledger, size);
    if (!ahead)
        return record_.ledger.unpin();
    *body_ = std::move(ahead);
    rest_ = std::move(rest);
    char* at = rest_.data();
    for (std::size_t i = part_first_; i < part_count_; ++i) {
        parts_[i].iov_base = at;
        at += parts_[i].iov_len;
    }
    ahead_ = true;
}

// The head is with the kernel, and what follows is nothing but a long run of the body's bytes.
bool h1_response_writer::movable(const exchange::body_source& body) const noexcept {
    return !head_pending_ && framing_.kind != http::framing_kind::chunked && !to_.is_tls() &&
           body.movable() >= move_min;
}

// Until the run has ended, or nothing more of it is here: then the pipe is for others. Without a
// pipe nothing happens, and the bytes are copied.
net::task<> h1_response_writer::move(std::unique_ptr<exchange::body_source>& body) {
    net::worker& home = to_.home();
    net::pipe pipe = home.pipes().take();
    if (!pipe)
        co_return;
    while (pipe.held() > 0 || body->movable() > 0) {
        const move_step step = move_once(*body, pipe);
        if (step == move_step::failed || step == move_step::starved)
            co_return;
        if (step == move_step::blocked) {
            unpaused_ = 0;
            begin_block();
            to_.write_deadline(home.now() + idle_, net::errc::write_timeout);
            const error waited = co_await to_.writable();
            to_.write_deadline_off();
            end_block();
            if (waited) {
                client_failed_ = waited;
                co_return;
            }
        } else if (unpaused_ >= turn_max) {
            unpaused_ = 0;
            net::next_turn pause(home);
            co_await pause;
        }
    }
}

h1_response_writer::move_step h1_response_writer::move_once(exchange::body_source& body,
                                                            net::pipe& through) {
    if (through.held() == 0) {
        const move_step filled = fill(body, through);
        if (filled != move_step::moved)
            return filled;
    }
    const result<std::size_t> moved = to_.write_from(through);
    if (!moved) {
        if (moved.error() == net::errc::would_block)
            return move_step::blocked;
        client_failed_ = moved.error();
        return move_step::failed;
    }
    unpaused_ += std::max(*moved, write_cost_min);
    record_.response_bytes += *moved;
    return move_step::moved;
}

h1_response_writer::move_step h1_response_writer::fill(exchange::body_source& body,
                                                       net::pipe& into) {
    std::uint64_t most = std::min<std::uint64_t>(body.movable(), net::pipe::bytes_max);
    if (framing_.kind == http::framing_kind::length)
        most = std::min(most, left_);
    if (most == 0)
        return move_step::starved;
    const result<std::size_t> moved = body.move_into(into, static_cast<std::size_t>(most));
    if (!moved) {
        body_failed_ = moved.error();
        return move_step::failed;
    }
    if (framing_.kind == http::framing_kind::length)
        left_ -= *moved;
    return *moved > 0 ? move_step::moved : move_step::starved;
}

}  // namespace penstock::downstream
