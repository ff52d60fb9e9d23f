#include "http/h2_core.hpp"

#include "http/field_rules.hpp"
#include "http/grammar.hpp"
#include "http/h2_memory.hpp"
#include "http/h2_request_builder.hpp"
#include "penstock/base/check.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace penstock::http {
namespace {

constexpr std::size_t trailer_count_max = 32;
constexpr std::size_t trailer_bytes_max = 8 * 1024;

}  // namespace

bool list_fields(const fields& from, name_value_list& to) {
    for (const fields::field item : from) {
        const bool between_neighbours =
            item.id == field_id::connection || item.id == field_id::transfer_encoding ||
            item.id == field_id::upgrade || item.id == field_id::content_length;
        if (between_neighbours || !is_token(item.name) || !is_field_value(item.value))
            return false;
        to.push_back(pair_of(item));
    }
    return true;
}

// The library's callbacks. They note down what happened; none of them sends.
struct h2_session::callbacks {
    static h2_session& self(void* user) noexcept { return *static_cast<h2_session*>(user); }
    static h2_stream* stream_of(nghttp2_session* library, std::int32_t id) noexcept {
        return static_cast<h2_stream*>(nghttp2_session_get_stream_user_data(library, id));
    }

    static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        h2_session& session = self(user);
        session.impl_->passed_over = 0;
        session.begin_head(static_cast<h2_stream_id>(frame->hd.stream_id),
                           frame->headers.cat == NGHTTP2_HCAT_REQUEST);
        return 0;
    }

    // Of a block that nobody reads any more. The library goes on to decode it, so it has a limit as
    // others have.
    static int pass_over(implementation& impl, std::size_t size) noexcept {
        impl.passed_over += size + h2_field_overhead;
        if (impl.passed_over <= 2 * impl.limits.head.head)
            return 0;
        impl.break_off(h2_breach::header_bomb);
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }

    static int on_header(nghttp2_session* library, const nghttp2_frame* frame,
                         const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                         std::size_t value_size, std::uint8_t flags, void* user) {
        h2_session& session = self(user);
        h2_stream* const stream = stream_of(library, frame->hd.stream_id);
        if (stream == nullptr || stream->reset_)
            return pass_over(*session.impl_, name_size + value_size);
        const std::string_view key = view(name, name_size);
        const fields::field one{key, view(value, value_size), field_id_of(key),
                                (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0};
        const verdict seen = stream->head_complete ? session.add_trailer(*stream, one)
                                                   : session.add_head_field(*stream, one);
        if (seen == verdict::good)
            return 0;
        session.impl_->break_off(h2_breach::header_bomb);
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }

    static void refuse(h2_session& session, std::int32_t id) noexcept {
        session.impl_->tracker.note_reset(static_cast<h2_stream_id>(id));
        nghttp2_submit_rst_stream(session.impl_->library, NGHTTP2_FLAG_NONE, id,
                                  NGHTTP2_REFUSED_STREAM);
    }

    // Of an origin; the library finds none in what clients send.
    static int on_invalid_header(nghttp2_session* library, const nghttp2_frame* frame,
                                 const std::uint8_t*, std::size_t name_size, const std::uint8_t*,
                                 std::size_t value_size, std::uint8_t, void* user) {
        if (h2_stream* const stream = stream_of(library, frame->hd.stream_id))
            self(user).reset(*stream, h2_code::protocol_error);
        return pass_over(*self(user).impl_, name_size + value_size);
    }

    static int on_begin_frame(nghttp2_session* library, const nghttp2_frame_hd* header,
                              void* user) {
        if (header->type == NGHTTP2_SETTINGS)
            self(user).impl_->queued = nghttp2_session_get_outbound_queue_size(library);
        return 0;
    }

    // RFC 9113 §6.9.2: a window that SETTINGS make too large ends the connection. The library
    // resets the stream, so it has more to say than its acknowledgement.
    static int on_settings(nghttp2_session* library, h2_session& session) {
        session.impl_->settings_came = true;
        if (nghttp2_session_get_outbound_queue_size(library) <= session.impl_->queued + 1)
            return 0;
        session.impl_->break_off(h2_breach::window_overflow);
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }

    static int on_frame(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
        h2_session& session = self(user);
        h2_stream* const stream = stream_of(library, frame->hd.stream_id);
        switch (frame->hd.type) {
            case NGHTTP2_SETTINGS:
                if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
                    return on_settings(library, session);
                session.acknowledged_ = true;
                return 0;
            case NGHTTP2_GOAWAY:
                session.impl_->going_away = true;
                session.impl_->goaway_code = static_cast<h2_code>(frame->goaway.error_code);
                return 0;
            case NGHTTP2_RST_STREAM:
                if (stream != nullptr)
                    stream->closed_by_peer = true;
                session.on_reset_by_peer(stream);
                return 0;
            case NGHTTP2_PRIORITY_UPDATE:
                session.on_priority_update(static_cast<h2_stream_id>(
                    static_cast<nghttp2_ext_priority_update*>(frame->ext.payload)->stream_id));
                return 0;
            case NGHTTP2_HEADERS:
            case NGHTTP2_DATA:
                break;
            default:
                return 0;
        }
        if (stream != nullptr)
            session.finish_frame(*stream, frame->hd.type == NGHTTP2_HEADERS,
                                 (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
        else if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            refuse(session, frame->hd.stream_id);
        return 0;
    }

    static int on_data(nghttp2_session* library, std::uint8_t, std::int32_t id,
                       const std::uint8_t* data, std::size_t size, void* user) {
        h2_session& session = self(user);
        h2_stream* const stream = stream_of(library, id);
        const bool wanted =
            stream != nullptr && !stream->released_ && !stream->reset_ && !stream->passed_;
        if (wanted)
            stream->received_ += size;
        if (!wanted || !session.keeps_to_length(*stream, false)) {
            session.give_credit(size);
            return 0;
        }
        session.hold_data(*stream, view(data, size));
        session.mark_changed(*stream);
        return 0;
    }

    static int on_stream_close(nghttp2_session* library, std::int32_t id, std::uint32_t code,
                               void* user) {
        if (h2_stream* const stream = stream_of(library, id))
            self(user).close_stream(*stream, static_cast<h2_code>(code));
        return 0;
    }

    // Of a stream that we wanted to open: it never came to be.
    static int on_frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
        h2_session& session = self(user);
        if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
            return 0;
        const auto id = static_cast<h2_stream_id>(frame->hd.stream_id);
        if (h2_stream* const stream = session.find(id))
            session.close_stream(*stream, h2_code::refused_stream);
        return 0;
    }

    // Not an interim one, nor trailers.
    static bool is_final_head(const nghttp2_headers& of) noexcept {
        if (of.nvlen == 0)
            return false;
        const nghttp2_nv& first = of.nva[0];
        return view(first.name, first.namelen) == ":status" && first.value[0] != '1';
    }

    static int on_frame_sent(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
        h2_session& session = self(user);
        const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        if (ends && (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS)) {
            if (h2_stream* const stream = stream_of(library, frame->hd.stream_id)) {
                stream->sent = true;
                ++session.impl_->progress;
                session.mark_changed(*stream);
            }
        }
        if (frame->hd.type == NGHTTP2_HEADERS && is_final_head(frame->headers)) {
            if (h2_stream* const stream = stream_of(library, frame->hd.stream_id))
                stream->head_sent = true;
        }
        const auto id = static_cast<h2_stream_id>(frame->hd.stream_id);
        if (frame->hd.type == NGHTTP2_RST_STREAM) {
            session.impl_->tracker.note_reset(id);
            session.on_reset_by_us(static_cast<h2_code>(frame->rst_stream.error_code));
        } else if (frame->hd.type == NGHTTP2_HEADERS &&
                   frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            session.impl_->tracker.note_opened(id);
        } else if (frame->hd.type == NGHTTP2_DATA) {
            session.impl_->tracker.note_data();
        } else if (frame->hd.type == NGHTTP2_GOAWAY) {
            note_goaway(*session.impl_, frame->goaway);
        }
        return 0;
    }

    static void note_goaway(implementation& impl, const nghttp2_goaway& sent) noexcept {
        const auto last = static_cast<h2_stream_id>(sent.last_stream_id);
        impl.refuses_new = impl.refuses_new || last < h2_stream_id_max;
        if (sent.error_code == NGHTTP2_NO_ERROR) {
            // An origin opens no streams that could be above it.
            if (impl.as == role::server)
                impl.tracker.note_goaway(last);
            return;
        }
        // Also the library's own, of which it says nothing before.
        impl.ended = true;
        if (impl.breach == h2_breach::none)
            impl.breach = h2_breach::rules;
        impl.ended_by = static_cast<h2_code>(sent.error_code);
    }

    static ssize_t read_body(nghttp2_session* library, std::int32_t id, std::uint8_t*,
                             std::size_t length, std::uint32_t* flags, nghttp2_data_source* source,
                             void* user) {
        implementation& impl = *self(user).impl_;
        if (impl.out->size() >= impl.out_max)
            return NGHTTP2_ERR_PAUSE;
        h2_stream& stream = *static_cast<h2_stream*>(source->ptr);
        h2_outgoing::piece& piece = stream.pending_;
        piece = stream.body_->take(length);
        if (piece.failed)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        if (piece.data.empty() && !piece.end) {
            stream.waits_ = true;
            return NGHTTP2_ERR_DEFERRED;
        }
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
        if (piece.end)
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        const fields* const trailers = piece.end ? stream.body_->trailers() : nullptr;
        if (trailers != nullptr && !trailers->empty() && submit_trailers(library, id, *trailers))
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        return static_cast<ssize_t>(piece.data.size());
    }

    static bool submit_trailers(nghttp2_session* library, std::int32_t id, const fields& trailers) {
        name_value_list list;
        for (const fields::field item : trailers) {
            if (is_token(item.name) && is_field_value(item.value))
                list.push_back(pair_of(item));
        }
        return !list.empty() && nghttp2_submit_trailer(library, id, list.data(), list.size()) == 0;
    }

    static int send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t* header,
                         std::size_t size, nghttp2_data_source* source, void* user) {
        implementation& impl = *self(user).impl_;
        h2_stream& stream = *static_cast<h2_stream*>(source->ptr);
        impl.out->append(view(header, frame_header_size));
        impl.out->append(stream.pending_.data.substr(0, size));
        stream.data_sent += size;
        impl.progress += size;
        return 0;
    }

    static nghttp2_session_callbacks* table() {
        static nghttp2_session_callbacks* const made = [] {
            nghttp2_session_callbacks* of = nullptr;
            if (nghttp2_session_callbacks_new(&of) != 0)
                throw std::bad_alloc();
            nghttp2_session_callbacks_set_on_begin_frame_callback(of, on_begin_frame);
            nghttp2_session_callbacks_set_on_begin_headers_callback(of, on_begin_headers);
            nghttp2_session_callbacks_set_on_header_callback(of, on_header);
            nghttp2_session_callbacks_set_on_invalid_header_callback(of, on_invalid_header);
            nghttp2_session_callbacks_set_on_frame_recv_callback(of, on_frame);
            nghttp2_session_callbacks_set_on_data_chunk_recv_callback(of, on_data);
            nghttp2_session_callbacks_set_on_stream_close_callback(of, on_stream_close);
            nghttp2_session_callbacks_set_on_frame_send_callback(of, on_frame_sent);
            nghttp2_session_callbacks_set_on_frame_not_send_callback(of, on_frame_not_sent);
            nghttp2_session_callbacks_set_send_data_callback(of, send_data);
            return of;
        }();
        return made;
    }
};

