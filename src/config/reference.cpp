// The reference tables of docs/configuration.md.
#include "config/describe.hpp"
#include "config/schema_find.hpp"
#include "config/text.hpp"
#include "config/values.hpp"
#include "penstock/config/schema.hpp"

namespace penstock::config {

namespace {

std::string_view type_word(key_type type) noexcept {
    switch (type) {
        case key_type::section:
            return "map";
        case key_type::named:
            return "map of names";
        case key_type::list:
            return "list";
        case key_type::text:
            return "text";
        case key_type::path:
            return "file";
        case key_type::boolean:
            return "true or false";
        case key_type::integer:
            return "number";
        case key_type::duration:
            return "duration";
        case key_type::size:
            return "size";
        case key_type::ratio:
            return "ratio";
        case key_type::choice:
            return "one of";
        case key_type::address:
            return "address";
        case key_type::network:
            return "address or network";
        case key_type::fields:
            return "header fields";
    }
    return "";
}

std::string code(std::string_view text) { return "`" + std::string(text) + "`"; }

std::string choices_text(const key_info& row) {
    std::string out;
    for (const std::string_view choice : split(row.choices, '|')) {
        out += (out.empty() ? "" : ", ") + code(choice);
    }
    return out;
}

std::string list_text(const key_info& row) {
    std::string out =
        "list of " + std::string(row.item == key_type::section ? "maps" : type_word(row.item));
    if (row.item == key_type::choice) {
        out += " " + choices_text(row);
    }
    if (row.other.has_value()) {
        out += " or " + std::string(type_word(*row.other));
    }
    return out;
}

}  // namespace

std::string type_text(const key_info& row) {
    if (row.type == key_type::list) {
        return list_text(row);
    }
    std::string out(type_word(row.type));
    if (row.type == key_type::integer || row.type == key_type::duration ||
        row.type == key_type::size) {
        out += ", " + text_of_number(row.range.low, row.type) + " to " +
               text_of_number(row.range.high, row.type);
    }
    if (row.type == key_type::choice) {
        out += " " + choices_text(row);
    } else if (!row.choices.empty()) {
        out += ", or " + choices_text(row);
    }
    if (row.other.has_value()) {
        out += ", or " + std::string(type_word(*row.other));
    }
    return out;
}

namespace {

std::string state_text(const key_info& row) {
    if (row.state == key_state::ignored) {
        return " *No effect in this release.*";
    }
    return row.state == key_state::refused ? " *Not available in this release.*" : "";
}

std::string table_row(const key_info& row) {
    const std::string standard = row.required               ? "required"
                                 : row.default_text.empty() ? ""
                                                            : code(row.default_text);
    return "| " + code(row.path) + " | " + type_text(row) + " | " + standard + " | " +
           std::string(row.meaning) + state_text(row) + " |\n";
}

bool is_top_level(const key_info& row) noexcept {
    return row.path.find('.') == std::string_view::npos;
}

constexpr std::string_view table_head =
    "\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n";

}  // namespace

std::string reference_markdown() {
    std::string out;
    for (const key_info& row : schema()) {
        if (is_top_level(row)) {
            out += out.empty() ? "### " : "\n### ";
            out += code(row.path) + "\n" + std::string(table_head);
        }
        out += table_row(row);
    }
    return out;
}

}  // namespace penstock::config
