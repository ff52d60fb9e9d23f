#include "proxy/rewriting.hpp"

#include "penstock/http/path.hpp"
#include "penstock/http/target.hpp"

namespace penstock::proxy {
namespace {

using config::text_place;

std::string without_slash(std::string text) {
    if (text.ends_with('/'))
        text.pop_back();
    return text;
}

// What is put together here has no dot segments: one that variables or a cut made would lead out of
// the path that the configuration says.
result<void> take_path(std::string_view path, http::request_head& head) {
    if (http::has_dot_segment(path))
        return error(http::errc::ambiguous_segment);
    return http::normalize_path(path, head);
}

}  // namespace

rewriting::rewriting(const config::route& from) {
    const config::rewrite& how = from.rewrite;
    if (how.strip_prefix) {
        has_prefix_ = whole_segments_ = true;
        prefix_ = without_slash(*how.strip_prefix);
    } else if (how.prefix) {
        has_prefix_ = true;
        prefix_ = without_slash(from.match.path);
        replacement_ = without_slash(*how.prefix);
    }
    if (how.path)
        path_.emplace(*how.path, text_place::rewritten_path);
    if (how.host)
        host_.emplace(*how.host, text_place::rewritten_host);
}

result<void> rewriting::apply(http::request_head& head, const text_facts& of,
                              std::string& scratch) const {
    if (host_) {
        const std::string_view host = host_->text(of, scratch);
        head.authority.clear();
        if (const result<void> made = http::normalize_authority(host, head.authority); !made)
            return made;
    }
    if (path_)
        return take_path(path_->text(of, scratch), head);
    return has_prefix_ ? replace_prefix(head, scratch) : result<void>();
}

result<void> rewriting::replace_prefix(http::request_head& head, std::string& scratch) const {
    const std::string& path = head.path;
    const std::size_t size = prefix_.size();
    if (!path.starts_with(prefix_) || (whole_segments_ && path.size() > size && path[size] != '/'))
        return {};
    const std::size_t rest = http::forwarded_offset(head, size);
    scratch = replacement_;
    scratch += std::string_view(head.forwarded_path()).substr(rest);
    if (!scratch.starts_with('/'))
        scratch.insert(0, 1, '/');
    return take_path(scratch, head);
}

void rewriting::add_fields_read(std::vector<std::string>& to) const {
    if (path_)
        path_->add_fields_read(to);
    if (host_)
        host_->add_fields_read(to);
}

}  // namespace penstock::proxy
