#include "net/openssl.hpp"

#include "penstock/base/check.hpp"
#include "penstock/base/log.hpp"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include <limits>
#include <mutex>
#include <vector>

namespace penstock::net {
namespace {

// Loading the configuration again also replaces tables of libssl's, which new SSL_CTXs look at: see
// library_of.
OSSL_LIB_CTX* make_library() {
    OSSL_LIB_CTX* made = OSSL_LIB_CTX_new();
    constexpr unsigned long as_at_start =
        CONF_MFLAGS_DEFAULT_SECTION | CONF_MFLAGS_IGNORE_MISSING_FILE;
    if (made != nullptr && CONF_modules_load_file_ex(made, nullptr, nullptr, as_at_start) <= 0) {
        log_warn("OpenSSL's configuration suits one library context only, which workers share: {}",
                 take_openssl_errors());
        OSSL_LIB_CTX_free(made);
        made = nullptr;
    }
    ERR_clear_error();
    return made;
}

}  // namespace

OSSL_LIB_CTX* library_of(int worker) {
    PENSTOCK_CHECK(worker >= 0);
    static std::mutex mutex;
    // Never freed: threads and their caches refer to them until the very end.
    static auto& made = *new std::vector<OSSL_LIB_CTX*>;
    const std::lock_guard lock(mutex);
    while (made.size() <= static_cast<std::size_t>(worker))
        made.push_back(make_library());
    return made[static_cast<std::size_t>(worker)];
}

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
