#include "penstock/http/h2_client_session.hpp"

#include "http/grammar.hpp"
#include "http/h2_core.hpp"
#include "http/scan.hpp"
#include "penstock/http/h1_head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace penstock::http {
namespace {

struct request_list {
    std::string path;
    std::array<char, 20> length{};
    name_value_list pairs;
};

bool list_target(const request_head& head, const h2_request_encoding& how, request_list& to) {
    const std::string& path = head.forwarded_path();
    const bool asterisk = head.verb == method::options && path == "*" && head.query.empty();
    const bool query = head.query.empty() || head.query.starts_with('?');
    if ((!path.starts_with('/') && !asterisk) || !query || !scan::all(scan::path, path) ||
        !scan::all(scan::query, head.query) || head.authority.empty() ||
        !scan::all(scan::host, head.authority))
        return false;
    to.path = path + head.query;
    // As over HTTP/1, the client's own scheme is the affair of X-Forwarded-Proto.
    to.pairs.push_back(pair_of(":scheme", how.tls ? "https" : "http"));
    to.pairs.push_back(pair_of(":authority", head.authority));
    to.pairs.push_back(pair_of(":path", to.path));
    if (!how.protocol.empty())
        to.pairs.push_back(pair_of(":protocol", how.protocol));
    return true;
}

// False if it cannot be written.
bool list_request(const request_head& head, const h2_request_encoding& how, request_list& to) {
    to.pairs.reserve(head.fields.size() + 7);
    const std::string_view method =
        how.protocol.empty() ? std::string_view(head.method_text) : std::string_view("CONNECT");
    if (!is_token(head.method_text) || (head.scheme != "http" && head.scheme != "https") ||
        head.fields.find(field_id::te) || head.fields.find(field_id::host))
        return false;
    to.pairs.push_back(pair_of(":method", method));
    if (!list_target(head, how, to) || !list_fields(head.fields, to.pairs))
        return false;
    // RFC 8441 §5: the stream is the proof.
    if (!how.protocol.empty())
        std::erase_if(to.pairs, [](const nghttp2_nv& each) {
            return equal_nocase(view(each.name, each.namelen), "sec-websocket-key");
        });
    if (how.length) {
        char* const begin = to.length.data();
        const char* const end = std::to_chars(begin, begin + to.length.size(), *how.length).ptr;
        to.pairs.push_back(
            pair_of("content-length", {begin, static_cast<std::size_t>(end - begin)}));
    }
    if (how.trailers)
        to.pairs.push_back(pair_of("te", "trailers"));
    return true;
}

}  // namespace

h2_client_session::h2_client_session(const h2_limits& limits) : h2_session(role::client, limits) {
    nghttp2_session* const library = impl_->library;
    const std::array<nghttp2_settings_entry, 3> entries{{
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.head.head)},
    }};
    nghttp2_submit_settings(library, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
    nghttp2_session_set_local_window_size(library, NGHTTP2_FLAG_NONE, 0,
                                          static_cast<std::int32_t>(limits.connection_window));
}

h2_client_session::~h2_client_session() = default;

std::size_t h2_client_session::slots() const noexcept {
    if (ended() || nghttp2_session_check_request_allowed(impl_->library) == 0)
        return 0;
    const std::uint32_t theirs = nghttp2_session_get_remote_settings(
        impl_->library, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    const std::size_t most = std::min(theirs, impl_->limits.streams);
    return most > live() ? most - live() : 0;
}

result<h2_client_stream*> h2_client_session::open(const request_head& head,
                                                  const h2_request_encoding& how,
                                                  h2_outgoing* body) {
    request_list list;
    if (!list_request(head, how, list))
        return error(errc::bad_field);
    auto made = std::make_unique<h2_client_stream>();
    h2_client_stream* const stream = made.get();
    set_body(*stream, body);
    const nghttp2_data_provider source = implementation::source_of(*stream);
    const std::int32_t id =
        nghttp2_submit_request(impl_->library, nullptr, list.pairs.data(), list.pairs.size(),
                               body != nullptr ? &source : nullptr, stream);
    if (id < 0)
        return error(errc::bad_field);
    stream->id = static_cast<h2_stream_id>(id);
    stream->verb_ = head.verb;
    adopt(std::move(made));
    return stream;
}

h2_code h2_client_session::goaway_code() const noexcept { return impl_->goaway_code; }

bool h2_client_session::going_away() const noexcept {
    return impl_->going_away || ended() ||
           nghttp2_session_check_request_allowed(impl_->library) == 0;
}

bool h2_client_session::settings_received() const noexcept { return impl_->settings_came; }

bool h2_client_session::extended_connect() const noexcept {
    return nghttp2_session_get_remote_settings(impl_->library,
                                               NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

void h2_client_session::ping() noexcept {
    nghttp2_submit_ping(impl_->library, NGHTTP2_FLAG_NONE, nullptr);
}

void h2_client_session::begin_head(h2_stream_id id, bool) {
    auto* const stream = static_cast<h2_client_stream*>(
        nghttp2_session_get_stream_user_data(impl_->library, static_cast<std::int32_t>(id)));
    if (stream == nullptr || stream->head_complete)
        return;
    stream->begun = true;
    stream->incoming_.clear();
    stream->bytes_ = 0;
}

h2_session::verdict h2_client_session::add_head_field(h2_stream& of, const fields::field& one) {
    auto& stream = static_cast<h2_client_stream&>(of);
    const head_limits& most = impl_->limits.head;
    response_head& into = stream.incoming_;
    stream.bytes_ += one.name.size() + one.value.size() + h2_field_overhead;
    if (stream.bytes_ > 2 * most.head)
        return verdict::end_connection;
    if (stream.bytes_ > most.head)
        stream.refused = errc::header_too_large;
    else if (into.fields.size() >= most.count && !one.name.starts_with(':'))
        stream.refused = errc::too_many_fields;
    if (stream.refused)
        return verdict::good;
    if (one.name == ":status") {
        // Three digits, as the library has seen to, but those of "051" are no status.
        std::from_chars(one.value.data(), one.value.data() + one.value.size(), into.status);
        if (into.status < 100)
            stream.refused = errc::bad_status_line;
        return verdict::good;
    }
    into.fields.add(one);
    return verdict::good;
}

void h2_client_session::finish_head(h2_stream& of, bool ended) {
    auto& stream = static_cast<h2_client_stream&>(of);
    response_head& came = stream.incoming_;
    came.version = version::http_2;
    if (stream.refused) {
        reset(of, h2_code::protocol_error);
        return;
    }
    if (came.status < 200) {
        // The one that breaks the limit is kept as well, so that its owner hears of it.
        const bool kept = stream.interims.size() < h2_client_stream::interims_max &&
                          stream.interim_bytes <= h2_client_stream::interim_bytes_max;
        stream.interim_bytes += stream.bytes_;
        if (kept)
            stream.interims.push_back(std::move(came));
        return;
    }
    stream.length = announced_length(came);
    // Of a HEAD or a 304 only the origin knows how long the body would be.
    const bool untold = stream.verb_ == method::head || came.status == 304;
    if (!stream.length && ended && !untold)
        stream.length = 0;
    came.fields.remove(field_id::content_length);
    stream.head = std::move(came);
    stream.head_complete = true;
    stream.bodiless = ended;
}

// Nobody waits for the rest of it.
h2_code h2_client_session::release_code(const h2_stream&) const noexcept { return h2_code::cancel; }

}  // namespace penstock::http
