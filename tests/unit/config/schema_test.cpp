#include "penstock/config/schema.hpp"

#include "config/schema_find.hpp"
#include "config/yaml_tree.hpp"
#include "penstock/config/dump.hpp"
#include "penstock/config/load.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

namespace penstock::config {
namespace {

// "routes[].respond.status" and a value as one flow map; names and items are what the base file
// has.
std::string nested(std::string_view path, std::string_view value) {
    std::string out(value);
    for (std::size_t dot = path.rfind('.'); dot != std::string_view::npos; dot = path.rfind('.')) {
        out = "{" + std::string(path.substr(dot + 1)) + ": " + out + "}";
        path = path.substr(0, dot);
    }
    return out;
}

// A file in which the section that a key lies in is there, with the rest of the key inserted.
std::string file_with(std::string_view path, std::string_view value) {
    std::string top;
    std::string in_listener;
    std::string in_upstream;
    std::string in_route = "upstream: app";
    std::string in_endpoint;
    const auto below = [&](std::string_view prefix) {
        const std::string_view rest = path.substr(prefix.size());
        const std::string_view key = rest.substr(0, rest.find('.'));
        return std::string(key) + ": " + nested(rest, value);
    };
    if (path.starts_with("listeners.<name>.")) {
        in_listener = ", " + below("listeners.<name>.");
    } else if (path.starts_with("upstreams.<name>.endpoints[].")) {
        in_endpoint = ", " + below("upstreams.<name>.endpoints[].");
    } else if (path.starts_with("upstreams.<name>.")) {
        in_upstream = ", " + below("upstreams.<name>.");
    } else if (path.starts_with("routes[].respond")) {
        in_route = below("routes[].");
    } else if (path.starts_with("routes[].split[].")) {
        in_route = "split: [{upstream: app, " + below("routes[].split[].") + "}]";
    } else if (path.starts_with("routes[].redirect.")) {
        in_route = "redirect: {to: /x, " + below("routes[].redirect.") + "}";
    } else if (path.starts_with("routes[].")) {
        in_route += ", " + below("routes[].");
    } else {
        top = below("") + "\n";
    }
    return "listeners: {web: {bind: \":8080\"" + in_listener + "}}\n" +
           "upstreams: {app: {endpoints: [{address: \"a:1\"" + in_endpoint + "}]" + in_upstream +
           "}}\nroutes: [{" + in_route + "}]\n" + top;
}

bool is_scalar(const key_info& row) {
    return row.type != key_type::section && row.type != key_type::named;
}

// The section must be there either way: its mere presence turns some things on.
std::string file_without(std::string_view path) {
    const std::size_t dot = path.rfind('.');
    const std::string_view parent = dot == std::string_view::npos ? "" : path.substr(0, dot);
    const key_info* const row = find_key(parent);
    if (row == nullptr || row->type == key_type::list) {
        return file_with("workers", "auto");
    }
    return file_with(parent, "{}");
}

TEST(SchemaTable, SaysTheDefaultsThatTheModelHas) {
    int checked = 0;
    for (const key_info& row : schema()) {
        const bool below_tls = row.path.starts_with("listeners.<name>.tls.");
        if (row.default_text.empty() || !is_scalar(row) || row.state != key_state::active ||
            below_tls) {
            continue;
        }
        const bool redirect = row.path.starts_with("routes[].redirect.");
        const bool split = row.path.starts_with("routes[].split[].");
        const loaded with = load_text(file_with(row.path, row.default_text), "/p.yaml");
        const loaded without = load_text(split      ? "listeners: {web: {bind: \":8080\"}}\n"
                                                      "upstreams: {app: {endpoints: [\"a:1\"]}}\n"
                                                      "routes: [{split: [{upstream: app}]}]\n"
                                         : redirect ? "listeners: {web: {bind: \":8080\"}}\n"
                                                      "upstreams: {app: {endpoints: [\"a:1\"]}}\n"
                                                      "routes: [{redirect: {to: /x}}]\n"
                                                    : file_without(row.path),
                                         "/p.yaml");
        ASSERT_TRUE(with.ok()) << row.path << "\n" << render_text(with.problems);
        ASSERT_TRUE(without.ok()) << row.path << "\n" << render_text(without.problems);
        EXPECT_EQ(dump(*with.value), dump(*without.value)) << row.path;
        ++checked;
    }
    EXPECT_GT(checked, 40);
}

TEST(SchemaTable, IsInOrderAndWhole) {
    std::set<std::string_view> seen;
    for (const key_info& row : schema()) {
        EXPECT_TRUE(seen.insert(row.path).second) << row.path;
        EXPECT_TRUE(row.meaning.ends_with('.')) << row.path;
        EXPECT_EQ(row.meaning.find('|'), std::string_view::npos) << row.path;
        const bool bounded = row.type == key_type::integer || row.type == key_type::duration ||
                             row.type == key_type::size || row.type == key_type::list ||
                             row.type == key_type::named || row.type == key_type::fields;
        const bool short_form =
            row.other == key_type::list || row.other == key_type::integer;  // is bounded
        EXPECT_EQ(row.range.high > 0, bounded || short_form) << row.path;
        EXPECT_LE(row.range.low, row.range.high) << row.path;
        std::string_view parent = row.path.substr(0, row.path.find_last_of(".") + 1);
        while (parent.ends_with('.') || parent.ends_with("[]") || parent.ends_with("<name>")) {
            parent.remove_suffix(parent.ends_with("<name>") ? 6 : parent.ends_with("[]") ? 2 : 1);
        }
        EXPECT_TRUE(parent.empty() || seen.contains(parent)) << row.path;
    }
}

// With PENSTOCK_UPDATE_DOCS set, the file is written instead of compared.
void expect_current(const std::filesystem::path& file, const std::string& current) {
    if (std::getenv("PENSTOCK_UPDATE_DOCS") != nullptr) {
        std::ofstream(file, std::ios::binary) << current;
        return;
    }
    EXPECT_TRUE(read_whole(file) == current) << "run unit_config with PENSTOCK_UPDATE_DOCS=1";
}

TEST(Reference, IsCurrentInTheDocumentation) {
    const auto file = repository() / "docs/configuration.md";
    const std::string text = read_whole(file);
    const std::string begins = "<!-- reference begins -->\n";
    const std::string ends = "<!-- reference ends -->\n";
    const std::size_t from = text.find(begins);
    const std::size_t to = text.find(ends);
    ASSERT_TRUE(from != std::string::npos && to != std::string::npos && from < to);
    expect_current(file, text.substr(0, from + begins.size()) + "\n" + reference_markdown() + "\n" +
                             text.substr(to));
}

TEST(FullFile, IsCurrent) { expect_current(repository() / "config/full.yaml", full_file()); }

TEST(FullFile, LoadsWithoutAWarning) {
    const scratch_directory scratch;
    write_named_files(scratch);
    const loaded outcome = load_text(full_file(), scratch.at("p.yaml"));
    EXPECT_TRUE(outcome.ok());
    EXPECT_EQ(render_text(outcome.problems), "");
}

// Every key that lies below some node, as a path of the schema.
void collect_keys(const yaml_node& node, const std::string& path, std::set<std::string>& to) {
    for (const yaml_node::entry& entry : node.entries) {
        const key_info* const map = find_key(path);
        const bool named = map != nullptr && map->type == key_type::named;
        const std::string whole = join_path(path, named ? "<name>" : entry.key->text);
        to.insert(whole);
        collect_keys(*entry.value, whole, to);
    }
    for (const yaml_node* const item : node.items) {
        collect_keys(*item, path + "[]", to);
    }
}

TEST(FullFile, HasEveryKey) {
    const std::string text = full_file();
    const yaml_tree tree = parse_yaml(text);
    ASSERT_FALSE(tree.problem.has_value()) << tree.problem->message;
    std::set<std::string> keys;
    collect_keys(*tree.root, "", keys);
    for (const key_info& row : schema()) {
        const std::string name(key_name(row));
        // What has no effect yet is a comment.
        EXPECT_TRUE(row.state == key_state::active
                        ? keys.contains(std::string(row.path))
                        : text.find("# " + name + ":") != std::string::npos)
            << row.path;
    }
}

TEST(FullFile, ShowsAValueForEveryKey) {
    for (const key_info& row : schema()) {
        const bool holds_keys = row.type == key_type::section || row.type == key_type::named ||
                                row.item == key_type::section;
        EXPECT_TRUE(holds_keys || !row.example.empty() || !row.default_text.empty()) << row.path;
    }
}

const yaml_node* member(const yaml_node* node, std::string_view key) {
    if (node == nullptr) {
        return nullptr;
    }
    for (const yaml_node::entry& entry : node->entries) {
        if (entry.key->text == key) {
            return entry.value;
        }
    }
    const yaml_node* const forms =
        member(node->entries.empty() || key == "anyOf" ? nullptr : node, "anyOf");
    return forms == nullptr ? nullptr : member(forms->items.at(0), key);
}

// Follows a key's path through "properties", "items" and the schema of chosen names.
const yaml_node* find_in_schema(const yaml_node* node, std::string_view path) {
    while (!path.empty() && node != nullptr) {
        const std::size_t end = std::min(path.find('.'), path.size());
        std::string_view key = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        const bool item = key.ends_with("[]");
        key.remove_suffix(item ? 2 : 0);
        node = key == "<name>" ? member(node, "additionalProperties")
                               : member(member(node, "properties"), key);
        node = item ? member(node, "items") : node;
    }
    return node;
}

// JSON is YAML, so the loader's own tree serves to read it back.
TEST(JsonSchema, DescribesEveryKeyOfTheTable) {
    const yaml_tree tree = parse_yaml(json_schema());
    ASSERT_FALSE(tree.problem.has_value()) << tree.problem->message;
    for (const key_info& row : schema()) {
        const yaml_node* const node = find_in_schema(tree.root, row.path);
        ASSERT_NE(node, nullptr) << row.path;
        const yaml_node* const description = member(node, "description");
        ASSERT_NE(description, nullptr) << row.path;
        EXPECT_EQ(description->text, row.meaning);
    }
}

}  // namespace
}  // namespace penstock::config
