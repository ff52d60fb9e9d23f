// Damages HTTP/1.1 text the way attackers do: line ends, framing fields, sizes, white space, and
// plain noise. Every choice comes from the given source, so a payload can be made again.
#pragma once

#include "campaign/rng.hpp"

#include <string>

namespace penstock::campaign {

enum class side : std::uint8_t { request, answer };

// One damage to one message. It may happen to leave a message that is still right: what a message
// means is for the strict reader to say, never for its maker.
void damage(std::string& message, side of, rng& choices);

}  // namespace penstock::campaign
