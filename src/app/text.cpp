#include "app/text.hpp"

namespace penstock::app {

std::string json_string(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string made = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            made += '\\';
            made += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            // A byte that is not ASCII is shown as the Latin-1 character of its number: always
            // valid, whatever came in.
            made += "\\u00";
            made += digits[byte >> 4U];
            made += digits[byte & 15U];
        } else {
            made += c;
        }
    }
    return made + "\"";
}

std::string html_text(std::string_view text) {
    std::string made;
    for (const char c : text) {
        switch (c) {
            case '<':
                made += "&lt;";
                break;
            case '>':
                made += "&gt;";
                break;
            case '&':
                made += "&amp;";
                break;
            case '"':
                made += "&quot;";
                break;
            default:
                made += c;
        }
    }
    return made;
}

std::string text_of(const config::address& at) {
    return config::is_unix(at) ? at.host : at.host + ":" + std::to_string(at.port);
}

}  // namespace penstock::app
