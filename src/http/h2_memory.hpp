// h2_memory: where nghttp2 gets its memory. Small blocks, of which every request needs a dozen, are
// recycled; the one large block of a session, the room for an outgoing frame, has pages of its own,
// so that what is never written to costs no memory.
#pragma once

#include <nghttp2/nghttp2.h>

namespace penstock::http {

[[nodiscard]] nghttp2_mem* h2_memory() noexcept;

}  // namespace penstock::http
