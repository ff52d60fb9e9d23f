#include "config/yaml_tree.hpp"

#include "config/text.hpp"
#include "penstock/base/check.hpp"
#include "penstock/config/load.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <new>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace penstock::config {

namespace {

// Leaves yaml-cpp from within an event; caught in parse_yaml.
struct stop {
    yaml_problem why;
};

[[noreturn]] void stop_at(const YAML::Mark& mark, std::string message, std::string hint = {}) {
    throw stop{{mark.line + 1, mark.column + 1, std::move(message), std::move(hint)}};
}

class tree_builder final : public YAML::EventHandler {
 public:
    tree_builder(yaml_tree& tree, std::uint16_t file) : tree_(tree), file_(file) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (tree_.root != nullptr) {
            stop_at(mark, "a second document begins here", "a configuration is one document");
        }
    }
    void OnDocumentEnd() override {}

    // The mark of what isn't there is that of the next token, lines away perhaps; its key is near.
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        yaml_node& node = add(mark, node_kind::null, anchor);
        if (!open_.empty() && open_.back().key != nullptr) {
            node.line = open_.back().key->line;
            node.column = open_.back().key->column;
        }
        place(node, mark);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  const std::string& value) override {
        yaml_node& node = add(mark, node_kind::scalar, anchor);
        node.text = value;
        place(node, mark);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            stop_at(mark, "unknown alias");
        }
        if (!found->second->complete) {
            stop_at(mark, "an alias to what contains it");
        }
        place(*found->second, mark);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(mark, node_kind::list, anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(mark, node_kind::map, anchor);
    }
    void OnMapEnd() override { close(); }

 private:
    struct level {
        yaml_node* node;
        const yaml_node* key = nullptr;  // of a map: read, its value is still to come
        YAML::Mark mark;
    };

    yaml_node& add(const YAML::Mark& mark, node_kind kind, YAML::anchor_t anchor) {
        if (tree_.nodes.size() >= yaml_nodes_max) {
            stop_at(mark, "too many values", "a configuration has at most 200000");
        }
        yaml_node& node = tree_.nodes.emplace_back();
        node.kind = kind;
        node.line = mark.line + 1;
        node.column = mark.column + 1;
        node.file = file_;
        if (anchor != YAML::NullAnchor) {
            anchors_[anchor] = &node;
        }
        return node;
    }

    // Hangs a finished node into what is open.
    void place(const yaml_node& node, const YAML::Mark& mark) {
        if (open_.empty()) {
            tree_.root = &node;
            return;
        }
        level& parent = open_.back();
        parent.node->weight += node.weight;
        if (parent.node->weight > yaml_nodes_max) {
            stop_at(mark, "too many values", "aliases count as copies; at most 200000");
        }
        if (parent.node->kind == node_kind::list) {
            parent.node->items.push_back(&node);
        } else if (parent.key == nullptr) {
            parent.key = &node;
        } else {
            parent.node->entries.push_back({std::exchange(parent.key, nullptr), &node});
        }
    }

    void open(const YAML::Mark& mark, node_kind kind, YAML::anchor_t anchor) {
        if (open_.size() >= yaml_depth_max) {
            stop_at(mark, "nested too deeply", "a configuration has at most 32 levels");
        }
        yaml_node& node = add(mark, kind, anchor);
        node.complete = false;
        open_.push_back({&node, nullptr, mark});
    }

    void close() {
        PENSTOCK_CHECK(!open_.empty());
        const level done = open_.back();
        open_.pop_back();
        done.node->complete = true;
        place(*done.node, done.mark);
    }

    yaml_tree& tree_;
    std::uint16_t file_;
    std::vector<level> open_;
    std::unordered_map<YAML::anchor_t, yaml_node*> anchors_;
};

yaml_problem problem_at(std::string_view text, std::size_t offset, std::string message) {
    const std::string_view before = text.substr(0, offset);
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {static_cast<int>(lines) + 1,
            static_cast<int>(offset - line_start) + 1,
            std::move(message),
            {}};
}

// The scanner queues a whole flow collection before its first event, so brackets without end would
// fill memory before the builder sees them. Far above what real text holds, quoted or not.
std::optional<yaml_problem> check_brackets(std::string_view text) {
    constexpr int brackets_max = 1000;
    int open = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '[' || text[i] == '{') {
            ++open;
        } else if ((text[i] == ']' || text[i] == '}') && open > 0) {
            --open;
        }
        if (open > brackets_max) {
            return problem_at(text, i, "too many open brackets");
        }
    }
    return std::nullopt;
}

