#include "penstock/http/fields.hpp"

#include "http/grammar.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::http {
namespace {

struct known_name {
    std::string_view text;  // lower case
    field_id id;
};

// Sorted by length, so that a look-up compares with a few names of the same length only.
constexpr std::array known{
    known_name{"te", field_id::te},
    known_name{"via", field_id::via},
    known_name{"date", field_id::date},
    known_name{"host", field_id::host},
    known_name{"cookie", field_id::cookie},
    known_name{"expect", field_id::expect},
    known_name{"server", field_id::server},
    known_name{"trailer", field_id::trailer},
    known_name{"upgrade", field_id::upgrade},
    known_name{"location", field_id::location},
    known_name{"forwarded", field_id::forwarded},
    known_name{"x-real-ip", field_id::x_real_ip},
    known_name{"connection", field_id::connection},
    known_name{"keep-alive", field_id::keep_alive},
    known_name{"user-agent", field_id::user_agent},
    known_name{"retry-after", field_id::retry_after},
    known_name{"content-type", field_id::content_type},
    known_name{"max-forwards", field_id::max_forwards},
    known_name{"proxy-status", field_id::proxy_status},
    known_name{"x-request-id", field_id::x_request_id},
    known_name{"authorization", field_id::authorization},
    known_name{"content-length", field_id::content_length},
    known_name{"http2-settings", field_id::http2_settings},
    known_name{"x-forwarded-for", field_id::x_forwarded_for},
    known_name{"proxy-connection", field_id::proxy_connection},
    known_name{"www-authenticate", field_id::www_authenticate},
    known_name{"x-forwarded-host", field_id::x_forwarded_host},
    known_name{"x-forwarded-port", field_id::x_forwarded_port},
    known_name{"transfer-encoding", field_id::transfer_encoding},
    known_name{"x-forwarded-proto", field_id::x_forwarded_proto},
    known_name{"proxy-authenticate", field_id::proxy_authenticate},
    known_name{"proxy-authorization", field_id::proxy_authorization},
};
constexpr std::size_t name_length_max = 19;

// Where the names of each length begin; the last entry is the end.
constexpr auto first_of_length = [] {
    std::array<std::uint8_t, name_length_max + 2> made{};
    for (std::size_t length = 0; length < made.size(); ++length) {
        std::size_t at = 0;
        while (at < known.size() && known[at].text.size() < length)
            ++at;
        made[length] = static_cast<std::uint8_t>(at);
    }
    return made;
}();
static_assert(known.back().text.size() == name_length_max);
static_assert(std::is_sorted(known.begin(), known.end(), [](const auto& left, const auto& right) {
    return left.text.size() < right.text.size();
}));

}  // namespace

bool equal_nocase(std::string_view left, std::string_view right) noexcept {
    if (left.size() != right.size())
        return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (to_lower(left[i]) != to_lower(right[i]))
            return false;
    }
    return true;
}

field_id field_id_of(std::string_view name) noexcept {
    if (name.size() > name_length_max)
        return field_id::other;
    const std::size_t end = first_of_length[name.size() + 1];
    for (std::size_t at = first_of_length[name.size()]; at < end; ++at) {
        // The last letter tells most names of one length apart at once.
        if (known[at].text.back() == to_lower(name.back()) && equal_nocase(known[at].text, name))
            return known[at].id;
    }
    return field_id::other;
}

fields::field fields::view(const entry& item) const noexcept {
    const std::string_view text(text_);
    return {text.substr(item.offset, item.name_length),
            text.substr(item.offset + item.name_length, item.value_length), item.id};
}

void fields::add(std::string_view name, std::string_view value) {
    const auto offset = static_cast<std::uint32_t>(text_.size());
    text_.append(name).append(value);
    entries_.push_back({offset, static_cast<std::uint32_t>(name.size()),
                        static_cast<std::uint32_t>(value.size()), field_id_of(name), true});
    ++live_;
}

void fields::set(std::string_view name, std::string_view value) {
    const field_id id = field_id_of(name);
    bool placed = false;
    for (entry& item : entries_) {
        if (!item.live || item.id != id || !equal_nocase(view(item).name, name))
            continue;
        if (std::exchange(placed, true)) {
            item.live = false;
            --live_;
            continue;
        }
        item.offset = static_cast<std::uint32_t>(text_.size());
        item.name_length = static_cast<std::uint32_t>(name.size());
        item.value_length = static_cast<std::uint32_t>(value.size());
        text_.append(name).append(value);
    }
    if (!placed)
        add(name, value);
}

template <class Match>
std::size_t fields::remove_if(Match match) {
    std::size_t removed = 0;
    for (entry& item : entries_) {
        if (!item.live || !match(item))
            continue;
        item.live = false;
        ++removed;
    }
    live_ -= removed;
    return removed;
}

std::size_t fields::remove(std::string_view name) {
    const field_id id = field_id_of(name);
    return remove_if(
        [&](const entry& item) { return item.id == id && equal_nocase(view(item).name, name); });
}

std::size_t fields::remove(field_id id) {
    return remove_if([id](const entry& item) { return item.id == id; });
}

void fields::clear() noexcept {
    text_.clear();
    entries_.clear();
    live_ = 0;
}

std::size_t fields::bytes() const noexcept {
    std::size_t total = 0;
    for (const entry& item : entries_)
        total += item.live ? item.name_length + item.value_length : 0;
    return total;
}

std::optional<std::string_view> fields::find(field_id id) const noexcept {
    for (const entry& item : entries_) {
        if (item.live && item.id == id)
            return view(item).value;
    }
    return std::nullopt;
}

std::optional<std::string_view> fields::find(std::string_view name) const noexcept {
    const field_id id = field_id_of(name);
    for (const entry& item : entries_) {
        if (item.live && item.id == id && equal_nocase(view(item).name, name))
            return view(item).value;
    }
    return std::nullopt;
}

std::size_t fields::count(field_id id) const noexcept {
    return static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.end(),
                      [id](const entry& item) { return item.live && item.id == id; }));
}

bool fields::has_token(field_id id, std::string_view token) const noexcept {
    for (const entry& item : entries_) {
        if (!item.live || item.id != id)
            continue;
        for (std::string_view rest = view(item).value; !rest.empty();) {
            const std::size_t comma = rest.find(',');
            if (equal_nocase(trim_space(rest.substr(0, comma)), token))
                return true;
            rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        }
    }
    return false;
}

fields::iterator::iterator(const fields* owner, std::size_t at) noexcept : owner_(owner), at_(at) {
    while (at_ < owner_->entries_.size() && !owner_->entries_[at_].live)
        ++at_;
}

fields::field fields::iterator::operator*() const noexcept {
    return owner_->view(owner_->entries_[at_]);
}

fields::iterator& fields::iterator::operator++() noexcept {
    *this = iterator(owner_, at_ + 1);
    return *this;
}

}  // namespace penstock::http
