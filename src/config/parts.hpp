// Makers of rows for keys that hold other keys, and for lists and maps.
#pragma once

#include "config/fields.hpp"

namespace penstock::config {

// Rows of a part, as rows of the struct that holds it.
template <class Owner, class Part>
rows<Owner> through(Part Owner::*member, const rows<Part>& of) {
    rows<Owner> out;
    for (const row<Part>& one : of) {
        row<Owner> outer{.info = one.info, .describe_below = one.describe_below};
        if (one.read != nullptr) {
            outer.read = [one, member](const section& from, Owner& to) {
                one.read(from, to.*member);
            };
        }
        if (one.shown != nullptr) {
            outer.shown = [one, member](const Owner& from) { return one.shown(from.*member); };
            outer.write = [one, member](dump_writer& to, const Owner& from) {
                one.write(to, from.*member);
            };
        }
        out.push_back(std::move(outer));
    }
    return out;
}

// A section whose keys are members of the same struct as the section itself.
template <class Owner>
row<Owner> inner(std::string_view key, rows<Owner> keys, std::string_view meaning) {
    const auto by = std::make_shared<const rows<Owner>>(std::move(keys));
    row<Owner> out{.info = {.path = key, .type = key_type::section, .meaning = meaning}};
    out.read = [key, by](const section& from, Owner& to) { load_rows(*from.child(key), *by, to); };
    out.shown = [by](const Owner& from) { return any_shown(*by, from); };
    out.write = [by](dump_writer& to, const Owner& from) { write_rows(to, *by, from); };
    out.describe_below = [by](catalogue& to, const std::string& path) {
        describe_rows(to, path, *by);
    };
    return out;
}

// What the rows of a part have in common, wherever the part lies.
template <class Owner, class Part>
row<Owner> part_row(std::string_view key, const std::shared_ptr<const table<Part>>& by,
                    std::string_view meaning) {
    row<Owner> out{.info = {.path = key, .type = key_type::section, .meaning = meaning}};
    if (by->brief.has_value()) {
        out.info.other = by->brief->type;
        out.info.brief_key = by->brief->key;
    }
    out.describe_below = [by](catalogue& to, const std::string& path) {
        describe_rows(to, path, by->rows);
    };
    return out;
}

// A section that is a struct of its own.
template <class Owner, class Part>
row<Owner> group(std::string_view key, Part Owner::*member, table<Part> keys,
                 std::string_view meaning) {
    const auto by = std::make_shared<const table<Part>>(std::move(keys));
    row<Owner> out = part_row<Owner, Part>(key, by, meaning);
    out.read = [key, by, member](const section& from, Owner& to) {
        load_part(from, key, *by, to.*member);
    };
    out.shown = [by, member](const Owner& from) { return any_shown(by->rows, from.*member); };
    out.write = [by, member](dump_writer& to, const Owner& from) {
        write_part(to, *by, from.*member);
    };
    return out;
}

// The same where the part may be absent; with a short form, dumps say `false` then.
template <class Owner, class Part>
row<Owner> group(std::string_view key, std::optional<Part> Owner::*member, table<Part> keys,
                 std::string_view meaning) {
    const auto by = std::make_shared<const table<Part>>(std::move(keys));
    row<Owner> out = part_row<Owner, Part>(key, by, meaning);
    const bool says_false = by->brief.has_value();
    out.info.default_text = says_false ? "false" : "";
    out.read = [key, by, member](const section& from, Owner& to) {
        Part part;
        if (load_part(from, key, *by, part)) {
            to.*member = std::move(part);
        }
    };
    out.shown = [member, says_false](const Owner& from) {
        return says_false || (from.*member).has_value();
    };
    out.write = [by, member](dump_writer& to, const Owner& from) {
        if ((from.*member).has_value()) {
            write_part(to, *by, *(from.*member));
        } else {
            to.plain("false");
        }
    };
    return out;
}

// A map from names that the operator chooses to structs with the members `name` and `where`.
template <class Owner, class Item>
row<Owner> named(std::string_view key, std::vector<Item> Owner::*member, table<Item> keys,
                 std::string_view meaning) {
    const auto by = std::make_shared<const table<Item>>(std::move(keys));
    row<Owner> out{.info = {.path = key, .type = key_type::named, .meaning = meaning}};
    out.read = [key, by, member](const section& from, Owner& to) {
        for (const auto& [name, value] :
             named_entries(from.in(), *from.find(key), from.info(key))) {
            Item& item = (to.*member).emplace_back();
            item.name = name->text;
            item.where = from.in().at(*name);
            load_table(section(from.in(), *value, from.path_of(key) + ".<name>",
                               name_place(from.place_of(key), name->text)),
                       *by, item);
        }
    };
    out.shown = [member](const Owner& from) { return !(from.*member).empty(); };
    out.write = [by, member](dump_writer& to, const Owner& from) {
        to.begin_map();
        for (const Item& item : from.*member) {
            to.quoted_key(item.name);
            write_rows(to, by->rows, item);
        }
        to.end_map();
    };
    out.describe_below = [by](catalogue& to, const std::string& path) {
        describe_rows(to, path + ".<name>", by->rows);
    };
    return out;
}

// A list of structs with a member `where`.
template <class Owner, class Item>
row<Owner> items(std::string_view key, std::vector<Item> Owner::*member, table<Item> keys,
                 std::string_view meaning) {
    const auto by = std::make_shared<const table<Item>>(std::move(keys));
    row<Owner> out = part_row<Owner, Item>(key, by, meaning);
    out.info.type = key_type::list;
    out.info.item = key_type::section;
    out.read = [key, by, member](const section& from, Owner& to) {
        for (const yaml_node* const node : from.items(key)) {
            const std::size_t number = (to.*member).size();
            Item& item = (to.*member).emplace_back();
            item.where = from.in().at(*node);
            load_item(from, key, *node, *by, numbered<Item>{number, item});
        }
    };
    out.shown = [member](const Owner& from) { return !(from.*member).empty(); };
    out.write = [by, member](dump_writer& to, const Owner& from) {
        to.begin_list();
        for (const Item& item : from.*member) {
            write_part(to, *by, item);
        }
        to.end_list();
    };
    out.describe_below = [by](catalogue& to, const std::string& path) {
        describe_rows(to, path + "[]", by->rows);
    };
    return out;
}

// How one item of a list of single values is read and shown.
template <class Item>
struct item_kind {
    key_type type = key_type::text;
    std::function<std::optional<Item>(reader&, const yaml_node&)> read;
    std::function<std::string(const Item&)> write;
};

// A list of single values. With `.info.other` set to the type of an item, a lone value will do.
template <class Owner, class Item>
row<Owner> values(std::string_view key, std::vector<Item> Owner::*member, item_kind<Item> kind,
                  std::string_view meaning) {
    row<Owner> out{.info = {.path = key, .type = key_type::list, .meaning = meaning}};
    out.info.item = kind.type;
    out.read = [key, member, kind](const section& from, Owner& to) {
        for (const yaml_node* const node : from.items(key)) {
            if (std::optional<Item> item = kind.read(from.in(), *node); item.has_value()) {
                from.keep_reference(item_place(key, (to.*member).size()), *node);
                (to.*member).push_back(std::move(*item));
            }
        }
    };
    out.shown = [member](const Owner& from) { return !(from.*member).empty(); };
    out.write = [member, kind](dump_writer& to, const Owner& from) {
        to.begin_flow_list();
        for (const Item& item : from.*member) {
            to.quoted(kind.write(item));
        }
        to.end_list();
    };
    return out;
}

// A key that a later release gives a meaning: known and checked, without effect.
template <class Owner>
row<Owner> later(key_info info) {
    info.state = key_state::ignored;
    return row<Owner>{.info = std::move(info)};
}

// A section of such keys.
template <class Owner>
row<Owner> later(std::string_view key, std::vector<key_info> keys, std::string_view meaning) {
    row<Owner> out = later<Owner>({.path = key, .type = key_type::section, .meaning = meaning});
    out.describe_below = [keys = std::move(keys)](catalogue& to, const std::string& path) {
        for (key_info one : keys) {
            one.state = key_state::ignored;
            to.add(one, join_path(path, one.path), std::string(one.default_text));
        }
    };
    return out;
}

}  // namespace penstock::config
