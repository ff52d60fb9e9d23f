// Which word was meant by a misspelt one, for the messages of the command line.
#pragma once

#include <string_view>
#include <vector>

namespace penstock::app {

// The word of `known` that was most likely meant, or empty.
[[nodiscard]] std::string_view nearest_word(std::string_view word,
                                            const std::vector<std::string_view>& known);

}  // namespace penstock::app
