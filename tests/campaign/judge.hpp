// Compares what one client got, and what the origin got because of it, with the strict reading of
// what the client sent. Knows nothing of sockets.
#pragma once

#include "campaign/answer.hpp"
#include "campaign/payload.hpp"

#include <map>
#include <string>
#include <vector>

namespace penstock::campaign {

// A request as the origin read it.
struct arrived {
    message request;
    identity mark;
    bool complete = false;  // false: the connection ended within its body
    answer answered;        // of a complete one
};

enum class ending { closed, reset, hangs };

struct evidence {
    const payload& sent;
    const reading& understood;
    const std::vector<arrived>& at_origin;  // in the order in which they came
    std::string_view received;              // by the client
    ending ended = ending::closed;
    bool slow = false;  // it took longer than the shortest deadline of the proxy
};

struct verdict {
    // Each is a defect.
    std::vector<std::string> findings;
    // Where Penstock reads otherwise than the strict reader: what, and how often.
    std::map<std::string, int> differences;
    int answers = 0;
};
[[nodiscard]] verdict judge(const evidence& of);

// Why a proxy answers a request with 400 though the strict reader, which knows framing only, has
// nothing against it; empty if there is no reason.
[[nodiscard]] std::string_view reason_to_refuse(const message& request);

// Why a difference is as it should be; empty if nobody has said so yet.
[[nodiscard]] std::string_view explanation(std::string_view difference);

}  // namespace penstock::campaign
