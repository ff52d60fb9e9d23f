// The half of a reload that may take its time (reading, checking, resolving names) and so runs on a
// thread of its own: signals and admin requests are answered meanwhile.
#pragma once

#include "app/compile.hpp"
#include "app/file_states.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace penstock::app {

struct prepared_reload {
    std::shared_ptr<const compiled> next;  // null = there are errors
    std::vector<std::string> errors;       // one line each
    std::vector<std::string> warnings;
    file_states read;  // of the model's TLS files, before they were read
};

// `with` lacks only its model, which is loaded from `path`; with an empty path it lacks nothing.
[[nodiscard]] prepared_reload prepare_reload(const std::string& path, compile_input with,
                                             std::uint64_t descriptors) noexcept;

// Lowers the listeners' caps to what `descriptors` leaves. A warning if that changes what was
// asked.
[[nodiscard]] std::optional<std::string> fit_to_descriptors(config::model& to,
                                                            std::uint64_t descriptors, int workers);

}  // namespace penstock::app
