#include "penstock/http/fields.hpp"

#include "http/grammar.hpp"
#include "penstock/base/check.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
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
    known_name{"refresh", field_id::refresh},
    known_name{"cdn-loop", field_id::cdn_loop},
    known_name{"location", field_id::location},
    known_name{"forwarded", field_id::forwarded},
    known_name{"x-real-ip", field_id::x_real_ip},
    known_name{"connection", field_id::connection},
    known_name{"keep-alive", field_id::keep_alive},
    known_name{"user-agent", field_id::user_agent},
    known_name{"client-cert", field_id::client_cert},
    known_name{"retry-after", field_id::retry_after},
    known_name{"content-type", field_id::content_type},
    known_name{"max-forwards", field_id::max_forwards},
    known_name{"proxy-status", field_id::proxy_status},
    known_name{"x-request-id", field_id::x_request_id},
    known_name{"authorization", field_id::authorization},
    known_name{"content-length", field_id::content_length},
    known_name{"http2-settings", field_id::http2_settings},
    known_name{"x-forwarded-for", field_id::x_forwarded_for},
    known_name{"content-location", field_id::content_location},
    known_name{"proxy-connection", field_id::proxy_connection},
    known_name{"www-authenticate", field_id::www_authenticate},
    known_name{"x-forwarded-host", field_id::x_forwarded_host},
    known_name{"x-forwarded-port", field_id::x_forwarded_port},
    known_name{"transfer-encoding", field_id::transfer_encoding},
    known_name{"x-forwarded-proto", field_id::x_forwarded_proto},
    known_name{"client-cert-chain", field_id::client_cert_chain},
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

// A name as three words of eight bytes, the last of them padded with zeros.
using words = std::array<std::uint64_t, 3>;

constexpr words words_of(std::string_view text) noexcept {
    words made{};
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(text[i]));
        made[i / 8] |= byte << (i % 8 * 8);
    }
    return made;
}

// A known name, and the bits in which the case of its letters differs. With those set, text is
// equal to `lower` if and only if it is the name in some case.
struct known_words {
    words lower{};
    words cases{};
};

constexpr auto word_table = [] {
    std::array<known_words, known.size()> made{};
    for (std::size_t at = 0; at < known.size(); ++at) {
        std::array<char, name_length_max> cases{};
        for (std::size_t i = 0; i < known[at].text.size(); ++i) {
            const char c = known[at].text[i];
            cases[i] = c >= 'a' && c <= 'z' ? '\x20' : '\0';
        }
        made[at] = {words_of(known[at].text), words_of({cases.data(), cases.size()})};
    }
    return made;
}();

std::uint64_t load_8(const char* text) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, text, sizeof word);
    return word;
}

std::uint64_t load_4(const char* text) noexcept {
    std::uint32_t word = 0;
    std::memcpy(&word, text, sizeof word);
    return word;
}

std::uint64_t load_1(const char* text) noexcept { return static_cast<unsigned char>(*text); }

// At most 7 bytes, as a word. The loads overlap where that saves a loop.
std::uint64_t load_short(const char* text, std::size_t size) noexcept {
    if (size >= 4)
        return load_4(text) | load_4(text + size - 4) << ((size - 4) * 8);
    if (size == 0)
        return 0;
    return load_1(text) | load_1(text + size / 2) << (size / 2 * 8) |
           load_1(text + size - 1) << ((size - 1) * 8);
}

// As words_of, for at most 24 bytes, without touching what is behind them.
words load_words(std::string_view name) noexcept {
    const char* const text = name.data();
    const std::size_t size = name.size();
    if (size < 8)
        return {load_short(text, size), 0, 0};
    const std::uint64_t last = load_8(text + size - 8);
    if (size <= 16)
        return {load_8(text), size == 8 ? 0 : last >> ((16 - size) * 8), 0};
    return {load_8(text), load_8(text + 8), last >> ((24 - size) * 8)};
}

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
    std::size_t at = first_of_length[name.size()];
    if (at == end)
        return field_id::other;
    const words given = load_words(name);
    for (; at < end; ++at) {
        const known_words& one = word_table[at];
        const std::uint64_t differs = ((given[0] | one.cases[0]) ^ one.lower[0]) |
                                      ((given[1] | one.cases[1]) ^ one.lower[1]) |
                                      ((given[2] | one.cases[2]) ^ one.lower[2]);
        if (differs == 0)
            return known[at].id;
    }
    return field_id::other;
}

fields::line_buffer::line_buffer(const line_buffer& other) {
    if (other.size_ == 0)
        return;
    grow(other.size_);
    std::memcpy(data_, other.data_, other.size_);
    size_ = other.size_;
}

