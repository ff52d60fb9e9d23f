#include "penstock/exchange/client_rules.hpp"

#include "penstock/base/text.hpp"

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
std::string_view member_for(const http::fields& of, http::field_id id, std::size_t hops) {
    http::last_members found;
    http::find_last(of, id, http::list_cut::members, found);
    if (found.size() == 0)
        return {};
    return found.from_end(std::min(std::max<std::size_t>(hops, 1), found.size()) - 1);
}

std::uint16_t port_of(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, port);
    return read.ec == std::errc() && read.ptr == end ? port : std::uint16_t{0};
}

}  // namespace

client_rules::client_rules(settings from) : settings_(std::move(from)) {
    const http::field_id id = http::field_id_of(settings_.from);
    form_ = id == http::field_id::x_forwarded_for ? form::x_forwarded_for
            : id == http::field_id::forwarded     ? form::forwarded
                                                  : form::single_address;
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

bool client_rules::follow(std::string_view node, story& into) const {
    const std::optional<net::socket_address> read = address_of(node);
    if (!read)
        return false;
    into.hops[into.count++] = *read;
    return into.count < hops_max && trusts(*read);
}

void client_rules::read_list(const http::fields& of, story& into) const {
    http::last_members entries;
    http::find_last(of, http::field_id::x_forwarded_for, http::list_cut::members, entries);
    for (std::size_t i = 0; i < entries.size() && follow(entries.from_end(i), into); ++i)
        continue;
    into.scheme = scheme_of(member_for(of, http::field_id::x_forwarded_proto, into.count));
    into.host = member_for(of, http::field_id::x_forwarded_host, into.count);
    into.port = port_of(member_for(of, http::field_id::x_forwarded_port, into.count));
}

void client_rules::read_forwarded(const http::fields& of, story& into) const {
    http::last_members lines;
    http::find_last(of, http::field_id::forwarded, http::list_cut::lines, lines);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        std::string_view rest = lines.from_end(i);
        while (!rest.empty()) {
            const std::string_view text = http::take_last_element(rest);
            if (text.empty())
                continue;
            const std::optional<http::forwarded_element> element = http::parse_forwarded(text);
            if (!element)
                return;
            // The nearest proxy's word holds until one behind it says more.
            if (const std::string_view scheme = scheme_of(element->scheme); !scheme.empty())
                into.scheme = scheme;
            if (!element->host.empty())
                into.host = element->host;
            if (!follow(element->node, into))
                return;
        }
    }
}

// Two lines have two readings, and so have none.
void client_rules::read_single(const http::fields& of, story& into) const {
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

void client_rules::read(const http::fields& of, story& into) const {
    into.count = 0;
    into.scheme = into.host = {};
    into.port = 0;
    switch (form_) {
        case form::x_forwarded_for:
            return read_list(of, into);
        case form::forwarded:
            return read_forwarded(of, into);
        case form::single_address:
            return read_single(of, into);
    }
}

void identify(const client_rules* by, request& of) {
    of.peer_trusted = by != nullptr && by->trusts(*of.peer);
    if (!of.peer_trusted)
        return;
    client_rules::story told;
    by->read(of.head.fields, told);
    if (!told.scheme.empty())
        of.head.scheme = told.scheme;
    if (told.count == 0)
        return;
    of.named_client = told.hops[told.count - 1];
    of.record->peer.swap(of.record->client);
    of.named_client->print(of.record->client);
}

}  // namespace penstock::exchange
