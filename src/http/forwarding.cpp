#include "penstock/http/forwarding.hpp"

#include "http/field_rules.hpp"
#include "http/grammar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>

namespace penstock::http {
namespace {

// Removed whether Connection names them or not. Framing is ours to write; credentials and
// challenges for proxies end here; Trailer would announce what may have been dropped.
constexpr std::array hop_by_hop = {
    field_id::connection,
    field_id::content_length,
    field_id::http2_settings,
    field_id::keep_alive,
    field_id::proxy_connection,
    field_id::proxy_authenticate,
    field_id::proxy_authorization,
    field_id::te,
    field_id::trailer,
    field_id::transfer_encoding,
    field_id::upgrade,
};

// Nobody names as many; more would only buy a peer our time.
constexpr std::size_t named_max = 64;

constexpr std::uint64_t hop_by_hop_set = [] {
    std::uint64_t set = 0;
    for (const field_id id : hop_by_hop)
        set |= fields::bit(id);
    return set;
}();

// Calls visit(member) for each member of a comma-separated list; it returns false to end.
template <class Visit>
void each_member(std::string_view list, Visit visit) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        const std::string_view member = trim_space(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
        if (!member.empty() && !visit(member))
            return;
    }
}

// The fields that only Connection's say makes hop-by-hop, as a list of our own: removing changes
// what the fields' views point to. Nearly always empty.
std::string named_by_connection(const fields& of) {
    std::string named;
    std::size_t left = named_max;
    for (const fields::field field : of) {
        if (field.id != field_id::connection)
            continue;
        each_member(field.value, [&](std::string_view option) {
            const bool known = (fields::bit(field_id_of(option)) & hop_by_hop_set) != 0;
            if (known || equal_nocase(option, "close") || is_protected(option))
                return true;
            named += option;
            named += ',';
            return --left > 0;
        });
        if (left == 0)
            break;
    }
    return named;
}

// What facts are told in, whoever else has told them before.
constexpr std::uint64_t story_fields =
    fields::bit(field_id::client_cert) | fields::bit(field_id::client_cert_chain) |
    fields::bit(field_id::forwarded) | fields::bit(field_id::x_forwarded_for) |
    fields::bit(field_id::x_forwarded_host) | fields::bit(field_id::x_forwarded_port) |
    fields::bit(field_id::x_forwarded_proto) | fields::bit(field_id::x_real_ip);

bool is_alike(std::string_view name, std::string_view other) noexcept {
    return name.size() == other.size() &&
           std::equal(name.begin(), name.end(), other.begin(), [](char a, char b) {
               return to_lower(a == '_' ? '-' : a) == to_lower(b == '_' ? '-' : b);
           });
}

bool is_named_field(std::string_view name, const forwarded_facts& facts) noexcept {
    return (!facts.client_field.empty() && is_alike(name, facts.client_field)) ||
           (!facts.scheme_field.empty() && is_alike(name, facts.scheme_field));
}

// Of names with an id none has a '_', and all that are the family's are in the set.
bool is_claim(const fields::field& one, bool keeps_family) {
    if (one.id != field_id::other)
        return (fields::bit(one.id) & story_fields) != 0;
    return is_disguised(one.name) || (!keeps_family && is_forwarding_name(one.name));
}

// Drops what peers say about themselves and others, in place.
void drop_claims(fields& of, const forwarded_facts& facts) {
    of.remove_if(
        [keeps = facts.keeps_family](const fields::field& one) { return is_claim(one, keeps); });
    if (facts.client_field.empty() && facts.scheme_field.empty())
        return;
    of.remove_if([&facts](const fields::field& one) { return is_named_field(one.name, facts); });
}

void add_known(fields& of, field_id id, std::string_view name, std::string_view value) {
    if (!value.empty())
        of.add(id, name, value);
}

// RFC 7239 §4: what is no token stands in quotes, and §6: an IPv6 address in brackets too.
void append_value(std::string& to, std::string_view value) {
    const bool plain = is_token(value);
    to.append(plain ? "" : "\"").append(value).append(plain ? "" : "\"");
}

void append_node(std::string& to, std::string_view address) {
    to += "for=";
    if (address.find(':') == std::string_view::npos)
        to += address;
    else
        to.append("\"[").append(address).append("]\"");
}

// What the client asked for stands with its own element, the first. Replaces what `text` held.
void write_forwarded(const forwarded_facts& facts, std::string& text) {
    text.clear();
    const std::size_t client_end = std::min(facts.way.find(','), facts.way.size());
    if (client_end > 0)
        append_node(text, facts.way.substr(0, client_end));
    if (!facts.host.empty()) {
        text += text.empty() ? "host=" : ";host=";
        append_value(text, facts.host);
    }
    if (!facts.scheme.empty())
        text.append(text.empty() ? "proto=" : ";proto=").append(facts.scheme);
    each_member(facts.way.substr(client_end), [&text](std::string_view address) {
        text += ", ";
        append_node(text, address);
        return true;
    });
}

// A field that the configuration names, unless it is one that is written in any case.
void add_named(fields& of, std::string_view name, field_id usual, std::string_view value) {
    const field_id id = field_id_of(name);
    if (!name.empty() && id != usual)
        add_known(of, id, name, value);
}

}  // namespace

void strip_hop_by_hop(fields& of) {
    if (of.may_have(field_id::connection)) {
        each_member(named_by_connection(of), [&](std::string_view name) {
            of.remove(name);
            return true;
        });
    }
    of.remove_all(hop_by_hop_set);
}

void set_forwarding(fields& of, const forwarded_facts& facts, std::string& scratch) {
    drop_claims(of, facts);
    if (!facts.client_certificate.empty()) {
        scratch.assign(":").append(facts.client_certificate) += ':';
        of.add(field_id::client_cert, "Client-Cert", scratch);
    }
    const std::string_view client = facts.way.substr(0, facts.way.find(','));
    add_known(of, field_id::x_real_ip, "X-Real-IP", client);
    add_named(of, facts.client_field, field_id::x_real_ip, client);
    add_known(of, field_id::x_forwarded_for, "X-Forwarded-For", facts.way);
    add_known(of, field_id::x_forwarded_proto, "X-Forwarded-Proto", facts.scheme);
    add_named(of, facts.scheme_field, field_id::x_forwarded_proto, facts.scheme);
    add_known(of, field_id::x_forwarded_host, "X-Forwarded-Host", facts.host);
    std::array<char, 8> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), facts.port).ptr;
    const std::string_view port(digits.data(), static_cast<std::size_t>(end - digits.data()));
    add_known(of, field_id::x_forwarded_port, "X-Forwarded-Port",
              facts.port > 0 ? port : std::string_view());
    if (facts.writes_forwarded) {
        write_forwarded(facts, scratch);
        add_known(of, field_id::forwarded, "Forwarded", scratch);
    }
}

}  // namespace penstock::http
