#include "penstock/exchange/record.hpp"

#include <utility>

namespace penstock::exchange {
namespace {

constexpr std::array<std::string_view, phase_count> phases{
    "tls",       "head",           "body",         "admission", "dns",
    "pool_wait", "connect",        "upstream_tls", "send",      "first_byte",
    "response",  "client_blocked", "loop",         "retry",
};
static_assert(!phases.back().empty(), "a name for each phase");

// What an attempt at an origin is charged to before its response begins.
constexpr phase attempt_phases[] = {phase::dns,          phase::pool_wait, phase::connect,
                                    phase::upstream_tls, phase::send,      phase::first_byte};

}  // namespace

std::string_view name(phase p) noexcept { return phases[static_cast<std::size_t>(p)]; }

void ledger::give_up_attempt() noexcept {
    nanoseconds lost{0};
    for (const phase p : attempt_phases)
        lost += std::exchange(spent_[static_cast<std::size_t>(p)], nanoseconds{0});
    spent_[static_cast<std::size_t>(phase::retry)] += lost;
}

void record::clear() noexcept {
    static_cast<record_numbers&>(*this) = {};
    for (std::string* const text :
         {&client, &peer, &method, &host, &path, &request_id, &user_agent, &detail})
        text->clear();
}

}  // namespace penstock::exchange
