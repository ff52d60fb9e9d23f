#include "penstock/http/path.hpp"

#include "http/grammar.hpp"
#include "http/scan.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace penstock::http {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";
constexpr std::string_view escaped_slash_text = "%2F";
constexpr std::string_view escaped_backslash_text = "%5C";

enum class kind : std::uint8_t { bad, plain, slash, dot, percent };

constexpr std::array<kind, 256> make_kinds() noexcept {
    std::array<kind, 256> kinds{};
    for (std::size_t c = 0x21; c <= 0x7e; ++c)
        kinds[c] = kind::plain;
    kinds['#'] = kinds['\\'] = kinds['?'] = kind::bad;
    kinds['/'] = kind::slash;
    kinds['.'] = kind::dot;
    kinds['%'] = kind::percent;
    return kinds;
}
constexpr std::array<kind, 256> kinds = make_kinds();

constexpr kind kind_of(char c) noexcept { return kinds[static_cast<unsigned char>(c)]; }

// True for nearly every path that clients send: there is nothing to decode, merge or resolve.
bool is_normal(std::string_view path) noexcept {
    kind before = kind::plain;
    for (const char c : path) {
        const kind now = kind_of(c);
        if (now == kind::bad || now == kind::percent)
            return false;
        if (before == kind::slash && (now == kind::slash || now == kind::dot))
            return false;
        before = now;
    }
    return true;
}

// The byte that the escape at the front of `text` stands for; -1 if it is not one, or stands for
// the end of a string.
int unescape(std::string_view text) noexcept {
    if (text.size() < 3)
        return -1;
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    if (high < 0 || low < 0)
        return -1;
    const int value = high * 16 + low;
    return value == 0 ? -1 : value;
}

bool is_dots(std::string_view segment) noexcept { return segment == "." || segment == ".."; }

// Whether the escape at the front of `text`, which is in normal form, is that of a separator.
bool is_separator(std::string_view text, separators which) noexcept {
    return (which != separators::backslash && text.starts_with(escaped_slash_text)) ||
           (which != separators::slash && text.starts_with(escaped_backslash_text));
}

// One path on its way into its two forms, segment by segment. Both always end with the slash that
// the next segment follows; what is forwarded keeps empty segments, but for those at its front.
class resolution {
 public:
    explicit resolution(request_head& into) : head_(into), path_(into.path), sent_(into.sent_path) {
        path_ = '/';
        sent_ = '/';
        head_.escaped_slash = false;
    }

    error run(std::string_view rest) {
        for (;;) {
            const std::size_t slash = rest.find('/');
            const bool last = slash == std::string_view::npos;
            if (const error wrong = take(rest.substr(0, slash), last))
                return wrong;
            if (last)
                return {};
            rest.remove_prefix(slash + 1);
        }
    }

 private:
    error take(std::string_view raw, bool last) {
        const std::size_t start = path_.size();
        escaped_ = false;
        if (!append(raw))
            return errc::bad_path;
        const std::string_view segment = std::string_view(path_).substr(start);
        if (segment.empty()) {
            if (!last && sent_.size() > 1)
                sent_ += '/';
            return {};
        }
        if (is_dots(segment)) {
            const bool up = segment.size() == 2;
            path_.resize(start);
            return up ? go_up() : error();
        }
        if (escaped_ && hides_dots(segment))
            return errc::ambiguous_segment;
        head_.escaped_slash = head_.escaped_slash || escaped_;
        sent_ += raw;
        if (!last) {
            path_ += '/';
            sent_ += '/';
        }
        return {};
    }

    // Escapes of unreserved characters decoded, all others with upper-case digits (RFC 3986
    // §6.2.2).
    bool append(std::string_view raw) {
        for (std::size_t i = 0; i < raw.size(); ++i) {
            const kind now = kind_of(raw[i]);
            if (now == kind::bad)
                return false;
            if (now != kind::percent) {
                path_ += raw[i];
                continue;
            }
            const int value = unescape(raw.substr(i));
            if (value < 0)
                return false;
            append_byte(static_cast<unsigned char>(value));
            i += 2;
        }
        return true;
    }

    void append_byte(unsigned char value) {
        const char byte = static_cast<char>(value);
        if (is_unreserved(byte)) {
            path_ += byte;
            return;
        }
        escaped_ = escaped_ || byte == '/' || byte == '\\';
        path_ += '%';
        path_ += hex_digits[value >> 4U];
        path_ += hex_digits[value & 15U];
    }

