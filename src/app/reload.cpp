#include "app/reload.hpp"

#include "app/configuration.hpp"
#include "app/descriptor_limit.hpp"
#include "app/diagnostics.hpp"

#include <exception>
#include <filesystem>
#include <system_error>

namespace penstock::app {
namespace {

void prepare(const std::string& path, compile_input with, std::uint64_t descriptors,
             prepared_reload& into) {
    if (!path.empty()) {
        // Opening a pipe waits for whoever writes to it.
        std::error_code failed;
        const auto status = std::filesystem::status(path, failed);
        if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
            into.errors.push_back(path +
                                  ": cannot read the configuration again: not a regular file");
            return;
        }
        config::loaded loaded = config::load_file(path);
        for (const config::diagnostic& one : loaded.problems) {
            const bool wrong = one.severity == config::severity::error;
            (wrong ? into.errors : into.warnings).push_back(one_line(one));
        }
        if (!loaded.ok())
            return;
        with.model = std::move(*loaded.value);
    }
    if (auto warning = fit_to_descriptors(with.model, descriptors, with.workers))
        into.warnings.push_back(std::move(*warning));
    into.read = look_before_reading(tls_files_of(with.model));
    compile_outcome outcome = compile(std::move(with));
    if (auto* const next = std::get_if<std::shared_ptr<const compiled>>(&outcome)) {
        into.next = std::move(*next);
        std::vector<config::diagnostic> warnings = into.next->warnings;
        locate(warnings, {});
        for (const config::diagnostic& one : warnings)
            into.warnings.push_back(one_line(one));
        return;
    }
    std::vector<config::diagnostic>& problems = std::get<compile_failure>(outcome).problems;
    locate(problems, {});
    for (const config::diagnostic& one : problems)
        into.errors.push_back(one_line(one));
}

}  // namespace

prepared_reload prepare_reload(const std::string& path, compile_input with,
                               std::uint64_t descriptors) noexcept {
    prepared_reload made;
    try {
        prepare(path, std::move(with), descriptors, made);
    } catch (const std::exception& failure) {
        made.next = nullptr;
        made.errors.emplace_back(failure.what());
    }
    return made;
}

std::optional<std::string> fit_to_descriptors(config::model& to, std::uint64_t descriptors,
                                              int workers) {
    const descriptor_budget budget = budget_of(to, descriptors, workers);
    if (!fit_caps(to, budget.room))
        return std::nullopt;
    return "listeners may take " + std::to_string(budget.clients) +
           " connections, but the limit of " + std::to_string(descriptors) +
           " open files leaves room for " + std::to_string(budget.room) +
           ": caps are lowered to fit (raise RLIMIT_NOFILE, or lower "
           "limits.connections)";
}

}  // namespace penstock::app
