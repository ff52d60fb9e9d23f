#include "http/h2_request_builder.hpp"

#include "http/grammar.hpp"
#include "http/scan.hpp"
#include "penstock/http/h2.hpp"
#include "penstock/http/path.hpp"
#include "penstock/http/target.hpp"

#include <algorithm>

namespace penstock::http {
namespace {

// RFC 9113 §8.2.1: a character of a token, but in lower case.
bool is_h2_name(std::string_view name) noexcept {
    return is_token(name) &&
           std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_h2_value(std::string_view value) noexcept {
    if (value.empty())
        return true;
    return !is_space(value.front()) && !is_space(value.back()) && scan::all_field(value);
}

// RFC 9113 §8.2.2.
bool is_of_one_connection(const fields::field& one) noexcept {
    switch (one.id) {
        case field_id::connection:
        case field_id::keep_alive:
        case field_id::proxy_connection:
        case field_id::transfer_encoding:
        case field_id::upgrade:
            return true;
        case field_id::te:
            return !equal_nocase(one.value, "trailers");
        default:
            return false;
    }
}

// What would end a line or a part of it in HTTP/1. Other bytes that have no place in a value of a
// pseudo-field are answered with a status.
bool is_pseudo_value(std::string_view value) noexcept {
    return std::none_of(value.begin(), value.end(),
                        [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

}  // namespace

bool is_h2_field(const fields::field& one) noexcept {
    return is_h2_name(one.name) && is_h2_value(one.value) && !is_of_one_connection(one);
}

bool h2_request_builder::add(const fields::field& one, request_head& into) {
    const std::size_t bytes = one.name.size() + one.value.size();
    bytes_ += bytes + h2_field_overhead;
    if (bytes_ > 2 * limits_.head)
        return false;
    if (bytes_ > limits_.head)
        fail(errc::header_too_large);
    else if (bytes > limits_.field)
        fail(errc::field_too_large);
    // HEAD is refused without a body, so the method of a head that is refused counts.
    const bool says_method = one.name == ":method" && one.value.size() <= method_bytes_max;
    if (malformed_ || (why_ != errc{} && !says_method))
        return true;
    if (one.name.starts_with(':'))
        add_pseudo(one.name, one.value, into);
    else
        add_field(one, into);
    return true;
}

h2_request_builder::pseudo h2_request_builder::pseudo_of(std::string_view name) noexcept {
    if (name == ":method")
        return pseudo::method;
    if (name == ":scheme")
        return pseudo::scheme;
    if (name == ":authority")
        return pseudo::authority;
    if (name == ":path")
        return pseudo::path;
    return name == ":protocol" ? pseudo::protocol_name : pseudo::none;
}

void h2_request_builder::add_pseudo(std::string_view name, std::string_view value,
                                    request_head& into) {
    const pseudo which = pseudo_of(name);
    if (which == pseudo::none || fields_begun_ || (seen_ & which) != 0 || !is_pseudo_value(value)) {
        malformed_ = true;
        return;
    }
    seen_ = static_cast<std::uint8_t>(seen_ | which);
    switch (which) {
        case pseudo::method:
            if (!is_token(value))
                malformed_ = true;
            else if (value.size() > method_bytes_max)
                fail(errc::bad_method);
            into.method_text = value;
            into.verb = method_of(value);
            break;
        case pseudo::scheme:
            for (const std::string_view known : {"http", "https"})
                into.scheme = value == known ? known : into.scheme;
            break;
        case pseudo::authority:
            authority_ = value;
            break;
        case pseudo::path:
            if (value.size() > limits_.line)
                return fail(errc::uri_too_long);
            target_ = value;
            break;
        default:
            malformed_ = !extended_connect_ || value != "websocket";
            protocol_ = value;
    }
}

void h2_request_builder::add_field(const fields::field& one, request_head& into) {
    fields_begun_ = true;
    if (!is_h2_field(one)) {
        malformed_ = true;
        return;
    }
    // A cookie comes in crumbs, so that each can be compressed (RFC 9113 §8.2.3); to whom does not
    // know of that it is one field.
    if (one.id == field_id::cookie) {
        if (++crumbs_ > crumbs_max)
            return fail(errc::too_many_fields);
        if (!cookie_.empty())
            cookie_ += "; ";
        cookie_ += one.value;
        cookie_never_indexed_ = cookie_never_indexed_ || one.never_indexed;
        return;
    }
    if (++count_ > limits_.count)
        return fail(errc::too_many_fields);
    if (one.id == field_id::host) {
        if (host_)
            return fail(errc::bad_host);
        host_ = one.value;
        return;
    }
    if (one.id == field_id::other && one.name == "priority") {
        if (!priority_)
            priority_.emplace();
        read_priority(one.value, *priority_);
    }
    into.fields.add(one);
}

// RFC 9113 §8.3.1 and §8.5, RFC 8441 §4.
bool h2_request_builder::has_what_it_needs(const request_head& head) const noexcept {
    if ((seen_ & pseudo::method) == 0 || (authority_.empty() && !host_))
        return false;
    const bool connects = head.verb == http::method::connect;
    const bool extended = (seen_ & pseudo::protocol_name) != 0;
    if (connects && !extended)
        return (seen_ & (pseudo::scheme | pseudo::path)) == 0 && !authority_.empty();
    if (extended && (!connects || authority_.empty()))
        return false;
    const bool asterisk = target_ == "*" && head.verb == http::method::options;
    return (seen_ & pseudo::scheme) != 0 && (target_.starts_with('/') || asterisk);
}

// RFC 9113 §8.3.1: where both name a host they have to agree, and a request without one has nowhere
// to go.
error h2_request_builder::agree_on_host(request_head& into) {
    if (authority_.empty() && host_)
        authority_ = *host_;
    if (!normalize_authority(authority_, into.authority))
        return errc::bad_host;
    if (host_) {
        std::string other;
        if (!normalize_authority(*host_, other) || other != into.authority)
            return errc::bad_host;
    }
    return {};
}

error h2_request_builder::finish(request_head& into) {
    into.version = version::http_2;
    // Of a head that is refused not all was looked at.
    if (why_ != errc{})
        return why_;
    malformed_ = malformed_ || !has_what_it_needs(into);
    if (malformed_)
        return {};
    const bool plain_connect = into.verb == http::method::connect && protocol_.empty();
    if (!plain_connect && into.scheme != "http" && into.scheme != "https")
        return errc::bad_target;
    if (const error wrong = agree_on_host(into))
        return wrong;
    if (!cookie_.empty())
        into.fields.add({"cookie", cookie_, field_id::cookie, cookie_never_indexed_});
    if (plain_connect)
        return {};
    if (target_ == "*") {
        into.path = "*";
        return {};
    }
    const result<void> normal = normalize_target(target_, into);
    return normal ? error() : normal.error();
}

}  // namespace penstock::http
