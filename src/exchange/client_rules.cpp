#include "penstock/exchange/client_rules.hpp"

#include "penstock/base/text.hpp"
#include "penstock/http/target.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace penstock::exchange {
namespace {

bool holds(const client_rules::network& network, const std::uint8_t (&address)[16]) noexcept {
    const auto whole = static_cast<std::size_t>(network.prefix / 8);
    if (std::memcmp(network.bytes, address, whole) != 0)
        return false;
    const int rest = network.prefix % 8;
    if (rest == 0)
        return true;
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
    return (network.bytes[whole] & mask) == (address[whole] & mask);
}

std::optional<net::socket_address> address_of(std::string_view text) {
    const std::optional<http::forwarded_node> node = http::parse_node(text);
    if (!node)
        return std::nullopt;
    const result<net::socket_address> read = net::socket_address::parse(node->host, node->port);
    if (!read)
        return std::nullopt;
    return read->unmapped();
}

// What is not one of the two would be told to origins as the truth.
std::string_view scheme_of(std::string_view text) noexcept {
    if (http::equal_nocase(text, "https"))
        return "https";
    return http::equal_nocase(text, "http") ? "http" : std::string_view();
}

// A proxy that extends lists has one entry for each address that it names. One that replaces them
// has a single entry.
std::string_view member_for(const http::fields& of, std::string_view name, std::size_t hops) {
    if (hops <= 1)
        return http::last_member(of, name);
    http::last_members found;
    http::find_last(of, name, http::list_cut::members, found);
    if (found.size() == 0)
        return {};
    return found.from_end(std::min(hops, found.size()) - 1);
}

// In its one form; nothing of what is no host. The text is valid until the next call on the thread.
std::string_view host_named(std::string_view text) {
    static thread_local std::string made;
    made.clear();
    if (!text.empty() && !http::normalize_authority(text, made))
        made.clear();
    return made;
}

std::uint16_t port_of(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, port);
    return read.ec == std::errc() && read.ptr == end ? port : std::uint16_t{0};
}

// The default port of the other scheme: no client has come to that.
bool contradicts(std::uint16_t port, std::string_view scheme) noexcept {
    return port == (scheme == "https" ? 80 : 443);
}

// A Host that the peer made out of our address has a port that we speak another scheme on.
bool is_own_port(std::uint16_t port, const request& of) noexcept {
    const bool other_scheme = (of.head.scheme == "https") != of.tls;
    return other_scheme && of.local != nullptr && !of.local->is_unix() && port == of.local->port();
}

}  // namespace

client_rules::client_rules(settings from) : settings_(std::move(from)) {
    const http::field_id id = http::field_id_of(settings_.from);
    form_ = id == http::field_id::x_forwarded_for ? form::x_forwarded_for
            : id == http::field_id::forwarded     ? form::forwarded
                                                  : form::single_address;
    reads_proto_ = form_ == form::forwarded && settings_.scheme.empty();
    if (settings_.scheme.empty() && !reads_proto_)
        scheme_field_ = "X-Forwarded-Proto";
    else if (settings_.scheme != "none")
        scheme_field_ = settings_.scheme;
    usual_scheme_ = scheme_field_.empty() || http::equal_nocase(scheme_field_, "X-Forwarded-Proto");
}

bool client_rules::trusts(const net::socket_address& peer) const noexcept {
    if (peer.is_unix())
        return settings_.unix_peers;
    if (settings_.networks.empty())
        return false;
    std::uint8_t address[16];
    peer.mapped(address);
    return std::any_of(settings_.networks.begin(), settings_.networks.end(),
                       [&](const network& one) { return holds(one, address); });
}

bool client_rules::follow(std::string_view node, client_story& into) const {
    const std::optional<net::socket_address> read = address_of(node);
    if (!read)
        return false;
    into.hops.push_back(*read);
    return into.hops.size() < hops_max && trusts(*read);
}

void client_rules::read_list(const http::fields& of, client_story& into) const {
    http::last_members entries;
    http::find_last(of, settings_.from, http::list_cut::members, entries);
    for (std::size_t i = 0; i < entries.size() && follow(entries.from_end(i), into); ++i)
        continue;
    into.host = host_named(member_for(of, "X-Forwarded-Host", into.hops.size()));
    into.port = port_of(member_for(of, "X-Forwarded-Port", into.hops.size()));
}

// Returns the host of the farthest proxy that names one.
std::string_view client_rules::walk_forwarded(const http::fields& of, client_story& into) const {
    http::last_members lines;
    http::find_last(of, settings_.from, http::list_cut::lines, lines);
    std::string_view host;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        std::string_view rest = lines.from_end(i);
        while (!rest.empty()) {
            const std::string_view text = http::take_last_element(rest);
            if (text.empty())
                continue;
            const std::optional<http::forwarded_element> element = http::parse_forwarded(text);
            if (!element)
                return host;
            // The nearest proxy's word holds until one behind it says more.
            const std::string_view scheme = scheme_of(element->scheme);
            if (reads_proto_ && !scheme.empty())
                into.scheme = scheme;
            if (!element->host.empty())
                host = element->host;
            if (!follow(element->node, into))
                return host;
        }
    }
    return host;
}

void client_rules::read_forwarded(const http::fields& of, client_story& into) const {
    into.host = host_named(walk_forwarded(of, into));
}

// Two lines have two readings, and so have none.
void client_rules::read_single(const http::fields& of, client_story& into) const {
    std::string_view value;
    for (const http::fields::field field : of) {
        if (!http::equal_nocase(field.name, settings_.from))
            continue;
        if (!value.empty())
            return;
        value = trim_space(field.value);
    }
    static_cast<void>(follow(value, into));
}

// Beside a field of one address stands no list of a known length: then our peer's own entry, the
// right-most one, is the only one that no client can have made up.
void client_rules::read_scheme(const http::fields& of, client_story& into) const {
    if (scheme_field_.empty())
        return;
    const std::size_t hops = form_ == form::single_address ? 1 : into.hops.size();
    into.scheme = scheme_of(member_for(of, scheme_field_, hops));
}

void client_rules::read(const http::fields& of, client_story& into) const {
    into.hops.clear();
    into.scheme = {};
    into.host.clear();
    into.port = 0;
    switch (form_) {
        case form::x_forwarded_for:
            read_list(of, into);
            break;
        case form::forwarded:
            read_forwarded(of, into);
            break;
        case form::single_address:
            read_single(of, into);
            break;
    }
    read_scheme(of, into);
}

void identify(const client_rules* by, request& of) {
    if (by == nullptr || !by->trusts(*of.peer))
        return;
    of.told = std::make_unique<client_story>();
    by->read(of.head.fields, *of.told);
    if (!of.told->scheme.empty())
        of.head.scheme = of.told->scheme;
    if (of.told->hops.empty())
        return;
    of.record->peer.swap(of.record->client);
    of.told->hops.back().print(of.record->client);
}

client_authority authority_of_client(const request& of) noexcept {
    const client_story* const told = of.told.get();
    const bool names_host = told != nullptr && !told->host.empty();
    const std::string_view authority =
        names_host ? std::string_view(told->host) : std::string_view(of.record->host);
    client_authority made{http::host_of(authority), http::port_of(authority).value_or(0)};
    if (told == nullptr)
        return made;
    if (told->port != 0)
        made.port = told->port;
    else if (!names_host && is_own_port(made.port, of))
        made.port = 0;
    if (!told->scheme.empty() && contradicts(made.port, told->scheme))
        made.port = 0;
    return made;
}

}  // namespace penstock::exchange