h2_session::implementation::implementation(h2_session& of, role in, const h2_limits& by)
    : limits(by),
      as(in),
      tracker(by.floods, in == role::server),
      connection_window(by.connection_window),
      stream_window(by.stream_window) {
    const library_options how(by, in == role::server);
    const auto make =
        in == role::server ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
    if (make(&library, callbacks::table(), &of, how.raw, h2_memory()) != 0)
        throw std::bad_alloc();
}

h2_session::implementation::~implementation() { nghttp2_session_del(library); }

nghttp2_data_provider h2_session::implementation::source_of(h2_stream& of) noexcept {
    nghttp2_data_provider made{};
    made.source.ptr = &of;
    made.read_callback = callbacks::read_body;
    return made;
}

h2_session::h2_session(role as, const h2_limits& limits)
    : impl_(std::make_unique<implementation>(*this, as, limits)) {}

h2_session::~h2_session() = default;

void h2_session::receive(std::string_view received, time_point now) {
    implementation& impl = *impl_;
    impl.erased.clear();
    if (impl.ended)
        return;
    impl.now = now;
    // For SETTINGS of which only the end comes now.
    impl.queued = nghttp2_session_get_outbound_queue_size(impl.library);
    const std::size_t good = impl.tracker.inspect(received, now);
    const ssize_t used = nghttp2_session_mem_recv(impl.library, bytes(received), good);
    impl.break_off(impl.tracker.fault());
    if (impl.fault != h2_breach::none)
        return terminate(impl.fault);
    if (used < 0)
        end(breach_of_library(static_cast<int>(used)), code_of_library(static_cast<int>(used)));
}

