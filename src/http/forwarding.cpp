#include "penstock/http/forwarding.hpp"

#include "http/field_rules.hpp"
#include "http/grammar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

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

bool is_claim(const fields::field& one, const forwarded_facts& facts) {
    if (!facts.client_field.empty() && is_alike(one.name, facts.client_field))
        return true;
    if ((fields::bit(one.id) & story_fields) != 0 || is_disguised(one.name))
        return true;
    return !facts.keeps_family && is_forwarding_name(one.name);
}

// Drops what peers say about themselves and others. A copy of the rest is made only if there is
// such a field, in time linear in their number.
void drop_claims(fields& of, const forwarded_facts& facts) {
    bool any = false;
    for (const fields::field field : of)
        any = any || is_claim(field, facts);
    if (!any)
        return;
    fields kept;
    for (const fields::field field : of) {
        if (!is_claim(field, facts))
            kept.add(field);
    }
    of = std::move(kept);
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

// What the client asked for stands with its own element, the first.
std::string forwarded_of(const forwarded_facts& facts) {
    std::string text;
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
    return text;
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

void set_forwarding(fields& of, const forwarded_facts& facts) {
    drop_claims(of, facts);
    if (!facts.client_certificate.empty())
        of.add("Client-Cert", std::string(":").append(facts.client_certificate) + ':');
    const std::string_view client = facts.way.substr(0, facts.way.find(','));
    add_known(of, field_id::x_real_ip, "X-Real-IP", client);
    if (!facts.client_field.empty() && !equal_nocase(facts.client_field, "X-Real-IP"))
        add_known(of, field_id_of(facts.client_field), facts.client_field, client);
    add_known(of, field_id::x_forwarded_for, "X-Forwarded-For", facts.way);
    add_known(of, field_id::x_forwarded_proto, "X-Forwarded-Proto", facts.scheme);
    add_known(of, field_id::x_forwarded_host, "X-Forwarded-Host", facts.host);
    std::array<char, 8> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), facts.port).ptr;
    const std::string_view port(digits.data(), static_cast<std::size_t>(end - digits.data()));
    add_known(of, field_id::x_forwarded_port, "X-Forwarded-Port",
              facts.port > 0 ? port : std::string_view());
    if (facts.writes_forwarded)
        add_known(of, field_id::forwarded, "Forwarded", forwarded_of(facts));
}

}  // namespace penstock::http
