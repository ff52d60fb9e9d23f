// The JSON Schema of the configuration, printed from the schema. It describes the YAML after
// parsing, so what editors check with it is shape, words and units; ranges of durations and rules
// between keys stay with the loader.
#include "config/json_text.hpp"
#include "config/schema_find.hpp"
#include "config/text.hpp"
#include "penstock/base/check.hpp"
#include "penstock/config/schema.hpp"

#include <algorithm>
#include <initializer_list>

namespace penstock::config {

namespace {

std::string indent(int level) { return std::string(static_cast<std::size_t>(level) * 2, ' '); }

std::string pattern(std::string_view expression) {
    return "{\"type\": \"string\", \"pattern\": " + json_string(expression) + "}";
}

std::string enumeration(const key_info& row) {
    std::string words;
    for (const std::string_view choice : split(row.choices, '|')) {
        words += (words.empty() ? "" : ", ") + json_string(choice);
        // Unquoted in YAML, 308 and 1.2 are numbers.
        if (choice.find_first_not_of("0123456789.") == std::string_view::npos) {
            words += ", " + std::string(choice);
        }
    }
    return "{\"enum\": [" + words + "]}";
}

// One of the two.
std::string either(const std::string& one, const std::string& other) {
    return "{\"anyOf\": [" + one + ", " + other + "]}";
}

// A number, or one of the words that may stand in its place.
std::string or_words(const key_info& row, const std::string& schema) {
    return row.choices.empty() ? schema : either(schema, enumeration(row));
}

// A boolean is the same with quotes.
constexpr std::string_view boolean_schema =
    R"({"enum": [true, false, "true", "false", "True", "False", "TRUE", "FALSE"]})";
constexpr std::string_view off_schema = R"({"enum": [false, "false", "False", "FALSE"]})";

std::string integer_schema(const key_info& row) {
    const std::string number =
        "{\"type\": \"integer\", \"minimum\": " + std::to_string(row.range.low) +
        ", \"maximum\": " + std::to_string(row.range.high) + "}";
    // With quotes it is the same number, whose range only the loader checks.
    return or_words(row, either(number, pattern("^[0-9]+$")));
}

// A map of name to value, or a list of {name, value}; no value means "is there".
constexpr std::string_view fields_schema =
    R"({"anyOf": [{"type": "object", "additionalProperties": {"type": ["string", "number", )"
    R"("boolean", "null"]}}, {"type": "array", "items": {"type": "object", "properties": )"
    R"({"name": {"type": "string"}, "value": {"type": ["string", "number", "boolean", "null"]}}, )"
    R"("required": ["name"], "additionalProperties": false}}]})";

std::string plain_schema(const key_info& row, key_type type) {
    switch (type) {
        case key_type::boolean:
            return std::string(boolean_schema);
        case key_type::integer:
            return integer_schema(row);
        case key_type::duration:
            return pattern(R"(^[0-9]+(\.[0-9]+)?(ms|s|m|h)$)");
        case key_type::size:
            return or_words(row, either(R"({"type": "integer", "minimum": 0})",
                                        pattern(R"(^[0-9]+(\.[0-9]+)?(B|KiB|MiB|GiB)?$)")));
        case key_type::ratio:
            return pattern(R"(^[0-9]+(\.[0-9]+)?%$)");
        case key_type::choice:
            return enumeration(row);
        case key_type::address:
            return pattern(R"(^(unix:/.+|.*:[0-9]{1,5})$)");
        case key_type::fields:
            return std::string(fields_schema);
        case key_type::text:
        case key_type::path:
            return R"({"type": ["string", "number", "boolean"]})";
        default:
            return R"({"type": "string"})";
    }
}

// Wherever a value is no free text, a reference to the environment or a file may stand in its
// place.
std::string scalar_schema(const key_info& row, key_type type) {
    const bool free_text =
        type == key_type::text || type == key_type::path || type == key_type::fields;
    return free_text ? plain_schema(row, type)
                     : either(plain_schema(row, type), R"({"$ref": "#/$defs/reference"})");
}

// How much of an object has to be there.
enum class presence {
    part,   // nothing: the rest may be inherited or included, and all of it may be commented out
    whole,  // an item of a list, which inherits nothing
};

std::string value_schema(const key_info& row, key_type type, int level, presence as);

bool requires_a_key(std::string_view path) {
    const std::vector<const key_info*> rows = children_of(path);
    return std::any_of(rows.begin(), rows.end(), [](const key_info* row) { return row->required; });
}

// The other form that a section may have.
std::string other_form(const key_info& row, int level, presence as) {
    if (row.other == key_type::boolean) {
        const bool may_be_on = !requires_a_key(row.path);
        return either(std::string(may_be_on ? boolean_schema : off_schema),
                      R"({"$ref": "#/$defs/reference"})");
    }
    std::string other = value_schema(row, *row.other, level, as);
    return row.default_text == "false" ? either(other, std::string(off_schema)) : other;
}

std::string object_schema(std::string_view path, int level, presence as) {
    std::string properties;
    std::string required;
    for (const key_info* const row : children_of(path)) {
        const std::string name = json_string(key_name(*row));
        std::string value = value_schema(*row, row->type, level + 2, as);
        if (row->other.has_value() && row->type != key_type::list) {
            value = either(value, other_form(*row, level + 2, as));
        }
        // The description stands in front; every schema above is an object with one key at least.
        value = "{\"description\": " + json_string(row->meaning) + ", " + value.substr(1);
        properties += (properties.empty() ? "\n" : ",\n") + indent(level + 2) + name + ": " + value;
        if (row->required && as == presence::whole) {
            required += (required.empty() ? "" : ", ") + name;
        }
    }
    return std::string("{\"type\": ") +
           (as == presence::whole ? "\"object\"" : "[\"object\", \"null\"]") +
           ", \"additionalProperties\": false, \"required\": [" + required +
           "], \"properties\": {" + properties + "\n" + indent(level + 1) + "}}";
}

// A route inherits, but is never empty.
std::string route_schema(int level) {
    std::string schema = object_schema("routes[]", level, presence::part);
    constexpr std::string_view nullable = "{\"type\": [\"object\", \"null\"]";
    PENSTOCK_CHECK(schema.starts_with(nullable));
    return schema.replace(0, nullable.size(), "{\"type\": \"object\"");
}

std::string list_schema(const key_info& row, int level) {
    const bool top = row.path.find('.') == std::string_view::npos;
    std::string items = row.item != key_type::section ? scalar_schema(row, row.item)
                        : row.path == "routes"
                            ? route_schema(level)
                            : object_schema(std::string(row.path) + "[]", level, presence::whole);
    if (row.type == key_type::list && row.other.has_value()) {
        items = either(items, scalar_schema(row, *row.other));
    }
    // What included files add to a list of the top level counts as well (least_schema).
    return "{\"type\": \"array\", \"minItems\": " + std::to_string(top ? 0 : row.range.low) +
           ", \"maxItems\": " + std::to_string(row.range.high) + ", \"items\": " + items + "}";
}

std::string value_schema(const key_info& row, key_type type, int level, presence as) {
    switch (type) {
        case key_type::section:
            return row.same_as.empty() ? object_schema(row.path, level, as)
                                       : object_schema(row.same_as, level, presence::part);
        case key_type::named:
            return "{\"type\": [\"object\", \"null\"], \"maxProperties\": " +
                   std::to_string(row.range.high) +
                   ", \"propertyNames\": "
                   "{\"pattern\": \"^[A-Za-z0-9_.-]{1,64}$\"}, \"additionalProperties\": " +
                   object_schema(row.same_as.empty() ? std::string(row.path) + ".<name>"
                                                     : std::string(row.same_as),
                                 level, presence::part) +
                   "}";
        case key_type::list:
            return list_schema(row, level);
        default:
            return scalar_schema(row, type);
    }
}

// The required keys below a path, as far as nothing is inherited; empty if there are none.
std::string needs_schema(std::string_view path) {
    std::string required;
    std::string below;
    for (const key_info* const row : children_of(path)) {
        const std::string name = json_string(key_name(*row));
        if (row->required) {
            required += (required.empty() ? "" : ", ") + name;
        }
        const std::string inner =
            row->type == key_type::section ? needs_schema(row->path) : std::string();
        if (!inner.empty()) {
            below += (below.empty() ? "" : ", ") + name + ": " + inner;
        }
    }
    if (required.empty() && below.empty()) {
        return {};
    }
    return std::string("{") + (required.empty() ? "" : "\"not\": {\"type\": \"null\"}, ") +
           "\"required\": [" + required + "], \"properties\": {" + below + "}}";
}

std::string unless_has(std::initializer_list<std::string_view> keys, const std::string& then) {
    std::string any;
    for (const std::string_view key : keys) {
        any += (any.empty() ? "" : ", ") + ("{\"required\": [" + json_string(key) + "]}");
    }
    return "{\"if\": {\"not\": {\"anyOf\": [" + any + "]}}, \"then\": {\"properties\": {" + then +
           "}}}";
}

// What has to be there, unless files that `include` names may hold it, or `defaults` the keys that
// objects lack.
std::string least_schema() {
    std::string counts;
    std::string needs;
    for (const key_info* const row : children_of("")) {
        const std::string name = json_string(row->path) + ": ";
        const std::string least = std::to_string(row->range.low);
        if (row->type == key_type::named && row->range.low > 0) {
            counts += (counts.empty() ? "" : ", ") + name +
                      R"({"type": "object", "minProperties": )" + least + "}";
        } else if (row->type == key_type::list && row->range.low > 0) {
            counts += (counts.empty() ? "" : ", ") + name + R"({"minItems": )" + least + "}";
        }
        const bool own = row->type == key_type::named && row->same_as.empty();
        const std::string inner = own ? needs_schema(std::string(row->path) + ".<name>") : "";
        if (!inner.empty()) {
            needs +=
                (needs.empty() ? "" : ", ") + name + R"({"additionalProperties": )" + inner + "}";
        }
    }
    return "[" + unless_has({"include"}, counts) + ", " +
           unless_has({"include", "defaults"}, needs) + "]";
}

}  // namespace

std::string json_schema() {
    // What is required of the whole may be in files that it includes. A whole file is never null,
    // unlike a section whose keys are all commented out.
    std::string body = object_schema("", 0, presence::part);
    constexpr std::string_view nullable =
        "{\"type\": [\"object\", \"null\"], \"additionalProperties\": false, \"required\": []";
    PENSTOCK_CHECK(body.starts_with(nullable));
    std::string required;
    for (const key_info* const row : children_of("")) {
        if (row->required) {
            required += (required.empty() ? "" : ", ") + json_string(row->path);
        }
    }
    body.replace(0, nullable.size(),
                 "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", "
                 "\"title\": \"Penstock configuration\", \"$defs\": {\"reference\": " +
                     pattern(R"(\$\{(env|file):[^}]+\})") +
                     "}, \"type\": \"object\", \"additionalProperties\": false, "
                     "\"anyOf\": [{\"required\": [" +
                     required + "]}, {\"required\": [\"include\"]}], \"allOf\": " + least_schema());
    return body + "\n";
}

}  // namespace penstock::config
