// What request and response heads have in common below their first line: field lines, and what a
// line that breaks the grammar is called.
#pragma once

#include "penstock/http/error.hpp"
#include "penstock/http/h1_head.hpp"

#include <string_view>

namespace penstock::http {

// Checks one field line (RFC 9112 §5) and adds it.
[[nodiscard]] error read_field_line(std::string_view line, const head_limits& limits, fields& into);

// `otherwise`, unless the line holds a CR or a NUL: these are faults of the line and not of its
// text.
[[nodiscard]] error fault_of(std::string_view line, errc otherwise) noexcept;

}  // namespace penstock::http
