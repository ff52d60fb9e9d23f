// Header fields of one message: an ordered list with fast look-up of the names that a proxy reads.
// Names keep the case they came with and compare without case. All text lives in one buffer that
// `clear` keeps, so a recycled object parses the next message without an allocation.
#pragma once

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
    connection,
    content_length,
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
    };

    // Copies both, which must not be views into this object. Views handed out earlier are invalid
    // afterwards. The caller has checked grammar and limits.
    void add(std::string_view name, std::string_view value);
    // Replaces the first field of that name and removes the others, or adds it.
    void set(std::string_view name, std::string_view value);
    // Removes every field of that name; returns how many.
    std::size_t remove(std::string_view name);
    std::size_t remove(field_id id);
    void clear() noexcept;

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

    // Visits the live fields in order: `for (auto field : fields) …`. Views stay valid until the
    // next change of this object.
    class iterator {
     public:
        iterator(const fields* owner, std::size_t at) noexcept;
        field operator*() const noexcept;
        iterator& operator++() noexcept;
        bool operator==(const iterator&) const = default;

     private:
        const fields* owner_;
        std::size_t at_;
    };
    [[nodiscard]] iterator begin() const noexcept { return {this, 0}; }
    [[nodiscard]] iterator end() const noexcept { return {this, entries_.size()}; }

 private:
    struct entry {
        std::uint32_t offset;  // of the name in text_; the value follows it
        std::uint32_t name_length;
        std::uint32_t value_length;
        field_id id;
        bool live;
    };
    [[nodiscard]] field view(const entry& item) const noexcept;
    template <class Match>
    std::size_t remove_if(Match match);

    std::string text_;
    std::vector<entry> entries_;
    std::size_t live_ = 0;
};

}  // namespace penstock::http