    // Nothing but an empty segment could be taken away twice: where one stands before "..", it
    // matters whether slashes are merged before or after dots are resolved, and nowhere else.
    error go_up() {
        if (sent_.size() == 1)
            return errc::bad_path;
        if (sent_.ends_with("//"))
            return errc::ambiguous_dots;
        leave_segment(path_);
        leave_segment(sent_);
        return {};
    }
    static void leave_segment(std::string& of) { of.resize(of.rfind('/', of.size() - 2) + 1); }

    static bool hides_dots(std::string_view segment) noexcept {
        for (std::size_t start = 0, i = 0;; ++i) {
            const bool end = i == segment.size();
            if (!end && !is_separator(segment.substr(i), separators::both))
                continue;
            if (is_dots(segment.substr(start, i - start)))
                return true;
            if (end)
                return false;
            start = i + escaped_slash_text.size();
            i = start - 1;
        }
    }

    request_head& head_;
    std::string& path_;
    std::string& sent_;
    bool escaped_ = false;  // a separator is, in the segment at hand
};

// The query is passed as it came: nothing is routed by it, and applications disagree about escapes.
bool is_query(std::string_view text) noexcept {
    return text.empty() || scan::all(scan::query, text);
}

void clear_path(request_head& of) noexcept {
    of.path.clear();
    of.sent_path.clear();
    of.escaped_slash = false;
}

}  // namespace

result<void> normalize_path(std::string_view path, request_head& into) {
    if (!path.starts_with('/')) {
        clear_path(into);
        return error(errc::bad_path);
    }
    if (is_normal(path)) {
        into.path = path;
        into.sent_path.clear();
        into.escaped_slash = false;
        return {};
    }
    if (const error wrong = resolution(into).run(path.substr(1))) {
        clear_path(into);
        return wrong;
    }
    if (into.sent_path == into.path)
        into.sent_path.clear();
    return {};
}

result<void> normalize_target(std::string_view target, request_head& into) {
    const std::size_t question = std::min(target.find('?'), target.size());
    into.query.clear();
    if (!is_query(target.substr(question))) {
        clear_path(into);
        return error(errc::bad_path);
    }
    const result<void> made = normalize_path(target.substr(0, question), into);
    if (made)
        into.query = target.substr(question);
    return made;
}

bool has_dot_segment(std::string_view path) noexcept {
    const auto dot_size = [](std::string_view text) -> std::size_t {
        if (text.starts_with('.'))
            return 1;
        return text.starts_with('%') && unescape(text) == '.' ? 3 : 0;
    };
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view segment = path.substr(at, end - at);
        const std::size_t first = dot_size(segment);
        const std::size_t second = first > 0 ? dot_size(segment.substr(first)) : 0;
        if (first > 0 && first + second == segment.size())
            return true;
        at = end + 1;
    }
    return false;
}

std::size_t forwarded_offset(const request_head& of, std::size_t normal) noexcept {
    if (of.sent_path.empty())
        return normal;
    const std::string_view sent = of.sent_path;
    std::size_t at = 0;
    for (std::size_t seen = 0; seen < normal && at < sent.size();) {
        if (sent[at] == '%') {
            const int value = unescape(sent.substr(at));
            seen += is_unreserved(static_cast<char>(value)) ? 1 : 3;
            at += 3;
            continue;
        }
        const bool slash = sent[at] == '/';
        at = slash ? std::min(sent.find_first_not_of('/', at), sent.size()) : at + 1;
        ++seen;
    }
    return at;
}

void merge_slashes(request_head& of) {
    std::string& sent = of.sent_path;
    const auto end = std::unique(sent.begin(), sent.end(),
                                 [](char left, char right) { return left == '/' && right == '/'; });
    sent.erase(end, sent.end());
    if (sent == of.path)
        sent.clear();
}

void read_escapes(std::string_view path, separators which, std::string& out) {
    out.clear();
    for (std::size_t i = 0; i < path.size(); ++i) {
        const bool escaped = is_separator(path.substr(i), which);
        const char now = escaped ? '/' : path[i];
        i += escaped ? escaped_slash_text.size() - 1 : 0;
        if (now != '/' || !out.ends_with('/'))
            out += now;
    }
}

}  // namespace penstock::http
