// Any bytes in every text of an access-log entry: what comes out is one line of strict JSON, which
// no request can end early, and from which each text can be read back.
//
// Input: seven length bytes, one for each text, then the texts.
#include "penstock/base/check.hpp"
#include "penstock/proxy/access_log.hpp"
#include "proxy/access_entry.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

using namespace penstock;

namespace {

// A strict reader of one JSON text (RFC 8259), which shares nothing with the writer.
class json_reader {
 public:
    explicit json_reader(std::string_view text) : rest_(text) {}

    void whole() {
        value();
        PENSTOCK_CHECK(rest_.empty());
    }

 private:
    char next() {
        PENSTOCK_CHECK(!rest_.empty());
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    bool take(std::string_view word) {
        if (!rest_.starts_with(word))
            return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    void value() {
        if (take("true") || take("false") || take("null"))
            return;
        if (rest_.starts_with('"'))
            return string();
        if (rest_.starts_with('{'))
            return object();
        number();
    }
    void object() {
        PENSTOCK_CHECK(next() == '{');
        if (take("}"))
            return;
        do {
            string();
            PENSTOCK_CHECK(next() == ':');
            value();
        } while (take(","));
        PENSTOCK_CHECK(next() == '}');
    }
    void digits() {
        std::size_t count = 0;
        for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++count)
            rest_.remove_prefix(1);
        PENSTOCK_CHECK(count > 0);
    }
    void number() {
        take("-");
        digits();
        if (take("."))
            digits();
        if (take("e") || take("E")) {
            if (!take("+"))
                take("-");
            digits();
        }
    }
    void string() {
        PENSTOCK_CHECK(next() == '"');
        for (;;) {
            const auto c = static_cast<unsigned char>(next());
            if (c == '"')
                return;
            PENSTOCK_CHECK(c >= 0x20);
            if (c == '\\')
                escape();
            else if (c >= 0x80)
                utf8(c);
        }
    }
    void escape() {
        const char c = next();
        if (c != 'u') {
            PENSTOCK_CHECK(std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos);
            return;
        }
        for (int i = 0; i < 4; ++i) {
            const char digit = next();
            PENSTOCK_CHECK(std::string_view("0123456789abcdefABCDEF").find(digit) !=
                           std::string_view::npos);
        }
    }
    // RFC 3629, without overlong forms, surrogates and what is above U+10FFFF.
    void utf8(unsigned char lead) {
        const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        PENSTOCK_CHECK(lead >= 0xc2 && lead <= 0xf4);
        std::uint32_t point = lead & (0x3fU >> more);
        for (int i = 0; i < more; ++i) {
            const auto c = static_cast<unsigned char>(next());
            PENSTOCK_CHECK((c & 0xc0U) == 0x80);
            point = point << 6 | (c & 0x3fU);
        }
        constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        PENSTOCK_CHECK(point >= least[more] && point <= 0x10ffff);
        PENSTOCK_CHECK(point < 0xd800 || point > 0xdfff);
    }

    std::string_view rest_;
};

std::string entry_of(std::string_view lengths, std::string_view texts) {
    proxy::access_entry entry;
    entry.status = 200;
    entry.began_ms = 1'700'000'000'123;
    std::string bytes;
    for (std::size_t i = 0; i < proxy::access_texts; ++i) {
        const auto wanted = static_cast<unsigned char>(lengths[i]);
        const std::string_view text = texts.substr(0, wanted);
        texts.remove_prefix(text.size());
        entry.text_sizes[i] = static_cast<std::uint16_t>(text.size());
        bytes += text;
    }
    std::string made(sizeof entry, '\0');
    std::memcpy(made.data(), &entry, sizeof entry);
    return made + bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (size < proxy::access_texts)
        return 0;
    const std::string entry =
        entry_of(input.substr(0, proxy::access_texts), input.substr(proxy::access_texts));
    std::string line = "before\n";
    PENSTOCK_CHECK(proxy::format_access_entry(entry, line));
    PENSTOCK_CHECK(line.starts_with("before\n") && line.ends_with("}\n"));
    const std::string_view json = std::string_view(line).substr(7, line.size() - 8);
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    PENSTOCK_CHECK(std::none_of(json.begin(), json.end(), control));
    // A byte takes six at most, as \u00XX, and the client's address stands twice in a line whose
    // peer is the client; everything else of a line is bounded.
    const std::size_t client = static_cast<unsigned char>(input[0]);
    PENSTOCK_CHECK(json.size() <= 2048 + 6 * (size + client));
    json_reader(json).whole();
    // A shorter entry than its sizes say is none.
    std::string untouched;
    PENSTOCK_CHECK(
        !proxy::format_access_entry(entry.substr(0, sizeof(proxy::access_entry) - 1), untouched));
    PENSTOCK_CHECK(untouched.empty());
    return 0;
}
