// The keys of what a route makes of URLs, paths and hosts, and of the shares of a split.
#include "config/check_texts.hpp"
#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/tables.hpp"
#include "config/text.hpp"

namespace penstock::config {

namespace {

// A text that may be absent, which an empty one is not.
template <class Owner>
row<Owner> given_text(std::string_view key, std::optional<std::string> Owner::*member,
                      std::string_view meaning) {
    row<Owner> out{.info = {.path = key, .type = key_type::text, .meaning = meaning}};
    out.read = [key, member](const section& from, Owner& to) {
        from.read(key, (to.*member).emplace());
    };
    out.shown = [member](const Owner& from) { return (from.*member).has_value(); };
    out.write = [member](dump_writer& to, const Owner& from) { to.quoted(*(from.*member)); };
    return out;
}

// The same with variables.
template <class Owner>
row<Owner> given_pattern(std::string_view key, std::optional<std::string> Owner::*member,
                         std::string_view meaning) {
    return given_text(key, member, meaning).with_variables();
}

// A prefix of paths in normal form.
row<rewrite> prefix_row(std::string_view key, std::optional<std::string> rewrite::*member,
                        std::string_view meaning) {
    row<rewrite> out = given_text(key, member, meaning);
    out.read = [key, member](const section& from, rewrite& to) {
        to.*member = parse_node(from.in(), *from.find(key), parse_route_path);
    };
    return out;
}

row<redirect> redirect_scheme_row() {
    row<redirect> out = given_text("scheme", &redirect::scheme,
                                   "Another scheme drops the port, unless `port` names one.");
    out.info.type = key_type::choice;
    out.info.choices = "http|https";
    out.write = [](dump_writer& to, const redirect& of) { to.word(*of.scheme); };
    return std::move(out).example("https");
}

}  // namespace

table<redirect> redirect_table() {
    return {
        .rows =
            {
                normal_text("to", &redirect::to, parse_redirect_target,
                            "An http or https URL, or a path: the whole Location, with variables. "
                            "Instead of it the keys below replace parts of the request's own URL.")
                    .example("https://example.com/new/")
                    .with_variables(),
                redirect_scheme_row(),
                given_pattern("host", &redirect::host, "Host without port, with variables.")
                    .example("\"www.${host}\""),
                count("port", &redirect::port, {1, 65535},
                      "Port; the default one of the scheme is not written.")
                    .example("443"),
                given_pattern("path", &redirect::path, "Path, with variables.")
                    .example("\"${path}\""),
                given_pattern("query", &redirect::query, "Query, with variables; empty = none.")
                    .example("\"${query}\""),
                choice("status", &redirect::status,
                       choice_words<int>{
                           {"301", 301}, {"302", 302}, {"303", 303}, {"307", 307}, {"308", 308}},
                       "Status of the redirect."),
            },
        .check = [](const section& from, redirect& to) { check_redirect(from, to); },
    };
}

table<rewrite> rewrite_table() {
    return {.rows = {
                prefix_row("strip_prefix", &rewrite::strip_prefix,
                           "Taken from the front of the path, as whole segments; what stands "
                           "behind is forwarded as it came.")
                    .example("/v1"),
                prefix_row("prefix", &rewrite::prefix,
                           "Stands in place of the path that `match` names.")
                    .example("/v2/"),
                given_pattern("path", &rewrite::path, "The whole path, with variables.")
                    .example("\"/app${path}\""),
                given_pattern("host", &rewrite::host,
                              "The host that the origin sees, with variables; `X-Forwarded-Host` "
                              "keeps the client's.")
                    .example("api.internal"),
            }};
}

table<split_share> split_table() {
    row<split_share> upstream =
        text("upstream", &split_share::upstream, "The upstream.").example("app");
    upstream.read = [](const section& from, split_share& to) {
        from.read("upstream", to.upstream);
        from.in().refers_to_upstream(*from.find("upstream"));
    };
    return {.rows = {std::move(upstream).required(),
                     count("weight", &split_share::weight, {0, 1000},
                           "Its share relative to the others; 0 = none.")}};
}

}  // namespace penstock::config
