#include "penstock/http/h2_session.hpp"

#include "http/field_rules.hpp"
#include "http/grammar.hpp"
#include "http/h2_frame_tracker.hpp"
#include "http/h2_rate.hpp"
#include "http/h2_request_builder.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <new>
#include <utility>

namespace penstock::http {
namespace {

constexpr std::size_t frame_header_size = 9;
constexpr std::size_t trailer_count_max = 32;
constexpr std::size_t trailer_bytes_max = 8 * 1024;

std::string_view view(const std::uint8_t* data, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(data), size};
}

std::uint8_t* bytes(std::string_view text) noexcept {
    // The library reads these bytes only; its type just does not say so.
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

nghttp2_nv pair_of(std::string_view name, std::string_view value) noexcept {
    return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

h2_code code_of(int library_error) noexcept {
    switch (library_error) {
        case NGHTTP2_ERR_FLOW_CONTROL:
            return h2_code::flow_control_error;
        case NGHTTP2_ERR_FRAME_SIZE_ERROR:
            return h2_code::frame_size_error;
        case NGHTTP2_ERR_HEADER_COMP:
            return h2_code::compression_error;
        case NGHTTP2_ERR_STREAM_CLOSED:
            return h2_code::stream_closed;
        case NGHTTP2_ERR_FLOODED:
            return h2_code::enhance_your_calm;
        default:
            return h2_code::protocol_error;
    }
}

struct options {
    options() {
        if (nghttp2_option_new(&raw) != 0)
            throw std::bad_alloc();
        // The window is given back as the bytes leave towards the origin.
        nghttp2_option_set_no_auto_window_update(raw, 1);
        nghttp2_option_set_no_closed_streams(raw, 1);
        nghttp2_option_set_server_fallback_rfc7540_priorities(raw, 0);
        nghttp2_option_set_builtin_recv_extension_type(raw, NGHTTP2_PRIORITY_UPDATE);
    }
    ~options() { nghttp2_option_del(raw); }
    options(const options&) = delete;
    options& operator=(const options&) = delete;

    nghttp2_option* raw = nullptr;
};

// Written by us and not told to the library: it would end the connection of a client that opens too
// many streams, where only the streams are to be refused (RFC 9113 §5.1.2). `first` begins with its
// SETTINGS frame.
void announce_streams_max(std::uint32_t most, std::string& first) {
    constexpr std::size_t entry_size = 6;
    const auto byte = [most](unsigned shift) { return static_cast<char>(most >> shift & 0xffU); };
    const std::array<char, entry_size> entry{
        0, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, byte(24), byte(16), byte(8), byte(0)};
    // Our few entries need the lowest byte of the frame's length alone.
    first[2] = static_cast<char>(first[2] + static_cast<char>(entry_size));
    first.insert(frame_header_size, entry.data(), entry.size());
}

}  // namespace

struct h2_session::implementation {
    explicit implementation(const h2_limits& by)
        : limits(by),
          tracker(by.floods),
          builder(by.head),
          resets(by.floods.resets, by.floods.window) {}
    ~implementation() { nghttp2_session_del(library); }
    implementation(const implementation&) = delete;
    implementation& operator=(const implementation&) = delete;

    h2_limits limits;
    h2_frame_tracker tracker;
    h2_request_builder builder;  // of the block that is being decoded
    h2_rate resets;
    nghttp2_session* library = nullptr;
    std::string first;  // SETTINGS and the connection's window, until they were sent
    std::string* out = nullptr;
    std::size_t out_max = 0;
    time_point now{};
    std::uint64_t refusals = 0;
    std::uint64_t early_resets = 0;
    h2_code fault = h2_code::no_error;     // of our own finding
    h2_code ended_by = h2_code::no_error;  // in the GOAWAY that was sent
    bool ended = false;
    std::vector<std::unique_ptr<h2_stream>> erased;  // the library may still be looking at them
};

// The library's callbacks. They note down what happened; none of them sends.
struct h2_session::callbacks {
    static h2_session& self(void* user) noexcept { return *static_cast<h2_session*>(user); }
    static h2_stream* stream_of(nghttp2_session* library, std::int32_t id) noexcept {
        return static_cast<h2_stream*>(nghttp2_session_get_stream_user_data(library, id));
    }

    static int drop(nghttp2_session* library, std::int32_t id, h2_code code) noexcept {
        nghttp2_submit_rst_stream(library, NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(code));
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }

    static int on_begin_headers(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
        h2_session& session = self(user);
        implementation& impl = *session.impl_;
        if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
            return 0;
        const std::int32_t id = frame->hd.stream_id;
        if (session.active_ >= impl.limits.streams) {
            if (++impl.refusals > impl.limits.floods.refusals)
                impl.fault = h2_code::enhance_your_calm;
            return drop(library, id, h2_code::refused_stream);
        }
        auto made = std::make_unique<h2_stream>();
        made->id = static_cast<h2_stream_id>(id);
        made->opened = impl.now;
        made->place_ = session.streams_.size();
        impl.builder = h2_request_builder(impl.limits.head);
        nghttp2_session_set_stream_user_data(library, id, made.get());
        session.streams_.push_back(std::move(made));
        ++session.active_;
        ++session.opened_;
        return 0;
    }

    static int on_header(nghttp2_session* library, const nghttp2_frame* frame,
                         const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                         std::size_t value_size, std::uint8_t, void* user) {
        h2_session& session = self(user);
        implementation& impl = *session.impl_;
        h2_stream* const stream = stream_of(library, frame->hd.stream_id);
        if (stream == nullptr)
            return 0;
        const std::string_view key = view(name, name_size);
        const std::string_view text = view(value, value_size);
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            if (impl.builder.add(key, text, stream->head))
                return 0;
            impl.fault = h2_code::enhance_your_calm;
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
        fields& trailers = stream->trailers;
        if (trailers.size() >= trailer_count_max ||
            trailers.bytes() + key.size() + text.size() > trailer_bytes_max)
            return drop(library, frame->hd.stream_id, h2_code::protocol_error);
        if (!is_forbidden_trailer(key))
            trailers.add(key, text);
        return 0;
    }

    static int on_invalid_header(nghttp2_session* library, const nghttp2_frame* frame,
                                 const std::uint8_t*, std::size_t, const std::uint8_t*, std::size_t,
                                 std::uint8_t, void*) {
        return drop(library, frame->hd.stream_id, h2_code::protocol_error);
    }

    static void finish_head(h2_session& session, h2_stream& stream, bool ended) {
        implementation& impl = *session.impl_;
        stream.protocol = impl.builder.protocol();
        stream.refused = impl.builder.finish(stream.head);
        const result<framing> framed = request_framing(stream.head);
        if (!stream.refused && !framed)
            stream.refused = framed.error();
        if (framed && framed->kind == framing_kind::length)
            stream.length = framed->length;
        else if (ended)
            stream.length = 0;
        stream.head.fields.remove(field_id::content_length);
        stream.head_complete = true;
    }

    static int on_frame(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
        h2_session& session = self(user);
        const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        switch (frame->hd.type) {
            case NGHTTP2_SETTINGS:
                if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
                    session.acknowledged_ = true;
                return 0;
            case NGHTTP2_RST_STREAM:
                count_reset_by_peer(session, stream_of(library, frame->hd.stream_id));
                return 0;
            case NGHTTP2_HEADERS:
            case NGHTTP2_DATA:
                break;
            default:
                return 0;
        }
        h2_stream* const stream = stream_of(library, frame->hd.stream_id);
        if (stream == nullptr)
            return 0;
        if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            finish_head(session, *stream, ended);
        stream->ended = stream->ended || ended;
        session.mark_changed(*stream);
        return 0;
    }

    static void count_reset(h2_session& session) noexcept {
        implementation& impl = *session.impl_;
        if (!impl.resets.add(impl.now))
            impl.fault = h2_code::enhance_your_calm;
    }

    // RFC 9113 §10.5: a client that opens and resets makes work at no cost (CVE-2023-44487).
    static void count_reset_by_peer(h2_session& session, h2_stream* stream) noexcept {
        implementation& impl = *session.impl_;
        count_reset(session);
        if (stream == nullptr)
            return;
        stream->closed_by_peer = true;
        if (impl.now - stream->opened > 1s)
            return;
        ++impl.early_resets;
        const std::uint64_t opened = session.opened_;
        if (opened >= impl.limits.floods.judged_streams && impl.early_resets * 2 > opened)
            impl.fault = h2_code::enhance_your_calm;
    }

    static int on_data(nghttp2_session* library, std::uint8_t, std::int32_t id,
                       const std::uint8_t* data, std::size_t size, void* user) {
        h2_session& session = self(user);
        h2_stream* const stream = stream_of(library, id);
        if (stream == nullptr || stream->released_) {
            nghttp2_session_consume_connection(library, size);
            return 0;
        }
        stream->data_.append(view(data, size));
        session.mark_changed(*stream);
        return 0;
    }

    static int on_stream_close(nghttp2_session* library, std::int32_t id, std::uint32_t code,
                               void* user) {
        h2_session& session = self(user);
        h2_stream* const stream = stream_of(library, id);
        if (stream == nullptr)
            return 0;
        stream->closed = true;
        stream->code = static_cast<h2_code>(code);
        stream->body_ = nullptr;
        if (!stream->head_complete && !stream->released_) {
            // Its owner has never heard of it.
            stream->released_ = true;
            --session.active_;
        }
        if (stream->released_)
            session.erase(*stream);
        else
            session.mark_changed(*stream);
        return 0;
    }

    static int on_frame_sent(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
        h2_session& session = self(user);
        const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        if (ends && (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS)) {
            if (h2_stream* const stream = stream_of(library, frame->hd.stream_id)) {
                stream->sent = true;
                session.mark_changed(*stream);
            }
        }
        if (frame->hd.type == NGHTTP2_RST_STREAM) {
            session.impl_->tracker.note_reset(static_cast<h2_stream_id>(frame->hd.stream_id));
            if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
                count_reset(session);
        } else if (frame->hd.type == NGHTTP2_DATA) {
            session.impl_->tracker.note_data();
        } else if (frame->hd.type == NGHTTP2_GOAWAY &&
                   frame->goaway.error_code != NGHTTP2_NO_ERROR) {
            // Also the library's own, of which it says nothing before.
            session.impl_->ended = true;
            session.impl_->ended_by = static_cast<h2_code>(frame->goaway.error_code);
        }
        return 0;
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
        std::vector<nghttp2_nv> list;
        for (const fields::field item : trailers) {
            if (is_token(item.name) && is_field_value(item.value))
                list.push_back(pair_of(item.name, item.value));
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
        return 0;
    }

    static nghttp2_session_callbacks* table() {
        static nghttp2_session_callbacks* const made = [] {
            nghttp2_session_callbacks* of = nullptr;
            if (nghttp2_session_callbacks_new(&of) != 0)
                throw std::bad_alloc();
            nghttp2_session_callbacks_set_on_begin_headers_callback(of, on_begin_headers);
            nghttp2_session_callbacks_set_on_header_callback(of, on_header);
            nghttp2_session_callbacks_set_on_invalid_header_callback(of, on_invalid_header);
            nghttp2_session_callbacks_set_on_frame_recv_callback(of, on_frame);
            nghttp2_session_callbacks_set_on_data_chunk_recv_callback(of, on_data);
            nghttp2_session_callbacks_set_on_stream_close_callback(of, on_stream_close);
            nghttp2_session_callbacks_set_on_frame_send_callback(of, on_frame_sent);
            nghttp2_session_callbacks_set_send_data_callback(of, send_data);
            return of;
        }();
        return made;
    }
};

h2_session::h2_session(const h2_limits& limits) : impl_(std::make_unique<implementation>(limits)) {
    const options how;
    if (nghttp2_session_server_new2(&impl_->library, callbacks::table(), this, how.raw) != 0)
        throw std::bad_alloc();
    nghttp2_session* const library = impl_->library;
    const std::array<nghttp2_settings_entry, 3> entries{{
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.head.head)},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    }};
    nghttp2_submit_settings(library, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
    nghttp2_session_set_local_window_size(library, NGHTTP2_FLAG_NONE, 0,
                                          static_cast<std::int32_t>(limits.connection_window));
    send(impl_->first, SIZE_MAX);
    announce_streams_max(limits.streams, impl_->first);
}

h2_session::~h2_session() = default;

void h2_session::receive(std::string_view received, time_point now) {
    implementation& impl = *impl_;
    impl.erased.clear();
    if (impl.ended)
        return;
    impl.now = now;
    const std::size_t good = impl.tracker.inspect(received, now);
    const ssize_t used = nghttp2_session_mem_recv(impl.library, bytes(received), good);
    h2_code fault = impl.fault;
    if (fault == h2_code::no_error)
        fault = impl.tracker.fault();
    if (fault == h2_code::no_error && used < 0)
        fault = code_of(static_cast<int>(used));
    if (fault != h2_code::no_error)
        terminate(fault);
}

h2_stream* h2_session::next_changed() noexcept {
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
    if (of.changed_ || of.released_ || !of.head_complete)
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

std::string_view h2_session::take_data(h2_stream& of, std::size_t max) {
    if (of.taken_ > 0) {
        of.data_.drop(of.taken_);
        nghttp2_session_consume(impl_->library, static_cast<std::int32_t>(of.id), of.taken_);
        of.taken_ = 0;
    }
    const std::string_view next = of.data_.front(max);
    of.taken_ = next.size();
    return next;
}

namespace {

struct field_list {
    std::array<char, 3> status{};
    std::array<char, 20> length{};
    std::vector<nghttp2_nv> pairs;
};

// The second, independent check of the grammar: nothing leaves that a reader downstream could turn
// into another message. False if something would.
bool list_fields(const response_head& head, std::optional<std::uint64_t> length, field_list& to) {
    if (head.status < 100 || head.status > 999)
        return false;
    to.pairs.reserve(head.fields.size() + 2);
    std::to_chars(to.status.data(), to.status.data() + to.status.size(), head.status);
    to.pairs.push_back(pair_of(":status", {to.status.data(), to.status.size()}));
    for (const fields::field item : head.fields) {
        const bool between_neighbours =
            item.id == field_id::connection || item.id == field_id::transfer_encoding ||
            item.id == field_id::upgrade || item.id == field_id::content_length;
        if (between_neighbours || !is_token(item.name) || !is_field_value(item.value))
            return false;
        to.pairs.push_back(pair_of(item.name, item.value));
    }
    if (length) {
        char* const begin = to.length.data();
        const char* const end = std::to_chars(begin, begin + to.length.size(), *length).ptr;
        to.pairs.push_back(
            pair_of("content-length", {begin, static_cast<std::size_t>(end - begin)}));
    }
    return true;
}

}  // namespace

result<void> h2_session::respond(h2_stream& to, const response_head& head,
                                 std::optional<std::uint64_t> length, h2_outgoing* body) {
    field_list list;
    if (!list_fields(head, length, list))
        return error(errc::bad_field);
    to.answered = true;
    if (to.closed)
        return {};
    to.body_ = body;
    nghttp2_data_provider source{};
    source.source.ptr = &to;
    source.read_callback = callbacks::read_body;
    nghttp2_submit_response(impl_->library, static_cast<std::int32_t>(to.id), list.pairs.data(),
                            list.pairs.size(), body != nullptr ? &source : nullptr);
    return {};
}

result<void> h2_session::send_interim(h2_stream& to, const response_head& head) {
    field_list list;
    if (head.status >= 200 || !list_fields(head, std::nullopt, list))
        return error(errc::bad_field);
    if (!to.closed && !to.answered)
        nghttp2_submit_headers(impl_->library, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(to.id),
                               nullptr, list.pairs.data(), list.pairs.size(), nullptr);
    return {};
}

void h2_session::resume(h2_stream& of) noexcept {
    if (!std::exchange(of.waits_, false) || of.closed)
        return;
    nghttp2_session_resume_data(impl_->library, static_cast<std::int32_t>(of.id));
}

void h2_session::reset(h2_stream& of, h2_code code) noexcept {
    if (of.closed)
        return;
    nghttp2_submit_rst_stream(impl_->library, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(of.id),
                              static_cast<std::uint32_t>(code));
}

void h2_session::release(h2_stream& of) noexcept {
    of.released_ = true;
    of.owner = nullptr;
    --active_;
    if (std::exchange(of.changed_, false))
        std::replace(changed_.begin(), changed_.end(), &of, static_cast<h2_stream*>(nullptr));
    if (const std::size_t left = of.data_.size(); left > 0) {
        of.data_.drop(left);
        nghttp2_session_consume_connection(impl_->library, left);
    }
    if (of.closed) {
        erase(of);
        return;
    }
    reset(of, of.sent ? h2_code::no_error : h2_code::internal_error);
}

void h2_session::send(std::string& out, std::size_t max) {
    implementation& impl = *impl_;
    impl.erased.clear();
    if (&out != &impl.first && !impl.first.empty())
        out.append(std::exchange(impl.first, std::string()));
    impl.out = &out;
    impl.out_max = max;
    while (out.size() < max) {
        const std::uint8_t* data = nullptr;
        const ssize_t count = nghttp2_session_mem_send(impl.library, &data);
        // What was sent may have been the reset that is one too many.
        if (impl.fault != h2_code::no_error)
            terminate(impl.fault);
        if (count <= 0)
            break;
        out.append(view(data, static_cast<std::size_t>(count)));
    }
    impl.out = nullptr;
}

bool h2_session::wants_to_send() const noexcept {
    return !impl_->first.empty() || nghttp2_session_want_write(impl_->library) != 0;
}

bool h2_session::over() const noexcept {
    return nghttp2_session_want_read(impl_->library) == 0 && !wants_to_send();
}

bool h2_session::ended() const noexcept { return impl_->ended; }

bool h2_session::within_head() const noexcept { return impl_->tracker.within_head(); }

h2_code h2_session::ended_by() const noexcept { return impl_->ended_by; }

void h2_session::announce_end() noexcept { nghttp2_submit_shutdown_notice(impl_->library); }

void h2_session::refuse_new() noexcept {
    nghttp2_submit_goaway(impl_->library, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(impl_->library), NGHTTP2_NO_ERROR,
                          nullptr, 0);
}

void h2_session::terminate(h2_code code) noexcept {
    if (std::exchange(impl_->ended, true))
        return;
    nghttp2_session_terminate_session(impl_->library, static_cast<std::uint32_t>(code));
}

}  // namespace penstock::http
