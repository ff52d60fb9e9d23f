// The campaign's bytes as files, for readers in other languages: `requests` and `answers` hold
// records of a line `INDEX SIZE METHOD` and that many bytes; `requests.json` and `answers.json`
// hold a line for each with how the strict reader understands it.
#pragma once

#include "campaign/driver.hpp"

#include <string>

namespace penstock::campaign {

void write_files(const plan& of, const std::string& directory);

// Bytes in print: line ends as such, everything else that is not text escaped.
[[nodiscard]] std::string printable(std::string_view bytes);

}  // namespace penstock::campaign
