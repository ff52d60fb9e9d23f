#include "penstock/net/libraries.hpp"

#include <ares.h>
#include <openssl/crypto.h>
#include <boost/version.hpp>

namespace penstock::net {

std::vector<library> libraries() {
    const auto boost = [](int part) { return std::to_string(part); };
    return {
        {"OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING)},
        {"c-ares", ares_version(nullptr)},
        {"Boost", boost(BOOST_VERSION / 100000) + "." + boost(BOOST_VERSION / 100 % 1000) + "." +
                      boost(BOOST_VERSION % 100)},
    };
}

}  // namespace penstock::net
