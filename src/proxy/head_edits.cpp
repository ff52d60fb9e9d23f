#include "proxy/head_edits.hpp"

#include "penstock/http/target.hpp"
#include "proxy/location_rewrite.hpp"
#include "proxy/redirection.hpp"

namespace penstock::proxy {
namespace {

// A variable that comes to nothing may leave a blank at an end, where a field has none.
std::string_view trimmed(std::string_view value) noexcept {
    while (value.ends_with(' ') || value.ends_with('\t'))
        value.remove_suffix(1);
    while (value.starts_with(' ') || value.starts_with('\t'))
        value.remove_prefix(1);
    return value;
}

// A text that names a host itself, or none: "//host" is no path.
bool begins_url(std::string_view text) noexcept {
    return text.starts_with("http://") || text.starts_with("https://") ||
           text.starts_with("${scheme}://") || (text.starts_with('/') && !text.starts_with("//"));
}

// Where a URL begins that is not to leave its host; npos = nowhere.
std::size_t url_at(const config::header_value& of, config::text_place at) {
    if (at != config::text_place::response_header)
        return std::string::npos;
    const std::string_view text = of.value;
    std::size_t found = 0;
    if (http::equal_nocase(of.name, "refresh"))
        found = url_in_refresh(text);
    else if (!http::equal_nocase(of.name, "location") &&
             !http::equal_nocase(of.name, "content-location"))
        return std::string::npos;
    // Behind a variable it begins elsewhere in each value.
    const bool fixed = text.substr(0, found).find('$') == std::string_view::npos;
    return fixed && begins_url(text.substr(found)) ? found : std::string::npos;
}

}  // namespace

head_edits::head_edits(const config::header_edits& from, config::text_place at)
    : remove_(from.remove), set_(edits_of(from.set, at)), add_(edits_of(from.add, at)) {}

std::vector<head_edits::edit> head_edits::edits_of(const std::vector<config::header_value>& from,
                                                   config::text_place at) {
    std::vector<edit> made;
    for (const config::header_value& one : from) {
        const bool secure_only = at == config::text_place::response_header &&
                                 http::equal_nocase(one.name, "strict-transport-security");
        made.push_back({one.name, text_pattern(one.value, at), secure_only, url_at(one, at)});
    }
    return made;
}

bool head_edits::passes(const edit& one, const text_facts& of) noexcept {
    return !one.secure_only || of.request.head.scheme == "https";
}

std::string_view head_edits::value_of(const edit& one, const text_facts& of, std::string& scratch) {
    const std::string_view value = trimmed(one.value.text(of, scratch));
    if (one.url_at >= value.size() || one.value.is_literal())
        return value;
    std::string whole(value.substr(0, one.url_at));
    std::string url(value.substr(one.url_at));
    stay_on_host(url);
    whole += url;
    scratch = whole;
    return scratch;
}

void head_edits::remove_and_set(http::fields& fields, const text_facts& of,
                                std::string& scratch) const {
    for (const std::string& name : remove_)
        fields.remove(name);
    for (const edit& one : set_) {
        if (!passes(one, of))
            continue;
        const std::string_view value = value_of(one, of, scratch);
        if (value.empty() && !one.value.is_literal())
            fields.remove(one.name);
        else
            fields.set(one.name, value);
    }
}

void head_edits::add_all(http::fields& fields, const text_facts& of, std::string& scratch) const {
    for (const edit& one : add_) {
        const std::string_view value = value_of(one, of, scratch);
        if (passes(one, of) && (!value.empty() || one.value.is_literal()))
            fields.add(one.name, value);
    }
}

result<void> head_edits::apply(http::request_head& head, const text_facts& of,
                               std::string& scratch) const {
    if (empty())
        return {};
    remove_and_set(head.fields, of, scratch);
    // The authority is the one truth about the host; a Host among the fields does not leave.
    if (const auto host = head.fields.find(http::field_id::host)) {
        head.authority.clear();
        const result<void> made = http::normalize_authority(*host, head.authority);
        head.fields.remove(http::field_id::host);
        if (!made)
            return made;
    }
    add_all(head.fields, of, scratch);
    return {};
}

void head_edits::apply(http::response_head& head, const text_facts& of,
                       std::string& scratch) const {
    if (empty())
        return;
    remove_and_set(head.fields, of, scratch);
    add_all(head.fields, of, scratch);
}

void head_edits::add_fields_read(std::vector<std::string>& to) const {
    for (const edit& one : set_)
        one.value.add_fields_read(to);
    for (const edit& one : add_)
        one.value.add_fields_read(to);
}

}  // namespace penstock::proxy
