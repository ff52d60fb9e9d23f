#include "config/reader.hpp"

#include "config/text.hpp"

#include <algorithm>
#include <filesystem>
#include <tuple>

namespace penstock::config {

namespace {

constexpr std::size_t source_line_max = 240;

// Lines of the file by number, for the diagnostics; cut once, looked up often.
std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines = split(text, '\n');
    for (std::string_view& line : lines) {
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
    }
    return lines;
}

// The line with control bytes but tabs made visible; nothing if the column lies beyond the cut.
std::string shown_line(const std::vector<std::string_view>& lines, const location& where) {
    const auto index = static_cast<std::size_t>(where.line) - 1;
    if (where.line < 1 || index >= lines.size() ||
        static_cast<std::size_t>(where.column) > source_line_max) {
        return {};
    }
    const std::string_view line = lines[index].substr(0, source_line_max);
    std::string shown = printable(line, source_line_max);
    for (std::size_t i = 0; i < shown.size(); ++i) {
        shown[i] = line[i] == '\t' ? '\t' : shown[i];
    }
    return shown;
}

}  // namespace

std::string source_line(std::string_view text, const location& where) {
    return shown_line(lines_of(text), where);
}

location reader::at(const yaml_node& node) const { return {file_, node.line, node.column}; }

void reader::add(severity how, location where, std::string message, std::string hint) {
    errors_ += how == severity::error ? 1 : 0;
    if (problems_.size() >= problems_max) {
        ++dropped_;
        return;
    }
    problems_.push_back({how, std::move(where), std::move(message), std::move(hint), {}});
}

void reader::error(const yaml_node& node, std::string message, std::string hint) {
    add(severity::error, at(node), std::move(message), std::move(hint));
}

void reader::error(const location& where, std::string message, std::string hint) {
    add(severity::error, where, std::move(message), std::move(hint));
}

void reader::warn(const yaml_node& node, std::string message, std::string hint) {
    add(severity::warning, at(node), std::move(message), std::move(hint));
}

void reader::warn(const location& where, std::string message, std::string hint) {
    add(severity::warning, where, std::move(message), std::move(hint));
}

std::string reader::resolve(const std::string& path) const {
    const std::filesystem::path joined = std::filesystem::path(file_).parent_path() / path;
    std::error_code failed;
    const std::filesystem::path whole = std::filesystem::absolute(joined, failed);
    return (failed ? joined : whole).lexically_normal().string();
}

std::vector<diagnostic> reader::take_problems(std::string_view text) {
    const auto place = [](const diagnostic& d) { return std::tie(d.where.line, d.where.column); };
    std::stable_sort(problems_.begin(), problems_.end(),
                     [&](const auto& a, const auto& b) { return place(a) < place(b); });
    const std::vector<std::string_view> lines = lines_of(text);
    for (diagnostic& problem : problems_) {
        problem.source_line = shown_line(lines, problem.where);
    }
    if (dropped_ > 0) {
        const severity how = errors_ > 0 ? severity::error : severity::warning;
        problems_.push_back({how,
                             {file_, 0, 0},
                             std::to_string(dropped_) + " more problems are not shown",
                             {},
                             {}});
    }
    return std::move(problems_);
}

}  // namespace penstock::config
