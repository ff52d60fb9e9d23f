#include "config/json_text.hpp"
#include "penstock/config/load.hpp"

#include <cstdint>

namespace penstock::config {

namespace {

std::string_view word(severity how) noexcept {
    return how == severity::error ? "error" : "warning";
}

// Blanks as wide as the line's first bytes: tabs stay tabs, a character of several bytes is one.
std::string padding(const std::string& line, int column) {
    std::string out;
    for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(column) && i < line.size(); ++i) {
        const auto byte = static_cast<std::uint8_t>(line[i]);
        if (line[i] == '\t') {
            out += '\t';
        } else if ((byte & 0xc0) != 0x80) {
            out += ' ';
        }
    }
    return out;
}

std::string render_one(const diagnostic& problem) {
    std::string out = problem.where.file;
    if (problem.where.line > 0) {
        out +=
            ":" + std::to_string(problem.where.line) + ":" + std::to_string(problem.where.column);
    }
    out += ": " + std::string(word(problem.severity)) + ": " + problem.message + "\n";
    if (!problem.source_line.empty()) {
        out += "  " + problem.source_line + "\n";
        out += "  " + padding(problem.source_line, problem.where.column) + "^\n";
    }
    if (!problem.hint.empty()) {
        out += "  " + problem.hint + "\n";
    }
    return out;
}

std::string render_object(const diagnostic& problem) {
    return "{\"severity\": " + json_string(word(problem.severity)) +
           ", \"file\": " + json_string(problem.where.file) +
           ", \"line\": " + std::to_string(problem.where.line) +
           ", \"column\": " + std::to_string(problem.where.column) +
           ", \"message\": " + json_string(problem.message) +
           ", \"hint\": " + json_string(problem.hint) +
           ", \"source_line\": " + json_string(problem.source_line) + "}";
}

}  // namespace

std::string render_text(const std::vector<diagnostic>& problems) {
    std::string out;
    for (const diagnostic& problem : problems) {
        out += render_one(problem);
    }
    return out;
}

std::string render_json(const std::vector<diagnostic>& problems) {
    std::string out = "[";
    for (const diagnostic& problem : problems) {
        out += out.size() == 1 ? "\n  " : ",\n  ";
        out += render_object(problem);
    }
    return out + (problems.empty() ? "]\n" : "\n]\n");
}

}  // namespace penstock::config
