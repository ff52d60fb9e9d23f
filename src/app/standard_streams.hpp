// Descriptors 0 to 2 are never anything else than standard streams: a supervisor may have closed
// them, and then the first sockets would get these numbers and a client the daemon's log.
#pragma once

namespace penstock::app {

// Opens /dev/null for those that are closed. False if even that cannot be done.
[[nodiscard]] bool open_standard_streams() noexcept;

}  // namespace penstock::app
