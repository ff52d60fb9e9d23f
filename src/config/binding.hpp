// The binding of configuration keys to the members of the model: one row a key, from which loading,
// `dump`, defaults, the reference and the JSON Schema follow. Cold code; a row's functions are
// called for one file at a time.
//
// Flow: the tables (tables.hpp) are built from rows (fields.hpp); `load_table` fills a struct from
// a section, `write_rows` emits it, `describe_rows` lists the keys for the schema. A new key is one
// row and one member. The default of a key is what a struct that is just made holds.
#pragma once

#include "config/dump_writer.hpp"
#include "config/schema_find.hpp"
#include "config/section.hpp"
#include "config/values.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::config {

// The keys as the schema lists them: full paths, and the defaults found in the members.
class catalogue {
 public:
    // `key` with its whole path and its default; the texts are copied.
    void add(const key_info& key, std::string path, std::string default_text);
    [[nodiscard]] const std::vector<key_info>& rows() const noexcept { return rows_; }

 private:
    std::deque<std::string> texts_;  // what the rows' views point to
    std::vector<key_info> rows_;
};

template <class Owner>
struct row {
    // `path` is the key alone; `default_text` is left empty but where it cannot be found in the
    // members, or says more than they do.
    key_info info;
    // Called if the key is in the file. None: the key has no effect in this release.
    std::function<void(const section&, Owner&)> read = {};
    // Whether the value is worth a line of a dump; none: never.
    std::function<bool(const Owner&)> shown = {};
    // Emits the value, not the key.
    std::function<void(dump_writer&, const Owner&)> write = {};
    // The rows of the sections below.
    std::function<void(catalogue&, const std::string& path)> describe_below = {};

    [[nodiscard]] row required() && {
        info.required = true;
        return std::move(*this);
    }
    [[nodiscard]] row within(key_range range) && {
        info.range = range;
        return std::move(*this);
    }
    // The default as text, where the member alone does not say it.
    [[nodiscard]] row standard(std::string_view text) && {
        info.default_text = text;
        return std::move(*this);
    }
    // Of a file that has every key: a value in place of the default.
    [[nodiscard]] row example(std::string_view yaml) && {
        info.example = yaml;
        return std::move(*this);
    }
    // Variables of the request may stand in the value.
    [[nodiscard]] row with_variables() && {
        info.variables = true;
        return std::move(*this);
    }
    // A further condition for `shown`.
    [[nodiscard]] row when(std::function<bool(const Owner&)> condition) && {
        shown = [before = std::move(shown), condition = std::move(condition)](const Owner& of) {
            return condition(of) && before(of);
        };
        return std::move(*this);
    }
};

template <class Owner>
using rows = std::vector<row<Owner>>;

// A scalar in place of the whole map: `tls: true`, `access: "-"`, `endpoints: ["a:80"]`.
template <class Part>
struct short_form {
    key_type type = key_type::boolean;
    // False if the scalar says that there is no such part.
    std::function<bool(reader&, const yaml_node&, Part&)> read;
    // The scalar that dumps show in place of this part's map; none: the map.
    std::function<std::optional<std::string>(const Part&)> write = {};
    // The key below that the scalar is the value of, if it is one.
    std::string_view key = {};
};

// The keys of one struct, and the rules between them.
template <class Part>
struct table {
    config::rows<Part> rows;
    std::function<void(const section&, Part&)> check = {};  // after all rows were read
    std::optional<config::short_form<Part>> brief = {};
};

template <class Part>
struct numbered {
    std::size_t number;
    Part& part;
};

template <class Owner>
void load_rows(const section& from, const rows<Owner>& by, Owner& to) {
    for (const row<Owner>& one : by) {
        if (one.info.required) {
            from.require(one.info.path);
        }
        const yaml_node* const node = from.find(one.info.path);
        if (one.read != nullptr && node != nullptr) {
            one.read(from, to);
            const std::string key = join_path(one.info.path, one.info.brief_key);
            from.keep_reference(key, *node);
            from.keep_place(key, *node);
        }
    }
}

template <class Part>
void load_table(const section& from, const table<Part>& by, Part& to) {
    load_rows(from, by.rows, to);
    if (by.check != nullptr && !from.in().partial()) {
        by.check(from, to);
    }
}

// A part below `key` of a section, as a map or in its short form; false if it says that there is
// none.
template <class Part>
bool load_part(const section& from, std::string_view key, const table<Part>& by, Part& to) {
    const yaml_node& node = *from.find(key);
    if (node.kind == node_kind::scalar && by.brief.has_value()) {
        return by.brief->read(from.in(), node, to);
    }
    load_table(*from.child(key), by, to);
    return true;
}

// The same for an item of a list, which becomes the one with this number in the model.
template <class Part>
void load_item(const section& from, std::string_view key, const yaml_node& node,
               const table<Part>& by, numbered<Part> to) {
    const std::string at = item_place(key, to.number);
    if (node.kind == node_kind::scalar && by.brief.has_value()) {
        by.brief->read(from.in(), node, to.part);
        from.keep_reference(join_path(at, by.brief->key), node);
        return;
    }
    load_table(section(from.in(), node, from.path_of(key) + "[]", from.place_of(at)), by, to.part);
}

template <class Owner>
bool any_shown(const rows<Owner>& by, const Owner& from) {
    for (const row<Owner>& one : by) {
        if (one.shown != nullptr && one.shown(from)) {
            return true;
        }
    }
    return false;
}

template <class Owner>
void write_rows(dump_writer& out, const rows<Owner>& by, const Owner& from) {
    out.begin_map();
    for (const row<Owner>& one : by) {
        if (one.shown != nullptr && one.shown(from)) {
            out.key(one.info.path);
            out.keep_dollars(one.info.variables);
            one.write(out, from);
        }
    }
    out.end_map();
}

template <class Part>
void write_part(dump_writer& out, const table<Part>& by, const Part& from) {
    const std::optional<std::string> scalar =
        by.brief.has_value() && by.brief->write != nullptr ? by.brief->write(from) : std::nullopt;
    if (scalar.has_value()) {
        out.plain(*scalar, by.brief->key);
    } else {
        write_rows(out, by.rows, from);
    }
}

// The value of a struct that is just made, as YAML; empty if the key has none.
template <class Owner>
std::string default_of(const row<Owner>& key, const Owner& fresh) {
    const bool leaf = key.describe_below == nullptr && !key.info.required;
    if (!key.info.default_text.empty() || !leaf || key.shown == nullptr || !key.shown(fresh)) {
        return std::string(key.info.default_text);
    }
    dump_writer out;
    key.write(out, fresh);
    return out.text();
}

template <class Owner>
void describe_rows(catalogue& to, const std::string& path, const rows<Owner>& keys) {
    const Owner fresh{};
    for (const row<Owner>& one : keys) {
        const std::string whole = join_path(path, one.info.path);
        to.add(one.info, whole, default_of(one, fresh));
        if (one.describe_below != nullptr) {
            one.describe_below(to, whole);
        }
    }
}

}  // namespace penstock::config
