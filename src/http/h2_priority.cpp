#include "http/h2_priority.hpp"

#include "http/grammar.hpp"

#include <cstddef>

namespace penstock::http {
namespace {

// A dictionary of structured fields (RFC 8941 §3.2), of which only integers and booleans are kept.
class dictionary_reader {
 public:
    struct member {
        std::string_view key;
        std::string_view integer;  // as it stands there; empty = of another type
        bool is_boolean = false;
        bool boolean = true;
    };

    explicit dictionary_reader(std::string_view text) noexcept : rest_(trim_space(text)) {}

    // False at the end, or at what is none; `good` tells which.
    bool next(member& into) noexcept {
        if (!good_ || rest_.empty())
            return false;
        into = member();
        good_ = read_member(into) && skip_parameters() && skip_comma();
        return good_;
    }
    [[nodiscard]] bool good() const noexcept { return good_; }

 private:
    [[nodiscard]] char front() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
    bool take(char c) noexcept {
        if (front() != c || rest_.empty())
            return false;
        rest_.remove_prefix(1);
        return true;
    }
    template <class Is>
    std::string_view take_while(Is is) noexcept {
        std::size_t size = 0;
        while (size < rest_.size() && is(rest_[size]))
            ++size;
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    static bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
    static bool is_alpha(char c) noexcept { return is_lower(to_lower(c)); }

    std::string_view take_key() noexcept {
        if (!is_lower(front()) && front() != '*')
            return {};
        return take_while([](char c) {
            return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
        });
    }

    bool read_member(member& into) noexcept {
        into.key = take_key();
        if (into.key.empty())
            return false;
        if (!take('=')) {
            into.is_boolean = true;
            return true;
        }
        return front() == '(' ? skip_list() : read_item(into);
    }

    bool read_item(member& into) noexcept {
        if (is_digit(front()) || front() == '-')
            return read_number(into);
        if (take('?')) {
            into.is_boolean = true;
            into.boolean = front() == '1';
            return take('0') || take('1');
        }
        if (take('"'))
            return skip_string();
        if (take(':')) {
            take_while([](char c) {
                return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '=';
            });
            return take(':');
        }
        if (!is_alpha(front()) && front() != '*')
            return false;
        take_while([](char c) { return is_token_char(c) || c == ':' || c == '/'; });
        return true;
    }

    // At most 15 digits, or 12 and 3 behind a point (RFC 8941 §4.2.4).
    bool read_number(member& into) noexcept {
        const std::string_view from = rest_;
        take('-');
        const std::size_t whole = take_while(is_digit).size();
        if (whole == 0 || whole > 15)
            return false;
        if (take('.')) {
            const std::size_t parts = take_while(is_digit).size();
            return whole <= 12 && parts >= 1 && parts <= 3;
        }
        into.integer = from.substr(0, from.size() - rest_.size());
        return true;
    }

    bool skip_string() noexcept {
        for (;;) {
            if (take('"'))
                return true;
            if (take('\\') && front() != '"' && front() != '\\')
                return false;
            if (front() < 0x20 || front() > 0x7e)
                return false;
            rest_.remove_prefix(1);
        }
    }

    bool skip_list() noexcept {
        take('(');
        member ignored;
        for (bool first = true;; first = false) {
            const bool apart = !take_while([](char c) { return c == ' '; }).empty();
            if (take(')'))
                return true;
            if (!apart && !first)
                return false;
            if (!read_item(ignored) || !skip_parameters())
                return false;
        }
    }

    bool skip_parameters() noexcept {
        member ignored;
        while (take(';')) {
            take_while([](char c) { return c == ' '; });
            if (take_key().empty() || (take('=') && !read_item(ignored)))
                return false;
        }
        return true;
    }

    // Behind a comma another member has to stand.
    bool skip_comma() noexcept {
        take_while(is_space);
        if (rest_.empty())
            return true;
        if (!take(','))
            return false;
        take_while(is_space);
        return !rest_.empty();
    }

    std::string_view rest_;
    bool good_ = true;
};

std::uint8_t urgency_of(std::string_view integer) noexcept {
    while (integer.size() > 1 && integer.front() == '0')
        integer.remove_prefix(1);
    if (integer.size() != 1 || integer.front() < '0' || integer.front() > '7')
        return h2_priority().urgency;
    return static_cast<std::uint8_t>(integer.front() - '0');
}

}  // namespace

void read_priority(std::string_view field, h2_priority& into) noexcept {
    dictionary_reader from(field);
    h2_priority found = into;
    dictionary_reader::member one;
    while (from.next(one)) {
        // The last of a key is what counts, and leaves the default if it is none of ours.
        if (one.key == "u")
            found.urgency = urgency_of(one.integer);
        else if (one.key == "i")
            found.incremental = one.is_boolean && one.boolean;
    }
    if (from.good())
        into = found;
}

}  // namespace penstock::http
