#include "penstock/http/error.hpp"

#include <string>

namespace penstock::http {
namespace {

class http_category final : public boost::system::error_category {
 public:
    const char* name() const noexcept override { return "http"; }
    std::string message(int value) const override { return text(static_cast<errc>(value)); }

 private:
    static const char* text(errc value) noexcept {
        switch (value) {
            case errc::bad_request_line:
                return "malformed request line";
            case errc::bad_method:
                return "the method is not a token of at most 32 bytes";
            case errc::bad_target:
                return "malformed request target";
            case errc::bad_version:
                return "malformed HTTP version";
            case errc::version_unsupported:
                return "HTTP version not supported";
            case errc::uri_too_long:
                return "request line too long";
            case errc::bad_field:
                return "malformed header field";
            case errc::bad_line_end:
                return "a line does not end in CRLF";
            case errc::field_too_large:
                return "header field too large";
            case errc::header_too_large:
                return "header section too large";
            case errc::too_many_fields:
                return "too many header fields";
            case errc::bad_host:
                return "missing, repeated or malformed Host";
            case errc::bad_content_length:
                return "malformed Content-Length";
            case errc::length_conflict:
                return "contradicting body lengths";
            case errc::bad_transfer_encoding:
                return "malformed Transfer-Encoding";
            case errc::transfer_coding_unknown:
                return "transfer coding not supported";
            case errc::body_not_allowed:
                return "this request may not have a body";
            case errc::bad_expectation:
                return "expectation not supported";
            case errc::bad_chunk:
                return "malformed chunked coding";
            case errc::chunk_extension_too_large:
                return "chunk extensions too large";
            case errc::bad_trailer:
                return "malformed trailer field";
            case errc::trailer_too_large:
                return "trailer section too large";
            case errc::truncated:
                return "the peer closed within a message";
            case errc::bad_status_line:
                return "malformed status line";
            case errc::bad_path:
                return "malformed path";
            case errc::ambiguous_dots:
                return "'..' behind an empty path segment";
            case errc::ambiguous_segment:
                return "encoded '/' or '\\' beside '.' or '..' in the path";
            case errc::escaped_separator:
                return "encoded '/' or '\\' in the path";
            case errc::connection_breach:
                return "the connection broke the rules of HTTP/2";
        }
        return "unknown error";
    }
};

}  // namespace

const boost::system::error_category& category() noexcept {
    static const http_category instance;
    return instance;
}

}  // namespace penstock::http
