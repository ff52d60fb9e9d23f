// The JSON Schema of the configuration, printed from the schema. It describes the YAML after
// parsing, so what editors check with it is shape, words and units; ranges of durations and rules
// between keys stay with the loader.
#include "config/json_text.hpp"
#include "config/schema_find.hpp"
#include "config/text.hpp"
#include "penstock/base/check.hpp"
#include "penstock/config/schema.hpp"

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

std::string integer_schema(const key_info& row) {
    const std::string number =
        "{\"type\": \"integer\", \"minimum\": " + std::to_string(row.range.low) +
        ", \"maximum\": " + std::to_string(row.range.high) + "}";
    return or_words(row, number);
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
            return R"({"type": "boolean"})";
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
            return pattern(R"(^.*:[0-9]{1,5}$)");
        case key_type::fields:
            return std::string(fields_schema);
        case key_type::text:
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

std::string value_schema(const key_info& row, key_type type, int level);

// The keys below a path. A part of an object requires nothing: the rest comes from elsewhere.
std::string object_schema(std::string_view path, int level, bool part = false) {
    std::string properties;
    std::string required;
    for (const key_info* const row : children_of(path)) {
        const std::string name = json_string(key_name(*row));
        std::string value = value_schema(*row, row->type, level + 2);
        if (row->other.has_value() && row->type != key_type::list) {
            std::string other = value_schema(*row, *row->other, level + 2);
            const bool may_be_off = row->default_text == "false" && row->other != key_type::boolean;
            value = either(value, may_be_off ? either(other, R"({"const": false})") : other);
        }
        // The description stands in front; every schema above is an object with one key at least.
        value = "{\"description\": " + json_string(row->meaning) + ", " + value.substr(1);
        properties += (properties.empty() ? "\n" : ",\n") + indent(level + 2) + name + ": " + value;
        if (row->required && !part) {
            required += (required.empty() ? "" : ", ") + name;
        }
    }
    return "{\"type\": [\"object\", \"null\"], \"additionalProperties\": false, \"required\": [" +
           required + "], \"properties\": {" + properties + "\n" + indent(level + 1) + "}}";
}

std::string list_schema(const key_info& row, int level) {
    std::string items = row.item == key_type::section
                            ? object_schema(std::string(row.path) + "[]", level)
                            : scalar_schema(row, row.item);
    if (row.type == key_type::list && row.other.has_value()) {
        items = either(items, scalar_schema(row, *row.other));
    }
    return "{\"type\": \"array\", \"minItems\": " + std::to_string(row.range.low) +
           ", \"maxItems\": " + std::to_string(row.range.high) + ", \"items\": " + items + "}";
}

std::string value_schema(const key_info& row, key_type type, int level) {
    switch (type) {
        case key_type::section:
            return row.same_as.empty() ? object_schema(row.path, level)
                                       : object_schema(row.same_as, level, true);
        case key_type::named:
            return "{\"type\": [\"object\", \"null\"], \"minProperties\": " +
                   std::to_string(row.range.low) +
                   ", \"maxProperties\": " + std::to_string(row.range.high) +
                   ", \"propertyNames\": "
                   "{\"pattern\": \"^[A-Za-z0-9_.-]{1,64}$\"}, \"additionalProperties\": " +
                   (row.same_as.empty() ? object_schema(std::string(row.path) + ".<name>", level)
                                        : object_schema(row.same_as, level, true)) +
                   "}";
        case key_type::list:
            return list_schema(row, level);
        default:
            return scalar_schema(row, type);
    }
}

}  // namespace

std::string json_schema() {
    // What is required of the whole may be in files that it includes. A whole file is never null,
    // unlike a section whose keys are all commented out.
    std::string body = object_schema("", 0, true);
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
                     required + "]}, {\"required\": [\"include\"]}]");
    return body + "\n";
}

}  // namespace penstock::config
