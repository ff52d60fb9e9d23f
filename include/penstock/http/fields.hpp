// Header fields of one message: an ordered list with fast look-up of the names that a proxy reads.
// Names keep the case they came with and compare without case.
//
// All text lives in one buffer, in the form in which it is sent: "name: value" CRLF, line after
// line. So a line that came in that form is copied once, and a run of them leaves with one copy.
// Memory is recycled per thread (base/recycled).
#pragma once

#include "penstock/base/recycled.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {

// Names that Penstock itself looks at; everything else is `other`.
enum class field_id : std::uint8_t {
    other,
    authorization,
    cdn_loop,
    client_cert,
    client_cert_chain,
    connection,
    content_length,
    content_location,
    content_type,
    cookie,
    date,
    expect,
    forwarded,
    host,
    http2_settings,
    keep_alive,
    location,
    max_forwards,
    proxy_authenticate,
    proxy_authorization,
    proxy_connection,
    proxy_status,
    refresh,
    retry_after,
    server,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    user_agent,
    via,
    www_authenticate,
    x_forwarded_for,
    x_forwarded_host,
    x_forwarded_port,
    x_forwarded_proto,
    x_real_ip,
    x_request_id,
};

// The id of a name in any case; `other` if it is none of the above.
[[nodiscard]] field_id field_id_of(std::string_view name) noexcept;

// True if both are equal without regard to ASCII case.
[[nodiscard]] bool equal_nocase(std::string_view left, std::string_view right) noexcept;

class fields {
 public:
    struct field {
        std::string_view name;
        std::string_view value;
        field_id id = field_id::other;
        // Must stay out of every table of a compression (RFC 7541 §6.2.3).
        bool never_indexed = false;

        // "name: value" CRLF; lines of neighbours that were added one after the other touch.
        [[nodiscard]] std::string_view line() const noexcept {
            return {name.data(), name.size() + value.size() + 4};
        }
    };

    // Copies both, which must not be views into this object. Views handed out earlier are invalid
    // afterwards. The caller has checked grammar and limits.
    void add(std::string_view name, std::string_view value) { add(field_id_of(name), name, value); }
    // The same for a caller who knows the id of the name.
    void add(field_id id, std::string_view name, std::string_view value) {
        add(field{name, value, id});
    }
    void add(const field& one);
    // Replaces the first field of that name and removes the others, or adds it.
    void set(std::string_view name, std::string_view value) { set(field_id_of(name), name, value); }
    void set(field_id id, std::string_view name, std::string_view value);
    // Removes every field of that name; returns how many.
    std::size_t remove(std::string_view name);
    std::size_t remove(field_id id) { return remove_all(bit(id)); }
    // Removes the fields of several ids, given as the bits of a set.
    std::size_t remove_all(std::uint64_t ids);
    // Removes the fields for which `match(field)` is true; returns how many. It takes no memory and
    // moves nothing: views into this object stay valid.
    template <class Match>
    std::size_t remove_if(Match match);
    void clear() noexcept;

    static constexpr std::uint64_t bit(field_id id) noexcept {
        return std::uint64_t{1} << static_cast<unsigned>(id);
    }

    [[nodiscard]] std::size_t size() const noexcept { return live_; }
    [[nodiscard]] bool empty() const noexcept { return live_ == 0; }
    // Σ of name + value lengths of the live fields.
    [[nodiscard]] std::size_t bytes() const noexcept;
    // The value of the first field of that name.
    [[nodiscard]] std::optional<std::string_view> find(field_id id) const noexcept;
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    [[nodiscard]] std::size_t count(field_id id) const noexcept;
    // True if some field of that id holds `token` as a member of its comma-separated list.
    [[nodiscard]] bool has_token(field_id id, std::string_view token) const noexcept;

    // True if a field of that id may be there; false is certain, and costs a bit.
    [[nodiscard]] bool may_have(field_id id) const noexcept { return (present_ & bit(id)) != 0; }

    // Visits the live fields in order: `for (auto field : fields) …`. Views stay valid until the
    // next change of this object.
    class iterator;
    [[nodiscard]] iterator begin() const noexcept;
    [[nodiscard]] iterator end() const noexcept;

 private:
    struct entry {
        std::uint32_t offset;  // of the name in text_; the value follows it
        std::uint32_t name_length;
        std::uint32_t value_length;
        field_id id;
        bool live;
        bool never_indexed;
    };
    [[nodiscard]] field view(const entry& item) const noexcept {
        const char* const name = text_.data() + item.offset;
        return {{name, item.name_length},
                {name + item.name_length + 2, item.value_length},
                item.id,
                item.never_indexed};
    }
    // The lines, in memory that is recycled per thread.
    class line_buffer {
     public:
        line_buffer() noexcept = default;
        line_buffer(const line_buffer& other);
        line_buffer(line_buffer&& other) noexcept;
        line_buffer& operator=(line_buffer other) noexcept;
        ~line_buffer();

        [[nodiscard]] const char* data() const noexcept { return data_; }
        void clear() noexcept { size_ = 0; }
        // Appends a line and returns where it begins.
        std::uint32_t append(std::string_view name, std::string_view value);

     private:
        void grow(std::size_t more);

        char* data_ = nullptr;
        std::uint32_t size_ = 0;
        std::uint32_t capacity_ = 0;
    };

    line_buffer text_;
    std::vector<entry, recycling_allocator<entry>> entries_;
    std::size_t live_ = 0;
    std::uint64_t present_ = 0;  // a bit for each id that was added and not removed as a whole
};

template <class Match>
std::size_t fields::remove_if(Match match) {
    std::size_t removed = 0;
    for (entry& item : entries_) {
        if (!item.live || !match(view(item)))
            continue;
        item.live = false;
        ++removed;
    }
    live_ -= removed;
    return removed;
}

class fields::iterator {
 public:
    iterator(const fields* owner, const entry* at, const entry* end) noexcept
        : owner_(owner), at_(at), end_(end) {
        skip_dead();
    }
    field operator*() const noexcept { return owner_->view(*at_); }
    iterator& operator++() noexcept {
        ++at_;
        skip_dead();
        return *this;
    }
    bool operator==(const iterator& other) const noexcept { return at_ == other.at_; }

 private:
    void skip_dead() noexcept {
        while (at_ != end_ && !at_->live)
            ++at_;
    }

    const fields* owner_;
    const entry* at_;
    const entry* end_;
};

inline fields::iterator fields::begin() const noexcept {
    return {this, entries_.data(), entries_.data() + entries_.size()};
}

inline fields::iterator fields::end() const noexcept {
    const entry* const end = entries_.data() + entries_.size();
    return {this, end, end};
}

}  // namespace penstock::http
