// Makers of rows for keys with a single value, and for lists of single values. The maker says the
// kind of value; type, default and text of a dump come from the member.
#pragma once

#include "config/binding.hpp"
#include "config/names.hpp"
#include "config/text.hpp"

#include <chrono>
#include <cstdint>

namespace penstock::config {

template <class Number>
std::int64_t whole(Number value) {
    if constexpr (std::is_integral_v<Number>) {
        return static_cast<std::int64_t>(value);
    } else {
        return std::chrono::milliseconds(value).count();
    }
}

// A count, a size or a duration.
template <class Owner, class Number>
row<Owner> number(key_info info, Number Owner::*member) {
    row<Owner> out{.info = std::move(info)};
    out.read = [key = out.info.path, member](const section& from, Owner& to) {
        from.read(key, to.*member);
    };
    out.shown = [](const Owner&) { return true; };
    out.write = [type = out.info.type, member](dump_writer& to, const Owner& from) {
        to.plain(text_of_number(whole(from.*member), type));
    };
    return out;
}

// The same, where nothing at all is a value too.
template <class Owner, class Number>
row<Owner> number(key_info info, std::optional<Number> Owner::*member) {
    row<Owner> out{.info = std::move(info)};
    out.read = [key = out.info.path, member](const section& from, Owner& to) {
        Number value{};
        from.read(key, value);
        to.*member = value;
    };
    out.shown = [member](const Owner& from) { return (from.*member).has_value(); };
    out.write = [type = out.info.type, member](dump_writer& to, const Owner& from) {
        to.plain(text_of_number(whole(*(from.*member)), type));
    };
    return out;
}

template <class Owner, class Number>
row<Owner> count(std::string_view key, Number Owner::*member, key_range range,
                 std::string_view meaning) {
    return number(
        key_info{.path = key, .type = key_type::integer, .range = range, .meaning = meaning},
        member);
}

template <class Owner, class Number>
row<Owner> size(std::string_view key, Number Owner::*member, key_range range,
                std::string_view meaning) {
    return number(key_info{.path = key, .type = key_type::size, .range = range, .meaning = meaning},
                  member);
}

// `range` in milliseconds.
template <class Owner, class Number>
row<Owner> duration(std::string_view key, Number Owner::*member, key_range range,
                    std::string_view meaning) {
    return number(
        key_info{.path = key, .type = key_type::duration, .range = range, .meaning = meaning},
        member);
}

template <class Owner>
row<Owner> flag(std::string_view key, bool Owner::*member, std::string_view meaning) {
    row<Owner> out{.info = {.path = key, .type = key_type::boolean, .meaning = meaning}};
    out.read = [key, member](const section& from, Owner& to) { from.read(key, to.*member); };
    out.shown = [](const Owner&) { return true; };
    out.write = [member](dump_writer& to, const Owner& from) {
        to.plain(from.*member ? "true" : "false");
    };
    return out;
}

template <class Owner>
row<Owner> ratio(std::string_view key, double Owner::*member, std::string_view meaning) {
    row<Owner> out{.info = {.path = key, .type = key_type::ratio, .meaning = meaning}};
    out.read = [key, member](const section& from, Owner& to) { from.read(key, to.*member); };
    out.shown = [](const Owner&) { return true; };
    out.write = [member](dump_writer& to, const Owner& from) {
        to.plain(format_ratio(from.*member));
    };
    return out;
}

// A text; an empty one is the same as none.
template <class Owner>
row<Owner> text(std::string_view key, std::string Owner::*member, std::string_view meaning) {
    row<Owner> out{.info = {.path = key, .type = key_type::text, .meaning = meaning}};
    out.read = [key, member](const section& from, Owner& to) { from.read(key, to.*member); };
    out.shown = [member](const Owner& from) { return !(from.*member).empty(); };
    out.write = [member](dump_writer& to, const Owner& from) { to.quoted(from.*member); };
    return out;
}

// A file that has to be readable when the configuration is loaded.
template <class Owner>
row<Owner> file(std::string_view key, std::string Owner::*member, std::string_view meaning) {
    row<Owner> out = text(key, member, meaning);
    out.info.type = key_type::path;
    out.read = [key, member](const section& from, Owner& to) {
        to.*member = readable_file(from.in(), *from.find(key)).value_or("");
    };
    return out;
}

// A text that `parse` brings into the form that the model holds.
template <class Owner>
row<Owner> normal_text(std::string_view key, std::string Owner::*member,
                       parsed<std::string> (*parse)(std::string_view), std::string_view meaning) {
    row<Owner> out = text(key, member, meaning);
    out.read = [key, member, parse](const section& from, Owner& to) {
        to.*member = parse_node(from.in(), *from.find(key), parse).value_or("");
    };
    return out;
}

template <class Value>
struct choice_word {
    std::string_view text;
    Value value;
};

template <class Value>
using choice_words = std::vector<choice_word<Value>>;

// One of some words, each of which stands for a value of the member.
template <class Owner, class Value>
row<Owner> choice(std::string_view key, Value Owner::*member, choice_words<Value> known,
                  std::string_view meaning) {
    row<Owner> out{.info = {.path = key, .type = key_type::choice, .meaning = meaning}};
    for (const choice_word<Value>& one : known) {
        out.info.choices += (out.info.choices.empty() ? "" : "|") + std::string(one.text);
    }
    out.read = [key, member, known](const section& from, Owner& to) {
        const std::string* const text = choice_of(from.in(), *from.find(key), from.info(key));
        for (const choice_word<Value>& one : known) {
            if (text != nullptr && one.text == *text) {
                to.*member = one.value;
            }
        }
    };
    out.shown = [](const Owner&) { return true; };
    out.write = [member, known](dump_writer& to, const Owner& from) {
        for (const choice_word<Value>& one : known) {
            if (one.value == from.*member) {
                return to.word(one.text);
            }
        }
    };
    return out;
}

// The same where the member is the word.
template <class Owner>
row<Owner> choice(std::string_view key, std::string Owner::*member, std::string_view known,
                  std::string_view meaning) {
    choice_words<std::string> list;
    for (const std::string_view one : split(known, '|')) {
        list.push_back({one, std::string(one)});
    }
    return choice(key, member, std::move(list), meaning);
}

}  // namespace penstock::config
