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
    // What stands for the text wherever it is read: paths of files are absolute.
    [[nodiscard]] std::string take_written() { return std::move(written_); }

 private:
    void step() {
        const std::size_t dollar = std::min(rest_.find('$'), rest_.size());
        out_ += rest_.substr(0, dollar);
        take_as_written(dollar);
        if (rest_.starts_with("${")) {
            take_reference();
        } else if (rest_.starts_with("$$")) {
            out_ += variables_ ? "$$" : "$";
            take_as_written(2);
        } else if (!rest_.empty()) {
            out_ += '$';
            take_as_written(1);
        }
    }

    void take_as_written(std::size_t size) {
        written_ += rest_.substr(0, size);
        rest_.remove_prefix(size);
    }

    void take_reference() {
        const std::size_t end = rest_.find('}');
        if (end == std::string_view::npos) {
            return refuse("'${' without its '}'", "a dollar before '{' is written '$$'");
        }
        const std::string_view inside = rest_.substr(2, end - 2);
        const std::string_view whole = rest_.substr(0, end + 1);
        rest_.remove_prefix(end + 1);
        const bool environment = inside.starts_with("env:");
        if ((environment || inside.starts_with("file:")) &&
            inside.find("${") != std::string_view::npos) {
            return refuse(in_quotes(whole) + " has a reference within a reference",
                          "a default is plain text, and ends at the first '}'");
        }
        if (environment) {
            written_ += whole;
            return put(of_environment(inside.substr(4), inside), inside);
        }
        if (inside.starts_with("file:")) {
            const std::string path = in_.resolve(node_, std::string(inside.substr(5)));
            const bool possible = path.find('}') == std::string::npos;
            written_ += possible ? "${file:" + path + "}" : std::string(whole);
            return put(of_file(path, inside), inside);
        }
        if (!variables_) {
            return refuse("unknown variable " + reference(inside), hint_of_unknown(inside));
        }
        written_ += whole;
        out_ += whole;
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
    std::string written_;
};

// Follows the tree and the schema together.
class walk {
 public:
    walk(reader& in, node_store& made) : in_(in), made_(made) {}

    const yaml_node* keys(const yaml_node& node, const std::string& path) {
        return entries(node, [&](const yaml_node::entry& entry) {
            const key_info* const row = find_child(path, entry.key->text);
            return row == nullptr ? entry.value : value(*entry.value, *row);
        });
    }

    const yaml_node* scalar(const yaml_node& node, const key_info& row) {
        if (node.kind != node_kind::scalar || node.text.find('$') == std::string::npos) {
            return &node;
        }
        // What is inherited is seen once for each object that inherits it.
        const yaml_node*& made = done_[{&node, row.variables}];
        if (made == nullptr) {
            made = replaced(node, row.variables);
        }
        return made;
    }

 private:
    const yaml_node* value(const yaml_node& node, const key_info& row) {
        const std::string path(row.same_as.empty() ? row.path : row.same_as);
        switch (row.type) {
            case key_type::section:
                return node.kind == node_kind::scalar ? scalar(node, row) : keys(node, path);
            case key_type::named:
                return names(node, row.same_as.empty() ? path + ".<name>" : path);
            case key_type::fields:
                return fields(node, row);
            default:
                return node.kind == node_kind::list ? list(node, row) : scalar(node, row);
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
            in_.show_in_dumps(copy, made.take_written());
            in_.hide(copy.text, node.text);
        }
        return &copy;
    }

    const yaml_node* names(const yaml_node& node, const std::string& path) {
        return entries(node,
                       [&](const yaml_node::entry& entry) { return keys(*entry.value, path); });
    }

    const yaml_node* list(const yaml_node& node, const key_info& row) {
        const std::string path = std::string(row.path) + "[]";
        return items(node, [&](const yaml_node& item) {
            const bool section = row.item == key_type::section && item.kind != node_kind::scalar;
            return section ? keys(item, path) : scalar(item, row);
        });
    }

    // A map of name to value, or a list of {name, value}.
    const yaml_node* fields(const yaml_node& node, const key_info& row) {
        const auto part = [&](const yaml_node::entry& one) { return scalar(*one.value, row); };
        if (node.kind == node_kind::map) {
            return entries(node, part);
        }
        return items(node, [&](const yaml_node& item) { return entries(item, part); });
    }

    // Calls `change` for every entry of a map; a copy of the node if a value is another then.
    template <class Change>
    const yaml_node* entries(const yaml_node& node, Change change) {
        std::vector<yaml_node::entry> changed;
        bool any = false;
        for (const yaml_node::entry& entry : node.entries) {
            const bool known = entry.key->kind == node_kind::scalar;
            changed.push_back({entry.key, known ? change(entry) : entry.value});
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
        for (const yaml_node* const item : node.items) {
            changed.push_back(change(*item));
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
    std::map<std::pair<const yaml_node*, bool>, const yaml_node*> done_;
};

}  // namespace

const yaml_node& with_references(reader& in, node_store& made, const yaml_node& root) {
    return *walk(in, made).keys(root, "");
}

const yaml_node& with_references_of(reader& in, node_store& made, const yaml_node& scalar) {
    return *walk(in, made).scalar(scalar, key_info{});
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
