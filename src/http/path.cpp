#include "penstock/http/path.hpp"

#include "http/scan.hpp"
#include "penstock/base/path_escapes.hpp"
#include "penstock/base/text.hpp"

#include <algorithm>
#include <cstddef>

namespace penstock::http {
namespace {

// True for nearly every path that clients send: there is nothing to decode, merge or resolve.
bool is_normal(std::string_view path) noexcept {
    path_byte before = path_byte::plain;
    for (const char c : path) {
        const path_byte now = path_byte_of(c);
        if (now == path_byte::bad || now == path_byte::percent)
            return false;
        if (before == path_byte::slash && (now == path_byte::slash || now == path_byte::dot))
            return false;
        before = now;
    }
    return true;
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
        const unescaped made = append_unescaped(raw, path_);
        if (!made.good)
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
        if (made.separators && hides_dots(segment))
            return errc::ambiguous_segment;
        head_.escaped_slash = head_.escaped_slash || made.separators;
        sent_ += raw;
        if (!last) {
            path_ += '/';
            sent_ += '/';
        }
        return {};
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

    request_head& head_;
    std::string& path_;
    std::string& sent_;
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

void read_escapes(std::string_view path, separators which, std::string& out, std::size_t kept) {
    out = path.substr(0, kept);
    for (std::size_t i = kept; i < path.size(); ++i) {
        const bool escaped = is_separator(path.substr(i), which);
        const char now = escaped ? '/' : path[i];
        i += escaped ? escaped_slash_text.size() - 1 : 0;
        if (now != '/' || !out.ends_with('/'))
            out += now;
    }
}

}  // namespace penstock::http
