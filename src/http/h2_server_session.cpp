#include "penstock/http/h2_server_session.hpp"

#include "http/h2_core.hpp"
#include "http/h2_rate.hpp"
#include "http/h2_request_builder.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace penstock::http {
namespace {

constexpr int header_too_large_status = 431;

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

struct response_list {
    std::array<char, 3> status{};
    std::array<char, 20> length{};
    name_value_list pairs;
};

// False if it cannot be written.
bool list_response(const response_head& head, std::optional<std::uint64_t> length,
                   response_list& to) {
    if (head.status < 100 || head.status > 999)
        return false;
    to.pairs.reserve(head.fields.size() + 2);
    std::to_chars(to.status.data(), to.status.data() + to.status.size(), head.status);
    to.pairs.push_back(pair_of(":status", {to.status.data(), to.status.size()}));
    if (!list_fields(head.fields, to.pairs))
        return false;
    if (length) {
        char* const begin = to.length.data();
        const char* const end = std::to_chars(begin, begin + to.length.size(), *length).ptr;
        to.pairs.push_back(
            pair_of("content-length", {begin, static_cast<std::size_t>(end - begin)}));
    }
    return true;
}

}  // namespace

// What a client is judged by.
struct h2_server_session::request_rules {
    explicit request_rules(const h2_limits& by)
        : builder(by.head, by.extended_connect), glitches(by.floods.glitches, by.floods.window) {}

    h2_request_builder builder;  // of the block that is being decoded
    h2_rate glitches;
    // Streams of which PRIORITY_UPDATE came before their request.
    std::array<h2_stream_id, 8> updated{};
    std::size_t updates = 0;
    std::uint64_t refusals = 0;
    std::uint64_t early_resets = 0;
    std::optional<time_point> told;  // when a client was last told that its head is too large
};

h2_server_session::h2_server_session(const h2_limits& limits)
    : h2_session(role::server, limits), rules_(std::make_unique<request_rules>(limits)) {
    nghttp2_session* const library = impl_->library;
    const std::array<nghttp2_settings_entry, 4> entries{{
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.head.head)},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
    }};
    nghttp2_submit_settings(library, NGHTTP2_FLAG_NONE, entries.data(),
                            limits.extended_connect ? entries.size() : entries.size() - 1);
    nghttp2_session_set_local_window_size(library, NGHTTP2_FLAG_NONE, 0,
                                          static_cast<std::int32_t>(limits.connection_window));
    send(impl_->first, SIZE_MAX);
    announce_streams_max(limits.streams, impl_->first);
}

h2_server_session::~h2_server_session() = default;

void h2_server_session::begin_head(h2_stream_id id, bool opens) {
    if (!opens)
        return;
    if (live() >= impl_->limits.streams) {
        if (++rules_->refusals > impl_->limits.floods.refusals)
            impl_->break_off(h2_breach::refused_streams);
        return;
    }
    auto made = std::make_unique<h2_server_stream>();
    made->id = id;
    rules_->builder = h2_request_builder(impl_->limits.head, impl_->limits.extended_connect);
    adopt(std::move(made));
}

h2_session::verdict h2_server_session::add_head_field(h2_stream& of, const fields::field& one) {
    auto& stream = static_cast<h2_server_stream&>(of);
    return rules_->builder.add(one, stream.head) ? verdict::good : verdict::end_connection;
}

void h2_server_session::finish_head(h2_stream& of, bool ended) {
    auto& stream = static_cast<h2_server_stream&>(of);
    stream.protocol = rules_->builder.protocol();
    stream.refused = rules_->builder.finish(stream.head);
    const result<framing> framed = request_framing(stream.head);
    const bool unreadable = !framed && framed.error() != errc::body_not_allowed;
    if (!stream.refused && (rules_->builder.malformed() || unreadable))
        return reset(of, h2_code::protocol_error);
    if (!stream.refused && !framed)
        stream.refused = framed.error();
    if (framed && framed->kind == framing_kind::length)
        stream.length = framed->length;
    else if (ended)
        stream.length = 0;
    stream.head.fields.remove(field_id::content_length);
    stream.head_complete = true;
    stream.bodiless = ended;
    set_priority(stream);
    if (!stream.refused)
        return;
    stream.sent_target = rules_->builder.sent_target();
    stream.sent_host = rules_->builder.sent_authority();
    count_glitch(h2_breach::faulty_heads);
    // The library decodes whatever comes, so a client that has been told and goes on is stopped.
    const std::optional<time_point> told = rules_->told;
    if (rules_->builder.exceeds_limit() && told && impl_->now - *told < impl_->limits.floods.window)
        impl_->break_off(h2_breach::header_bomb);
}

