#include "net/tls_staple.hpp"

#include "net/tls_material.hpp"

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include <array>

namespace penstock::net {
namespace {

using ocsp_response_ptr = std::unique_ptr<OCSP_RESPONSE, freed_by<OCSP_RESPONSE_free>>;
using ocsp_basic_ptr = std::unique_ptr<OCSP_BASICRESP, freed_by<OCSP_BASICRESP_free>>;

// By serial number and issuer's name: the issuer's key is not there in a chain without its root.
bool is_about(OCSP_SINGLERESP* one, const X509* leaf) {
    ASN1_OCTET_STRING* name = nullptr;
    ASN1_OBJECT* algorithm = nullptr;
    ASN1_INTEGER* serial = nullptr;
    // It gives no const away, and changes nothing.
    auto* const id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(one));
    if (OCSP_id_get0_info(&name, &algorithm, nullptr, &serial, id) != 1 ||
        ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) != 0)
        return false;
    const EVP_MD* const digest = EVP_get_digestbyobj(algorithm);
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned int size = 0;
    if (digest == nullptr ||
        X509_NAME_digest(X509_get_issuer_name(leaf), digest, hash.data(), &size) != 1)
        return false;
    const std::string_view ours(reinterpret_cast<const char*>(hash.data()), size);
    const auto* const theirs = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name));
    return ours == std::string_view(theirs, static_cast<std::size_t>(ASN1_STRING_length(name)));
}

// Whether it speaks well of the certificate, and for how long. Null = it does.
const char* judge_status(OCSP_SINGLERESP* one, tls_staple& into) {
    ASN1_GENERALIZEDTIME* from = nullptr;
    ASN1_GENERALIZEDTIME* next = nullptr;
    const int status = OCSP_single_get0_status(one, nullptr, nullptr, &from, &next);
    // A client that is shown either refuses the connection.
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return "the certificate is revoked";
    if (status != V_OCSP_CERTSTATUS_GOOD)
        return "its responder does not know the certificate";
    const std::optional<std::int64_t> begins = from != nullptr ? seconds_of(from) : std::nullopt;
    if (!begins)
        return "its thisUpdate is not a time";
    into.from = *begins;
    // RFC 6960 §4.2.2.1: without it there is always something newer, and this is good until then.
    if (next == nullptr)
        return nullptr;
    const std::optional<std::int64_t> ends = seconds_of(next);
    if (!ends)
        return "its nextUpdate is not a time";
    into.until = *ends;
    return nullptr;
}

// Why it is none for `leaf`; null = it is one.
const char* judge(const std::string& der, const X509* leaf, tls_staple& into) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const auto* const end = at + der.size();
    const ocsp_response_ptr response(
        d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
    if (!response || at != end)
        return "it is not an OCSP response in DER";
    if (OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return OCSP_response_status_str(OCSP_response_status(response.get()));
    const ocsp_basic_ptr basic(OCSP_response_get1_basic(response.get()));
    if (!basic)
        return "it is not a basic OCSP response";
    for (int i = 0; i < OCSP_resp_count(basic.get()); ++i) {
        OCSP_SINGLERESP* const one = OCSP_resp_get0(basic.get(), i);
        if (!is_about(one, leaf))
            continue;
        return judge_status(one, into);
    }
    return "it is about another certificate";
}

}  // namespace

std::optional<tls_staple> read_staple(const std::string& der, const X509* leaf, std::string& why) {
    tls_staple made;
    ERR_clear_error();
    const char* const unfit = judge(der, leaf, made);
    ERR_clear_error();
    if (unfit != nullptr) {
        why = unfit;
        return std::nullopt;
    }
    made.response = der;
    return made;
}

}  // namespace penstock::net
