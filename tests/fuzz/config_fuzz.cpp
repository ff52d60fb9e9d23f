// Any bytes as a configuration: never a crash, always either a model or an error, and what loads
// dumps to something that loads to the same.
#include "penstock/base/check.hpp"
#include "penstock/config/dump.hpp"
#include "penstock/config/load.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace penstock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // A pattern that names the whole file system takes as long as that has files.
    if (text.find("include") != std::string_view::npos &&
        text.find_first_of("*?[") != std::string_view::npos)
        return 0;
    const config::loaded outcome = config::load_text(text, "/fuzz/p.yaml");
    const bool failed = std::any_of(
        outcome.problems.begin(), outcome.problems.end(),
        [](const config::diagnostic& d) { return d.severity == config::severity::error; });
    PENSTOCK_CHECK(outcome.ok() == !failed);
    PENSTOCK_CHECK(render_text(outcome.problems).empty() == outcome.problems.empty());
    PENSTOCK_CHECK(!render_json(outcome.problems).empty());
    if (outcome.ok()) {
        const std::string once = dump(*outcome.value);
        const config::loaded again = config::load_text(once, "/fuzz/p.yaml");
        PENSTOCK_CHECK(again.ok());
        PENSTOCK_CHECK(dump(*again.value) == once);
    }
    return 0;
}
