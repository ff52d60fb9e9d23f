#include "config/references.hpp"

#include "config/include.hpp"
#include "config/schema_find.hpp"
#include "config/text.hpp"
#include "config/values.hpp"
#include "penstock/config/load.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

namespace penstock::config {

namespace {

// A value, or what is wrong with the reference to it.
using outcome = parsed<std::string>;

bool is_variable_name(std::string_view name) noexcept {
    const auto fits = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    return !name.empty() && (name[0] < '0' || name[0] > '9') &&
           std::all_of(name.begin(), name.end(), fits);
}

std::string reference(std::string_view inside) {
    return in_quotes("${" + std::string(inside) + "}");
}

outcome checked(std::string value, std::string_view inside) {
    if (value.find('\0') != std::string::npos) {
        return refusal<std::string>(reference(inside) + " stands for a value with a NUL byte");
    }
    if (utf8_valid_length(value) != value.size()) {
        return refusal<std::string>(reference(inside) + " stands for what is not UTF-8 text");
    }
    return {std::move(value), {}, {}};
}

// "NAME" or "NAME:-default"; as in shells, the default also stands for an empty value.
outcome of_environment(std::string_view rest, std::string_view inside) {
    const std::size_t mark = rest.find(":-");
    const std::string name(rest.substr(0, mark));
    if (!is_variable_name(name)) {
        return refusal<std::string>(reference(inside) + " names no variable of the environment",
                                    "a name has letters, digits and '_'");
    }
    const char* const value = std::getenv(name.c_str());
    if (mark != std::string_view::npos && (value == nullptr || *value == '\0')) {
        return {std::string(rest.substr(mark + 2)), {}, {}};
    }
    if (value == nullptr) {
        return refusal<std::string>(
            "the environment has no variable " + in_quotes(name),
            reference("env:" + name + ":-default") + " stands for a default without it");
    }
    return checked(value, inside);
}

// The whole file but for the end of its last line.
outcome of_file(const std::string& path, std::string_view inside) {
    std::error_code failed;
    const auto status = std::filesystem::status(path, failed);
    // A pipe would make the loader wait for whoever writes to it.
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        return refusal<std::string>("cannot read " + reference(inside) + ": Not a regular file");
    }
    file_text got = read_text(path, value_file_max);
    if (!got.text.has_value()) {
        return refusal<std::string>("cannot read " + reference(inside) + ": " + got.fault);
    }
    std::string& text = *got.text;
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    if (text.ends_with('\r')) {
        text.pop_back();
    }
    return checked(std::move(text), inside);
}

std::string hint_of_unknown(std::string_view inside) {
    const bool upper = std::all_of(inside.begin(), inside.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (upper && is_variable_name(inside)) {
        return "a variable of the environment is " + reference("env:" + std::string(inside));
    }
    const std::string_view kind = inside.substr(0, inside.find(':'));
    const std::string_view near = nearest(kind, {"env", "file"});
    if (!near.empty() && kind.size() < inside.size()) {
        return "did you mean " +
               reference(std::string(near) + std::string(inside.substr(kind.size()))) + "?";
    }
    return "known here: '${env:NAME}', '${env:NAME:-default}', '${file:PATH}'; a dollar before '{' "
           "is written '$$'";
}

// Replaces the references of one scalar.
class replacement {
 public:
    replacement(reader& in, const yaml_node& node, bool variables)
        : in_(in), node_(node), rest_(node.text), variables_(variables) {}

    // The text, or nothing if something was wrong, which was reported.
    std::optional<std::string> run() {
        while (!rest_.empty() && good_) {
            step();
        }
        return good_ ? std::optional(std::move(out_)) : std::nullopt;
    }

    [[nodiscard]] bool any() const noexcept { return any_; }

 private:
    void step() {
        const std::size_t dollar = std::min(rest_.find('$'), rest_.size());
        out_ += rest_.substr(0, dollar);
        rest_.remove_prefix(dollar);
        if (rest_.starts_with("${")) {
            take_reference();
        } else if (rest_.starts_with("$$")) {
            out_ += variables_ ? "$$" : "$";
            rest_.remove_prefix(2);
        } else if (!rest_.empty()) {
            out_ += '$';
            rest_.remove_prefix(1);
        }
    }

    void take_reference() {
        const std::size_t end = rest_.find('}');
        if (end == std::string_view::npos) {
            return refuse("'${' without its '}'", "a dollar before '{' is written '$$'");
        }
        const std::string_view inside = rest_.substr(2, end - 2);
        rest_.remove_prefix(end + 1);
        if (inside.starts_with("env:")) {
            return put(of_environment(inside.substr(4), inside), inside);
        }
        if (inside.starts_with("file:")) {
            const std::string path(inside.substr(5));
            return put(of_file(in_.resolve(node_, path), inside), inside);
        }
        if (!variables_) {
            return refuse("unknown variable " + reference(inside), hint_of_unknown(inside));
        }
        out_ += "${" + std::string(inside) + "}";
    }

    void put(outcome value, std::string_view inside) {
        if (!value.value.has_value()) {
            return refuse(std::move(value.message), std::move(value.hint));
        }
        any_ = true;
        in_.hide(*value.value, "${" + std::string(inside) + "}");
        for (const char c : *value.value) {
            // What a variable of the process says is not looked into again.
            out_ += c == '$' && variables_ ? "$$" : std::string(1, c);
        }
    }

    void refuse(std::string message, std::string hint) {
        in_.error(node_, std::move(message), std::move(hint));
        in_.give_up(node_);
        good_ = false;
    }

    reader& in_;
    const yaml_node& node_;
    std::string_view rest_;
    bool variables_;
    bool good_ = true;
    bool any_ = false;
    std::string out_;
};

// Items of these lists that are there already are dropped, so a dump does not count them.
bool drops_repeated(std::string_view key) noexcept { return key == "hosts" || key == "methods"; }

// Follows the tree and the schema together. `path` is the schema's, `shown` the place in a dump.
class walk {
 public:
    walk(reader& in, node_store& made, written_values& written)
        : in_(in), made_(made), written_(written) {}

    const yaml_node* keys(const yaml_node& node, const std::string& path,
                          const std::string& shown) {
        return entries(node, [&](const yaml_node::entry& entry, std::size_t) {
            const key_info* const row = find_child(path, entry.key->text);
            return row == nullptr ? entry.value
                                  : value(*entry.value, *row, join_path(shown, entry.key->text));
        });
    }

    const yaml_node* scalar(const yaml_node& node, const key_info& row, const std::string& shown) {
        if (node.kind != node_kind::scalar || node.text.find('$') == std::string::npos) {
            return &node;
        }
        // What is inherited is seen once for each object that inherits it.
        const yaml_node*& made = done_[{&node, row.variables}];
        if (made == nullptr) {
            made = replaced(node, row.variables);
        }
        if (!made->written.empty()) {
            written_.emplace(shown, made->written);
        }
        return made;
    }

 private:
    const yaml_node* value(const yaml_node& node, const key_info& row, const std::string& shown) {
        const std::string path(row.same_as.empty() ? row.path : row.same_as);
        switch (row.type) {
            case key_type::section:
                return node.kind == node_kind::scalar ? brief(node, row, shown)
                                                      : keys(node, path, shown);
            case key_type::named:
                return names(node, row.same_as.empty() ? path + ".<name>" : path, shown);
            case key_type::fields:
                return fields(node, row, shown);
            default:
                return node.kind == node_kind::list ? list(node, row, shown)
                                                    : scalar(node, row, lone(row, shown));
        }
    }

    const yaml_node* replaced(const yaml_node& node, bool variables) {
        replacement made(in_, node, variables);
        std::optional<std::string> text = made.run();
        if (!text.has_value() || *text == node.text) {
            return &node;
        }
        yaml_node& copy = hollow_copy(made_, node);
        copy.text = std::move(*text);
        if (made.any()) {
            copy.written = node.text;
            in_.hide(copy.text, node.text);
        }
        return &copy;
    }

    // A list of one item may be written without brackets.
    static std::string lone(const key_info& row, const std::string& shown) {
        const bool list = row.type == key_type::list || row.other == key_type::list;
        return list ? shown + "[0]" : shown;
    }

    const yaml_node* brief(const yaml_node& node, const key_info& row, const std::string& shown) {
        return scalar(node, row, row.brief_key.empty() ? shown : join_path(shown, row.brief_key));
    }

    const yaml_node* names(const yaml_node& node, const std::string& path,
                           const std::string& shown) {
        return entries(node, [&](const yaml_node::entry& entry, std::size_t) {
            return keys(*entry.value, path, join_path(shown, entry.key->text));
        });
    }

    const yaml_node* list(const yaml_node& node, const key_info& row, const std::string& shown) {
        const std::string path = std::string(row.path) + "[]";
        std::set<std::string> seen;
        std::size_t index = 0;
        return items(node, [&](const yaml_node& item, std::size_t) {
            const std::string at = shown + "[" + std::to_string(index) + "]";
            const bool repeated =
                drops_repeated(key_name(row)) && !seen.insert(lower(item.text)).second;
            index += repeated ? 0 : 1;
            if (row.item == key_type::section && item.kind != node_kind::scalar) {
                return keys(item, path, at);
            }
            return repeated ? scalar(item, row, "") : brief(item, row, at);
        });
    }

    // A map of name to value, or a list of {name, value}; a dump has the list.
    const yaml_node* fields(const yaml_node& node, const key_info& row, const std::string& shown) {
        const auto at = [&](std::size_t index) {
            return shown + "[" + std::to_string(index) + "]";
        };
        if (node.kind == node_kind::map) {
            return entries(node, [&](const yaml_node::entry& entry, std::size_t index) {
                return scalar(*entry.value, row, at(index) + ".value");
            });
        }
        return items(node, [&](const yaml_node& item, std::size_t index) {
            return entries(item, [&](const yaml_node::entry& part, std::size_t) {
                return scalar(*part.value, row, join_path(at(index), part.key->text));
            });
        });
    }

    // Calls `change` for every entry of a map; a copy of the node if a value is another then.
    template <class Change>
    const yaml_node* entries(const yaml_node& node, Change change) {
        std::vector<yaml_node::entry> changed;
        bool any = false;
        for (std::size_t i = 0; i < node.entries.size(); ++i) {
            const yaml_node::entry& entry = node.entries[i];
            const bool known = entry.key->kind == node_kind::scalar;
            changed.push_back({entry.key, known ? change(entry, i) : entry.value});
            any = any || changed.back().value != entry.value;
        }
        if (!any) {
            return &node;
        }
        yaml_node& copy = hollow_copy(made_, node);
        copy.entries = std::move(changed);
        return &copy;
    }

    // The same for the items of a list.
    template <class Change>
    const yaml_node* items(const yaml_node& node, Change change) {
        std::vector<const yaml_node*> changed;
        for (std::size_t i = 0; i < node.items.size(); ++i) {
            changed.push_back(change(*node.items[i], i));
        }
        if (changed == node.items) {
            return &node;
        }
        yaml_node& copy = hollow_copy(made_, node);
        copy.items = std::move(changed);
        return &copy;
    }

    reader& in_;
    node_store& made_;
    written_values& written_;
    std::map<std::pair<const yaml_node*, bool>, const yaml_node*> done_;
};

}  // namespace

const yaml_node& with_references(reader& in, node_store& made, const yaml_node& root,
                                 written_values& written) {
    return *walk(in, made, written).keys(root, "", "");
}

const yaml_node& with_references_of(reader& in, node_store& made, const yaml_node& scalar) {
    written_values unused;
    return *walk(in, made, unused).scalar(scalar, key_info{}, "");
}

std::string with_dollars_doubled(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        out += text[i];
        if (text[i] == '$' && (next == '{' || next == '$')) {
            out += '$';
        }
    }
    return out;
}

}  // namespace penstock::config
