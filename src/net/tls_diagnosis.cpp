#include "net/tls_diagnosis.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace penstock::net {
namespace {

tls_failure of_chain(long verdict) noexcept {
    switch (verdict) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return tls_failure::certificate_expired;
        case X509_V_ERR_CERT_REVOKED:
            return tls_failure::certificate_revoked;
        default:
            return tls_failure::certificate_untrusted;
    }
}

// Alerts that the client sent show as reasons above an offset.
tls_failure of_alert(int alert) noexcept {
    switch (alert) {
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
        case SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE:
            return tls_failure::certificate_refused;
        default:
            return tls_failure::client_alert;
    }
}

}  // namespace

tls_failure diagnose_handshake(unsigned long code, long verdict) noexcept {
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return tls_failure::protocol_error;
    const int reason = ERR_GET_REASON(code);
    // OpenSSL's own: memory, a library below it.
    if ((reason & ERR_RFLAG_COMMON) != 0)
        return tls_failure::internal_error;
    if (reason >= SSL_AD_REASON_OFFSET)
        return of_alert(reason - SSL_AD_REASON_OFFSET);
    switch (reason) {
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST:
        case SSL_R_WRONG_VERSION_NUMBER:
            return tls_failure::not_tls;
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
            return tls_failure::version_unsupported;
        case SSL_R_NO_SHARED_CIPHER:
            return tls_failure::no_shared_cipher;
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SUITABLE_GROUPS:
            return tls_failure::no_shared_group;
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
            return tls_failure::no_shared_signature;
        case SSL_R_NO_APPLICATION_PROTOCOL:
            return tls_failure::no_application_protocol;
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return tls_failure::certificate_required;
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            return of_chain(verdict);
        default:
            return tls_failure::protocol_error;
    }
}

}  // namespace penstock::net