// yaml-cpp would guess UTF-16 and UTF-32, and its scanner has its own mind about NUL.
std::optional<yaml_problem> check_bytes(std::string_view text) {
    if (const std::size_t bad = utf8_valid_length(text); bad != text.size()) {
        return problem_at(text, bad, "not UTF-8 text");
    }
    if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
        return problem_at(text, nul, "a NUL byte");
    }
    return check_brackets(text);
}

// Where a plain value that reaches to `from` ends: brackets that open within it belong to it.
std::size_t end_of_value(std::string_view line, std::size_t from) {
    int open = 0;
    for (std::size_t i = from; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '{' || c == '[') {
            ++open;
        } else if ((c == '}' || c == ']') && open-- == 0) {
            return i;
        } else if (c == ' ' || c == '\t' || (c == ',' && open == 0)) {
            return i;
        }
    }
    return line.size();
}

// A value that was meant as text, and begins or ends for YAML at byte `at` of the line: `*:80`,
// `[::1]:80`, `${host}`. Empty if there is none.
std::string_view unquoted_value(std::string_view line, std::size_t at) {
    const auto value = [line](std::size_t begin) {
        return line.substr(begin, end_of_value(line, begin) - begin);
    };
    const std::size_t dollar = line.substr(0, at + 1).rfind("${");
    if (dollar != std::string_view::npos && dollar + 2 > at) {
        const std::size_t before = line.substr(0, dollar).find_last_of(" \t,[{");
        return value(before == std::string_view::npos ? 0 : before + 1);
    }
    if (at >= line.size()) {
        return {};
    }
    if (line[at] == '@' || line[at] == '`' || line[at] == '%') {
        return value(at);
    }
    if (line[at] == '*') {
        const std::string_view whole = value(at);
        const bool name = whole.size() > 1 && whole.find_first_of(".:/*", 1) == whole.npos;
        return name ? std::string_view() : whole;
    }
    if (line[at] == ':' && at > 0 && line[at - 1] == ']') {
        const std::size_t open = line.substr(0, at).rfind('[');
        return open == std::string_view::npos ? std::string_view() : value(open);
    }
    return {};
}

// What to do about the messages of yaml-cpp that leave one wondering.
std::string syntax_hint(std::string_view text, const YAML::Exception& failure) {
    std::string_view line = text;
    for (int i = 0; i < failure.mark.line; ++i) {
        line.remove_prefix(std::min(line.find('\n'), line.size() - 1) + 1);
    }
    line = line.substr(0, line.find_first_of("\r\n"));
    if (const auto value = unquoted_value(line, static_cast<std::size_t>(failure.mark.column));
        !value.empty()) {
        return "quote it: " + in_quotes(value);
    }
    const std::string_view indentation = line.substr(0, line.find_first_not_of(" \t"));
    if (indentation.find('\t') != std::string_view::npos) {
        return "YAML is indented with blanks, not with tabs";
    }
    const bool block =
        failure.msg == "end of map not found" || failure.msg == "end of sequence not found";
    return block ? "the indentation does not fit the lines above" : "";
}

void feed(std::string_view text, yaml_tree& tree, std::uint16_t file) {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    tree_builder builder(tree, file);
    while (parser.HandleNextDocument(builder)) {
    }
}

}  // namespace

yaml_tree parse_yaml(std::string_view text, std::uint16_t file) {
    yaml_tree tree;
    tree.problem = check_bytes(text);
    if (tree.problem.has_value()) {
        return tree;
    }
    try {
        feed(text, tree, file);
    } catch (stop& stopped) {
        tree.problem = std::move(stopped.why);
    } catch (const YAML::Exception& failure) {
        const bool placed = !failure.mark.is_null();
        tree.problem =
            yaml_problem{placed ? failure.mark.line + 1 : 0, placed ? failure.mark.column + 1 : 0,
                         failure.msg, placed ? syntax_hint(text, failure) : ""};
    } catch (const std::exception& failure) {
        tree.problem = yaml_problem{0, 0, failure.what(), {}};
    }
    return tree;
}

yaml_node& hollow_copy(node_store& made, const yaml_node& of) {
    yaml_node& copy = made.emplace_back();
    copy.kind = of.kind;
    copy.line = of.line;
    copy.column = of.column;
    copy.file = of.file;
    copy.text = of.text;
    copy.written = of.written;
    copy.weight = of.weight;
    return copy;
}

const yaml_node* member_of(const yaml_node& map, std::string_view key) noexcept {
    const auto found = std::find_if(map.entries.begin(), map.entries.end(), [&](const auto& one) {
        return one.key->kind == node_kind::scalar && one.key->text == key;
    });
    return found == map.entries.end() ? nullptr : found->value;
}

}  // namespace penstock::config
