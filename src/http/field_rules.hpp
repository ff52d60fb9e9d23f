// Lists of field names with a special standing at a proxy. Kept together, so that what one rule
// protects is not forgotten by another.
#pragma once

#include <string_view>

namespace penstock::http {

// True if '_' stands for '-' in the name of a field that Penstock reads or writes. Origins that
// turn names into variables (CGI, WSGI) take both spellings for the same field.
[[nodiscard]] bool is_disguised(std::string_view name);

// Forwarded, X-Forwarded-*, X-Real-IP: what only a trusted peer may say.
[[nodiscard]] bool is_forwarding_name(std::string_view name) noexcept;

// Fields that no Connection option removes, whoever names them.
[[nodiscard]] bool is_protected(std::string_view name) noexcept;

// RFC 9110 §6.5.1: fields that change how a message is framed, routed, authorised or understood
// have no meaning after its content. Either spelling of '-' counts.
[[nodiscard]] bool is_forbidden_trailer(std::string_view name);

}  // namespace penstock::http