// RFC 9218 §10: the library keeps the order. A PRIORITY_UPDATE that came before is newer than what
// the request says of itself (§7).
void h2_server_session::set_priority(const h2_server_stream& of) noexcept {
    const h2_priority* const wished = rules_->builder.priority();
    const auto& updated = rules_->updated;
    if (wished == nullptr || std::find(updated.begin(), updated.end(), of.id) != updated.end())
        return;
    const nghttp2_extpri how{wished->urgency, wished->incremental ? 1 : 0};
    nghttp2_session_change_extpri_stream_priority(impl_->library, static_cast<std::int32_t>(of.id),
                                                  &how, 0);
}

void h2_server_session::on_priority_update(h2_stream_id id) noexcept {
    if (id > impl_->tracker.highest_stream())
        rules_->updated[rules_->updates++ % rules_->updated.size()] = id;
}

void h2_server_session::count_glitch(h2_breach of) noexcept {
    if (!rules_->glitches.add(impl_->now))
        impl_->break_off(of);
}

// RFC 9113 §10.5: a client that opens and resets makes work at no cost (CVE-2023-44487).
void h2_server_session::on_reset_by_peer(h2_stream* of) noexcept {
    count_glitch(h2_breach::reset_flood);
    if (of == nullptr || impl_->now - of->opened > 1s)
        return;
    ++rules_->early_resets;
    if (opened() >= impl_->limits.floods.judged_streams && rules_->early_resets * 2 > opened())
        impl_->break_off(h2_breach::reset_flood);
}

// So does one that makes us reset what it has opened (CVE-2025-8671). A response that ends early is
// ours or the origin's fault.
void h2_server_session::on_reset_by_us(h2_code code) noexcept {
    if (code != h2_code::no_error && code != h2_code::internal_error)
        count_glitch(h2_breach::reset_flood);
}

// With no_error if our half is over and only the client's is missing (RFC 9113 §8.1).
h2_code h2_server_session::release_code(const h2_stream& of) const noexcept {
    return of.sent ? h2_code::no_error : h2_code::internal_error;
}

std::size_t h2_server_session::ahead_max() const noexcept {
    return impl_->limits.connection_window / 2;
}

result<void> h2_server_session::respond(h2_server_stream& to, const response_head& head,
                                        std::optional<std::uint64_t> length, h2_outgoing* body) {
    response_list list;
    if (!list_response(head, length, list))
        return error(errc::bad_field);
    to.answered = true;
    if (to.refused && head.status == header_too_large_status)
        rules_->told = impl_->now;
    if (to.closed)
        return {};
    set_body(to, body);
    const nghttp2_data_provider source = implementation::source_of(to);
    nghttp2_submit_response(impl_->library, static_cast<std::int32_t>(to.id), list.pairs.data(),
                            list.pairs.size(), body != nullptr ? &source : nullptr);
    return {};
}

result<void> h2_server_session::send_interim(h2_server_stream& to, const response_head& head) {
    response_list list;
    if (head.status >= 200 || !list_response(head, std::nullopt, list))
        return error(errc::bad_field);
    if (!to.closed && !to.answered)
        nghttp2_submit_headers(impl_->library, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(to.id),
                               nullptr, list.pairs.data(), list.pairs.size(), nullptr);
    return {};
}

h2_server_stream* h2_server_session::next_changed() noexcept {
    while (h2_stream* const next = next_changed_stream()) {
        // Heads become whole in the order of their streams.
        const bool is_new = !next->closed && next->id > impl_->taken_up;
        if (is_new && ended())
            continue;
        if (is_new)
            impl_->taken_up = next->id;
        return static_cast<h2_server_stream*>(next);
    }
    return nullptr;
}

void h2_server_session::announce_end() noexcept { nghttp2_submit_shutdown_notice(impl_->library); }

// The library refuses streams from the moment on in which it gives the frame away. So it does that
// at once, and not when the socket takes more: between the two, streams above the id would begin.
void h2_server_session::refuse_new() {
    nghttp2_submit_goaway(impl_->library, NGHTTP2_FLAG_NONE,
                          static_cast<std::int32_t>(impl_->taken_up), NGHTTP2_NO_ERROR, nullptr, 0);
    send_goaway_ahead();
}

}  // namespace penstock::http
