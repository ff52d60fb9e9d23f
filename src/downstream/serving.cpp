#include "downstream/serving.hpp"

#include <utility>

namespace penstock::downstream {

http::head_limits head_limits_of(const config::limits& from) noexcept {
    http::head_limits limits;
    limits.head = from.header;
    limits.line = from.request_line;
    limits.field = from.header_field;
    limits.count = from.header_count;
    return limits;
}

serving::serving(std::shared_ptr<const listener_state> by)
    : state(std::move(by)), parser(head_limits_of(state->settings.limit)) {}

std::unique_ptr<serving> serving_pool::take(const std::shared_ptr<const listener_state>& state) {
    std::unique_ptr<serving> taken;
    while (!free_.empty() && !taken) {
        taken = std::move(free_.back());
        free_.pop_back();
        if (taken->state != state)
            taken.reset();
    }
    if (!taken)
        taken = std::make_unique<serving>(state);
    taken->aborted.emplace();
    return taken;
}

void serving_pool::give_back(std::unique_ptr<serving> used,
                             const std::shared_ptr<const listener_state>& state) {
    const bool large = used->request.head.fields.bytes() > bytes_kept_max ||
                       used->text.capacity() > bytes_kept_max;
    if (large || used->state != state || free_.size() >= cached_max)
        return;
    used->body.reset();
    used->aborted.reset();
    used->parser.reset();
    used->record.clear();
    used->text.clear();
    used->ahead = net::read_buffer();
    used->asked = downstream::asked();
    used->ended = error();
    used->head_sent = false;
    used->request.clear();
    free_.push_back(std::move(used));
}

}  // namespace penstock::downstream
