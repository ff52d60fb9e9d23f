#include "app/diagnostics.hpp"

namespace penstock::app {
namespace {

std::string place(const config::location& where) {
    if (where.file.empty())
        return {};
    std::string text = where.file + ":";
    if (where.line > 0)
        text += std::to_string(where.line) + ":" + std::to_string(where.column) + ":";
    return text + " ";
}

std::string counted(std::size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

std::string one_line(const config::location& where, const std::string& message) {
    return place(where) + "error: " + message;
}

std::string one_line(const config::diagnostic& of) {
    // A warning's line is marked as one by the log.
    const char* const kind = of.severity == config::severity::error ? "error: " : "";
    std::string text = place(of.where) + kind + of.message;
    if (!of.hint.empty())
        text += " (" + of.hint + ")";
    return text;
}

std::string summary_of(const std::vector<config::diagnostic>& problems) {
    std::size_t errors = 0;
    for (const config::diagnostic& one : problems)
        errors += one.severity == config::severity::error ? 1 : 0;
    const std::size_t warnings = problems.size() - errors;
    if (problems.empty())
        return "no problems";
    if (errors == 0)
        return counted(warnings, "warning");
    return counted(errors, "error") + (warnings > 0 ? ", " + counted(warnings, "warning") : "");
}

}  // namespace penstock::app
