#include "net/openssl.hpp"

#include <openssl/err.h>

#include <limits>

namespace penstock::net {

std::string take_openssl_errors() {
    std::string line;
    const char* data = nullptr;
    int flags = 0;
    while (const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
        if (!line.empty())
            line += "; ";
        const char* reason = ERR_reason_error_string(code);
        line += reason != nullptr ? reason : "error " + std::to_string(code);
        if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0')
            line += std::string(" (") + data + ")";
    }
    return line;
}

bio_ptr bio_over(const std::string& text) {
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
        return nullptr;
    return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace penstock::net
