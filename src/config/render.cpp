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

constexpr std::string_view red = "\x1b[1;31m";
constexpr std::string_view yellow = "\x1b[1;33m";
constexpr std::string_view green = "\x1b[1;32m";
constexpr std::string_view bold = "\x1b[1m";

std::string in_colour(std::string_view colour, std::string_view text, rendering how) {
    if (how == rendering::plain) {
        return std::string(text);
    }
    return std::string(colour) + std::string(text) + "\x1b[0m";
}

std::string render_one(const diagnostic& problem, rendering how) {
    std::string out = problem.where.file;
    if (problem.where.line > 0) {
        out +=
            ":" + std::to_string(problem.where.line) + ":" + std::to_string(problem.where.column);
    }
    const std::string_view colour = problem.severity == severity::error ? red : yellow;
    out = in_colour(bold, out + ":", how) + " " +
          in_colour(colour, std::string(word(problem.severity)) + ":", how) + " " +
          problem.message + "\n";
    if (!problem.source_line.empty()) {
        out += "  " + problem.source_line + "\n";
        out += "  " + padding(problem.source_line, problem.where.column) +
               in_colour(green, "^", how) + "\n";
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

std::string render_text(const std::vector<diagnostic>& problems, rendering how) {
    std::string out;
    for (const diagnostic& problem : problems) {
        out += render_one(problem, how);
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