h2_stream* h2_session::next_changed_stream() noexcept {
    while (changed_first_ < changed_.size()) {
        h2_stream* const next = changed_[changed_first_++];
        if (next == nullptr)
            continue;
        next->changed_ = false;
        return next;
    }
    changed_.clear();
    changed_first_ = 0;
    return nullptr;
}

void h2_session::mark_changed(h2_stream& of) {
    const bool known = of.head_complete || of.owner != nullptr;
    if (of.changed_ || of.released_ || !known || (of.passed_ && !of.closed))
        return;
    of.changed_ = true;
    changed_.push_back(&of);
}

void h2_session::erase(h2_stream& of) noexcept {
    std::unique_ptr<h2_stream>& place = streams_[of.place_];
    streams_.back()->place_ = of.place_;
    std::swap(place, streams_.back());
    impl_->erased.push_back(std::move(streams_.back()));
    streams_.pop_back();
}

void h2_session::resume(h2_stream& of) noexcept {
    if (!std::exchange(of.waits_, false) || of.closed)
        return;
    nghttp2_session_resume_data(impl_->library, static_cast<std::int32_t>(of.id));
}

void h2_session::reset(h2_stream& of, h2_code code) noexcept {
    // The library forgets a request that has not left with its first reset; a second would go out,
    // for a stream that the peer has never seen.
    if (of.closed || std::exchange(of.reset_, true))
        return;
    // From here on the library passes over what comes for it.
    impl_->tracker.note_reset(of.id);
    nghttp2_submit_rst_stream(impl_->library, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(of.id),
                              static_cast<std::uint32_t>(code));
}

