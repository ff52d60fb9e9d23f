#include "admin/families.hpp"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace penstock::admin {
namespace {

// The one Collectable: everything is merged from the workers' own counters when it is asked.
class process_collectable final : public prometheus::Collectable {
 public:
    explicit process_collectable(const process_view& of) noexcept : view_(of) {}

    [[nodiscard]] families Collect() const override {
        families all;
        add_request_families(view_, all);
        add_connection_families(view_, all);
        add_upstream_families(view_, all);
        add_process_families(view_, all);
        return all;
    }

 private:
    const process_view& view_;
};

}  // namespace

std::string metrics_text(const process_view& of) {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, process_collectable(of).Collect());
    return out.str();
}

}  // namespace penstock::admin
