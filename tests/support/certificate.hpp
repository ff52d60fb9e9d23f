// Certificates for tests, made when they are needed: a self-signed P-256 leaf for a name.
#pragma once

#include "support/temp_dir.hpp"

#include <string>
#include <string_view>

namespace penstock::test {

struct certificate_files {
    std::string cert;  // paths of PEM files
    std::string key;
};

// Writes NAME.pem and NAME.key. The certificate is for `dns_name` and for 127.0.0.1, valid for a
// day, and its own authority.
certificate_files write_certificate(const temp_dir& to, std::string_view dns_name);

}  // namespace penstock::test