// Nobody reads what waits in it, nor hears of it.
void h2_session::let_go(h2_stream& of) noexcept {
    of.owner = nullptr;
    if (std::exchange(of.changed_, false))
        std::replace(changed_.begin(), changed_.end(), &of, static_cast<h2_stream*>(nullptr));
    if (const std::size_t left = of.data_.size(); left > 0) {
        of.data_.drop(left);
        give_window(left);
        settle_charge(of);
    }
    of.taken_ = 0;
}

bool h2_session::pass_over(h2_stream& of) noexcept {
    if (of.closed || of.ended || of.reset_ || !of.sent)
        return false;
    let_go(of);
    of.passed_ = true;
    return true;
}

h2_stream* h2_session::passed_over(h2_stream_id id) const noexcept {
    h2_stream* const stream = find(id);
    return stream != nullptr && stream->passed_ && !stream->released_ ? stream : nullptr;
}

void h2_session::release(h2_stream& of) noexcept {
    of.released_ = true;
    --active_;
    over_ -= of.over_ ? 1U : 0U;
    let_go(of);
    if (of.closed) {
        erase(of);
        return;
    }
    reset(of, release_code(of));
}

void h2_session::send(std::string& out, std::size_t max) {
    implementation& impl = *impl_;
    impl.erased.clear();
    if (&out != &impl.first && !impl.first.empty())
        out.append(std::exchange(impl.first, std::string()));
    impl.out = &out;
    impl.out_max = max;
    while (out.size() < max && send_frame(out)) {
    }
    impl.out = nullptr;
}

// False if there is none.
bool h2_session::send_frame(std::string& out) {
    const std::uint8_t* data = nullptr;
    const ssize_t count = nghttp2_session_mem_send(impl_->library, &data);
    // What was sent may have been the reset that is one too many.
    if (impl_->fault != h2_breach::none)
        terminate(impl_->fault);
    if (count > 0)
        out.append(view(data, static_cast<std::size_t>(count)));
    return count > 0;
}

// The library keeps DATA behind all other frames, so none of it is among these.
void h2_session::send_goaway_ahead() {
    implementation& impl = *impl_;
    impl.out = &impl.first;
    impl.out_max = 0;
    while (!impl.refuses_new && send_frame(impl.first)) {
    }
    impl.out = nullptr;
}

bool h2_session::wants_to_send() const noexcept {
    return !impl_->first.empty() || nghttp2_session_want_write(impl_->library) != 0;
}

bool h2_session::over() const noexcept {
    return nghttp2_session_want_read(impl_->library) == 0 && !wants_to_send();
}

