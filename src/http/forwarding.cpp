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

// Drops what an untrusted peer says about itself and others. A copy of the rest is made only if
// there is such a field, in time linear in their number.
void drop_claims(fields& of) {
    bool any = false;
    for (const fields::field field : of)
        any = any || is_forwarding_name(field.name) || is_disguised(field.name);
    if (!any)
        return;
    fields kept;
    for (const fields::field field : of) {
        if (!is_forwarding_name(field.name) && !is_disguised(field.name))
            kept.add(field);
    }
    of = std::move(kept);
}

// Client-Cert and Client-Cert-Chain with '_' for '-', which some servers take for the same.
bool looks_like_certificate(const fields::field& of) {
    constexpr std::string_view one = "client-cert";
    constexpr std::string_view chain = "client-cert-chain";
    if (of.id != field_id::other ||
        (of.name.size() != one.size() && of.name.size() != chain.size()))
        return false;
    std::string dashed(of.name);
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    return equal_nocase(dashed, one) || equal_nocase(dashed, chain);
}

// What a trusted peer may have let through.
void drop_certificates_alike(fields& of) {
    std::string alike;
    for (const fields::field field : of) {
        if (looks_like_certificate(field))
            (alike += field.name) += ',';
    }
    each_member(alike, [&of](std::string_view name) {
        of.remove(name);
        return true;
    });
}

// All values of X-Forwarded-For as one list.
std::string forwarded_for(const fields& of) {
    std::string list;
    for (const fields::field field : of) {
        if (field.id != field_id::x_forwarded_for || field.value.empty())
            continue;
        if (!list.empty())
            list += ", ";
        list += field.value;
    }
    return list;
}

void add_missing(fields& of, field_id id, std::string_view name, std::string_view value) {
    if (!value.empty() && !of.find(id))
        of.add(id, name, value);
}

// The client as the peer saw it, which is the last address of its list; without a list, the peer.
std::string real_ip(std::string_view list, std::string_view peer) {
    const std::string_view last = trim_space(list.substr(list.rfind(',') + 1));
    return std::string(last.empty() ? peer : last);
}

// X-Forwarded-For takes IPv6 addresses bare.
std::string_view without_brackets(std::string_view address) noexcept {
    if (!address.starts_with('[') || !address.ends_with(']'))
        return address;
    return address.substr(1, address.size() - 2);
}

// What a trusted peer said about addresses stays, with the peer's own behind it.
void extend_addresses(fields& of, std::string_view client) {
    std::string list = forwarded_for(of);
    add_missing(of, field_id::x_real_ip, "X-Real-IP", real_ip(list, client));
    if (!list.empty())
        list += ", ";
    list += client;
    of.set("X-Forwarded-For", list);
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
    if (facts.peer_trusted)
        drop_certificates_alike(of);
    else
        drop_claims(of);
    // Whoever sent them.
    of.remove_all(fields::bit(field_id::client_cert) | fields::bit(field_id::client_cert_chain));
    if (!facts.client_certificate.empty())
        of.add("Client-Cert", std::string(":").append(facts.client_certificate) + ':');
    const std::string_view client = without_brackets(facts.client_address);
    if (of.may_have(field_id::x_forwarded_for) || of.may_have(field_id::x_real_ip)) {
        extend_addresses(of, client);
    } else {
        of.add(field_id::x_real_ip, "X-Real-IP", client);
        of.add(field_id::x_forwarded_for, "X-Forwarded-For", client);
    }
    add_missing(of, field_id::x_forwarded_proto, "X-Forwarded-Proto", facts.scheme);
    add_missing(of, field_id::x_forwarded_host, "X-Forwarded-Host", facts.host);
    std::array<char, 8> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), facts.port).ptr;
    const std::string_view port(digits.data(), static_cast<std::size_t>(end - digits.data()));
    add_missing(of, field_id::x_forwarded_port, "X-Forwarded-Port",
                facts.port > 0 ? port : std::string_view());
}

}  // namespace penstock::http