fields::line_buffer::line_buffer(line_buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

fields::line_buffer& fields::line_buffer::operator=(line_buffer other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
}

fields::line_buffer::~line_buffer() {
    if (data_ != nullptr)
        release_recycled(data_, capacity_);
}

// Most heads fit in the first block.
void fields::line_buffer::grow(std::size_t more) {
    constexpr std::size_t first = 1024;
    const std::size_t wanted = std::max({first, std::size_t{capacity_} * 2, size_ + more});
    PENSTOCK_CHECK(wanted <= std::numeric_limits<std::uint32_t>::max());
    char* const roomier = static_cast<char*>(allocate_recycled(wanted));
    if (data_ != nullptr) {
        std::memcpy(roomier, data_, size_);
        release_recycled(data_, capacity_);
    }
    data_ = roomier;
    capacity_ = static_cast<std::uint32_t>(wanted);
}

std::uint32_t fields::line_buffer::append(std::string_view name, std::string_view value) {
    const std::size_t bytes = name.size() + value.size() + 4;
    if (bytes > std::size_t{capacity_} - size_)
        grow(bytes);
    char* const line = data_ + size_;
    char* const gap = line + name.size();
    char* const end = gap + 2 + value.size();
    // A line that came in the form in which it is kept, but for what stands between the two.
    if (value.data() == name.data() + name.size() + 2) {
        std::memcpy(line, name.data(), static_cast<std::size_t>(end - line));
    } else {
        std::memcpy(line, name.data(), name.size());
        if (!value.empty())
            std::memcpy(gap + 2, value.data(), value.size());
    }
    std::memcpy(gap, ": ", 2);
    std::memcpy(end, "\r\n", 2);
    const std::uint32_t offset = size_;
    size_ += static_cast<std::uint32_t>(bytes);
    return offset;
}

void fields::add(const field& one) {
    constexpr std::size_t entries_first = 32;
    if (entries_.capacity() == 0)
        entries_.reserve(entries_first);
    const std::uint32_t offset = text_.append(one.name, one.value);
    entries_.push_back({offset, static_cast<std::uint32_t>(one.name.size()),
                        static_cast<std::uint32_t>(one.value.size()), one.id, true,
                        one.never_indexed});
    present_ |= bit(one.id);
    ++live_;
}

void fields::set(field_id id, std::string_view name, std::string_view value) {
    if (!may_have(id))
        return add(id, name, value);
    bool placed = false;
    for (entry& item : entries_) {
        if (!item.live || item.id != id || !equal_nocase(view(item).name, name))
            continue;
        if (std::exchange(placed, true)) {
            item.live = false;
            --live_;
            continue;
        }
        item.offset = text_.append(name, value);
        item.name_length = static_cast<std::uint32_t>(name.size());
        item.value_length = static_cast<std::uint32_t>(value.size());
    }
    if (!placed)
        add(id, name, value);
}

std::size_t fields::remove(std::string_view name) {
    const field_id id = field_id_of(name);
    if (!may_have(id))
        return 0;
    return remove_if(
        [&](const field& item) { return item.id == id && equal_nocase(item.name, name); });
}

std::size_t fields::remove_all(std::uint64_t ids) {
    if ((present_ & ids) == 0)
        return 0;
    present_ &= ~ids;
    return remove_if([ids](const field& item) { return (bit(item.id) & ids) != 0; });
}

void fields::clear() noexcept {
    text_.clear();
    entries_.clear();
    live_ = 0;
    present_ = 0;
}

std::size_t fields::bytes() const noexcept {
    std::size_t total = 0;
    for (const entry& item : entries_)
        total += item.live ? item.name_length + item.value_length : 0;
    return total;
}

std::optional<std::string_view> fields::find(field_id id) const noexcept {
    if (!may_have(id))
        return std::nullopt;
    for (const entry& item : entries_) {
        if (item.live && item.id == id)
            return view(item).value;
    }
    return std::nullopt;
}

std::optional<std::string_view> fields::find(std::string_view name) const noexcept {
    const field_id id = field_id_of(name);
    if (!may_have(id))
        return std::nullopt;
    for (const entry& item : entries_) {
        if (item.live && item.id == id && equal_nocase(view(item).name, name))
            return view(item).value;
    }
    return std::nullopt;
}

std::size_t fields::count(field_id id) const noexcept {
    if (!may_have(id))
        return 0;
    return static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.end(),
                      [id](const entry& item) { return item.live && item.id == id; }));
}

bool fields::has_token(field_id id, std::string_view token) const noexcept {
    if (!may_have(id))
        return false;
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

}  // namespace penstock::http