std::uint64_t h2_session::progress() const noexcept { return impl_->progress; }

bool h2_session::ended() const noexcept { return impl_->ended; }
bool h2_session::within_head() const noexcept { return impl_->tracker.within_head(); }
h2_code h2_session::ended_by() const noexcept { return impl_->ended_by; }

h2_breach h2_session::breach() const noexcept { return impl_->breach; }

void h2_session::terminate(h2_breach why) noexcept { end(why, code_of(why)); }

void h2_session::end(h2_breach why, h2_code code) noexcept {
    if (std::exchange(impl_->ended, true))
        return;
    impl_->breach = why;
    // What is understood but not taken up never will be, so the client may send it again.
    nghttp2_session_terminate_session2(impl_->library, static_cast<std::int32_t>(impl_->taken_up),
                                       static_cast<std::uint32_t>(code));
}

void h2_session::adopt(std::unique_ptr<h2_stream> made) {
    made->opened = impl_->now;
    made->place_ = streams_.size();
    nghttp2_session_set_stream_user_data(impl_->library, static_cast<std::int32_t>(made->id),
                                         made.get());
    streams_.push_back(std::move(made));
    ++active_;
    ++opened_;
}

std::vector<h2_stream*> h2_session::unreleased() const {
    std::vector<h2_stream*> found;
    for (const std::unique_ptr<h2_stream>& each : streams_) {
        if (!each->released_)
            found.push_back(each.get());
    }
    return found;
}

h2_stream* h2_session::find(h2_stream_id id) const noexcept {
    const auto found = std::find_if(streams_.begin(), streams_.end(),
                                    [id](const auto& each) { return each->id == id; });
    return found != streams_.end() ? found->get() : nullptr;
}

void h2_session::close_stream(h2_stream& of, h2_code code) {
    // The library tells of a request that never left twice: that it was not sent, and that it is
    // over.
    if (std::exchange(of.closed, true))
        return;
    of.code = code;
    of.body_ = nullptr;
    if (impl_->as == role::client)
        impl_->tracker.note_reset(of.id);
    const bool known = of.head_complete || of.owner != nullptr;
    if (!known && !of.released_) {
        of.released_ = true;
        --active_;
    }
    if (of.released_) {
        erase(of);
        return;
    }
    // One that was reset still makes work (ATTACKS E1), which at an origin is the origin's affair.
    of.over_ = impl_->as == role::client || (of.sent && of.ended);
    over_ += of.over_ ? 1U : 0U;
    mark_changed(of);
}

// A frame of a message has come to its end.
void h2_session::finish_frame(h2_stream& of, bool is_head, bool ended) {
    if (of.reset_)
        return;
    if (of.passed_) {
        of.ended = of.ended || ended;
        return;
    }
    if (is_head && !of.head_complete)
        finish_head(of, ended);
    else if (is_head && (!ended || of.bad_trailers_))
        reset(of, h2_code::protocol_error);  // RFC 9113 §8.1: nothing follows trailers
    if (of.reset_ || (ended && !keeps_to_length(of, true)))
        return;
    of.ended = of.ended || ended;
    mark_changed(of);
}

// RFC 9113 §8.1.1: a body is as long as its head says. False resets the stream. What origins send
// is counted by the library, which knows what was asked of them.
bool h2_session::keeps_to_length(h2_stream& of, bool whole) noexcept {
    if (impl_->as == role::client || !of.length)
        return true;
    if (of.received_ < *of.length ? !whole : of.received_ == *of.length)
        return true;
    reset(of, h2_code::protocol_error);
    return false;
}

h2_session::verdict h2_session::add_trailer(h2_stream& of, const fields::field& one) {
    // Counted first, also those that nobody gets.
    const std::size_t bytes = one.name.size() + one.value.size();
    of.trailer_bytes_ += bytes;
    ++of.trailer_count_;
    if (of.trailer_bytes_ + of.trailer_count_ * h2_field_overhead > 2 * impl_->limits.head.head)
        return verdict::end_connection;
    of.bad_trailers_ = of.bad_trailers_ || of.trailer_count_ > trailer_count_max ||
                       of.trailer_bytes_ > trailer_bytes_max || !is_h2_field(one);
    if (of.bad_trailers_)
        return verdict::good;
    if (!is_forbidden_trailer(one.name))
        of.trailers.add(one);
    return verdict::good;
}

}  // namespace penstock::http
