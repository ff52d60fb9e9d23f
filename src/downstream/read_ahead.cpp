#include "downstream/read_ahead.hpp"

#include <algorithm>
#include <utility>

namespace penstock::downstream {
namespace {

constexpr std::size_t block = http::h2_data_queue::block_size;

}  // namespace

bool ahead_account::charge(std::uint64_t bytes) noexcept {
    if (held_ + bytes > by_.connection)
        return false;
    if (all_.fetch_add(bytes, std::memory_order_relaxed) + bytes > by_.total) {
        all_.fetch_sub(bytes, std::memory_order_relaxed);
        return false;
    }
    held_ += bytes;
    return true;
}

void ahead_account::give_back(std::uint64_t bytes) noexcept {
    held_ -= bytes;
    all_.fetch_sub(bytes, std::memory_order_relaxed);
}

read_ahead::read_ahead(std::unique_ptr<exchange::body_source> inner, net::worker& home,
                       std::shared_ptr<ahead_account> account, exchange::ledger& ledger)
    : inner_(std::move(inner)),
      home_(home),
      account_(std::move(account)),
      ledger_(ledger),
      length_(inner_->length()),
      beside_(home),
      changed_(home),
      room_(home) {}

std::unique_ptr<read_ahead> read_ahead::make(std::unique_ptr<exchange::body_source>& inner,
                                             net::worker& home,
                                             std::shared_ptr<ahead_account> account,
                                             exchange::ledger& ledger, std::uint64_t beside) {
    if (account->exchange_max() < block || !account->charge(block + beside))
        return nullptr;
    std::unique_ptr<read_ahead> made(
        new read_ahead(std::move(inner), home, std::move(account), ledger));
    made->charged_ = block;
    made->beside_bytes_ = beside;
    made->beside_.start(made->run());
    return made;
}

read_ahead::~read_ahead() { account_->give_back(charged_ + beside_bytes_); }

// Memory is charged as it is allocated: by the block.
bool read_ahead::may_append() noexcept {
    if (held_.allocated() + block > account_->exchange_max())
        return false;
    const std::uint64_t needed = held_.allocated() + block;
    if (needed <= charged_)
        return true;
    if (!account_->charge(needed - charged_))
        return false;
    charged_ = needed;
    return true;
}

// False if nothing is here now, or nothing more comes.
bool read_ahead::take_some() {
    const result<std::string_view> data = inner_->take(block);
    if (!data) {
        failed_ = data.error();
    } else if (!data->empty()) {
        held_.append(*data);
        in_turn_ += data->size();
    }
    ended_ = !failed_ && inner_->finished();
    changed_.set();
    return data && !data->empty() && !ended_;
}

net::task<> read_ahead::run() {
    while (!stopping_ && !failed_ && !ended_) {
        if (!may_append()) {
            room_.reset();
            co_await room_;
            continue;
        }
        if (take_some()) {
            if (in_turn_ < turn_max)
                continue;
            in_turn_ = 0;
            net::next_turn others(home_);
            co_await others;
            continue;
        }
        if (failed_ || ended_)
            break;
        in_turn_ = 0;
        const result<void> waited = co_await inner_->wait();
        if (!waited && !stopping_)
            failed_ = waited.error();
        changed_.set();
    }
    changed_.set();
    if (!ended_)
        co_return;
    // The origin's side is over, whenever the client has it all.
    trailers_ = inner_->trailers();
    co_await inner_->close();
    closed_ = true;
}

void read_ahead::drop_given() noexcept {
    if (given_ == 0)
        return;
    held_.drop(std::exchange(given_, 0));
    const std::uint64_t kept = std::max<std::uint64_t>(held_.allocated(), block);
    if (kept < charged_) {
        account_->give_back(charged_ - kept);
        charged_ = kept;
    }
    room_.set();
}

result<std::string_view> read_ahead::take(std::size_t max) {
    drop_given();
    const std::string_view next = held_.front(max);
    given_ = next.size();
    if (next.empty() && failed_)
        return failed_;
    return next;
}

bool read_ahead::finished() const noexcept { return ended_ && held_.size() == given_; }

net::task<result<void>> read_ahead::wait() {
    drop_given();
    while (held_.size() == 0 && !failed_ && !ended_ && !std::exchange(woken_, false)) {
        changed_.reset();
        ledger_.enter(exchange::phase::response, net::worker::clock());
        co_await changed_;
        ledger_.enter(exchange::phase::loop, home_.now());
    }
    if (held_.size() == 0 && failed_)
        co_return failed_;
    co_return result<void>();
}

void read_ahead::wake() noexcept {
    woken_ = true;
    changed_.set();
}

const http::fields& read_ahead::trailers() const noexcept {
    return ended_ ? trailers_ : inner_->trailers();
}

void read_ahead::stop() noexcept {
    stopping_ = true;
    inner_->stop();
}

net::task<> read_ahead::close() {
    if (!finished())
        inner_->stop();
    stopping_ = true;
    room_.set();
    inner_->wake();
    co_await beside_.join();
    if (!std::exchange(closed_, true))
        co_await inner_->close();
}

}  // namespace penstock::downstream
