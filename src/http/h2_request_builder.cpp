#include "http/h2_request_builder.hpp"

#include "http/grammar.hpp"
#include "penstock/http/target.hpp"

namespace penstock::http {
bool h2_request_builder::add(const fields::field& one, request_head& into) {
    const std::size_t bytes = one.name.size() + one.value.size();
    bytes_ += bytes + field_overhead;
    if (bytes_ > 2 * limits_.head)
        return false;
    if (bytes_ > limits_.head)
        fail(errc::header_too_large);
    else if (bytes > limits_.field)
        fail(errc::field_too_large);
    if (why_ != errc{})
        return true;
    if (one.name.starts_with(':'))
        add_pseudo(one.name, one.value, into);
    else
        add_field(one, into);
    return true;
}

void h2_request_builder::add_pseudo(std::string_view name, std::string_view value,
                                    request_head& into) {
    if (name == ":method") {
        if (value.size() > method_bytes_max)
            return fail(errc::bad_method);
        into.method_text = value;
        into.verb = method_of(value);
    } else if (name == ":scheme") {
        into.scheme = value;
    } else if (name == ":authority") {
        authority_ = value;
    } else if (name == ":path") {
        if (value.size() > limits_.line)
            return fail(errc::uri_too_long);
        target_ = value;
    } else if (name == ":protocol") {
        protocol_ = value;
    }
}

void h2_request_builder::add_field(const fields::field& one, request_head& into) {
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
    into.fields.add(one);
}

error h2_request_builder::finish(request_head& into) {
    into.version = version::http_2;
    if (why_ != errc{})
        return why_;
    if (!is_token(into.method_text))
        return errc::bad_method;
    if (into.scheme != "http" && into.scheme != "https")
        return errc::bad_target;
    // RFC 9113 §8.3.1: where both name a host they have to agree, and a request without one has
    // nowhere to go.
    if (authority_.empty() && host_)
        authority_ = *host_;
    if (!normalize_authority(authority_, into.authority))
        return errc::bad_host;
    if (host_) {
        std::string other;
        if (!normalize_authority(*host_, other) || other != into.authority)
            return errc::bad_host;
    }
    if (!cookie_.empty())
        into.fields.add({"cookie", cookie_, field_id::cookie, cookie_never_indexed_});
    if (into.verb == method::connect && protocol_.empty())
        return {};
    if (target_ == "*" && into.verb == method::options) {
        into.path = "*";
        return {};
    }
    const result<void> normal = normalize_target(target_, into.path, into.query);
    return normal ? error() : normal.error();
}

}  // namespace penstock::http
