#include "config/reader.hpp"

#include "config/references.hpp"
#include "config/schema_find.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <cctype>
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

// Whether it says nothing of a value that is not to be shown: a name of a key, or marks alone.
bool says_nothing(const std::string& quoted) {
    return is_key_name(quoted) || std::none_of(quoted.begin(), quoted.end(), [](char c) {
               return std::isalnum(static_cast<unsigned char>(c)) != 0;
           });
}

// What a message quotes comes from the value: the whole of it first, and then a part, which is not
// shown.
std::string quoted_as(const std::string& message, const std::string& written) {
    bool whole = true;
    std::string out;
    std::size_t from = 0;
    for (auto open = message.find('\''); open != std::string::npos;
         open = message.find('\'', from)) {
        const std::size_t close = message.find('\'', open + 1);
        if (close == std::string::npos) {
            break;
        }
        const std::string inside = message.substr(open + 1, close - open - 1);
        out += message.substr(from, open - from);
        out += says_nothing(inside) ? in_quotes(inside) : whole ? in_quotes(written) : "'…'";
        whole = whole && says_nothing(inside);
        from = close + 1;
    }
    return out + message.substr(from);
}

// Where `word` stands alone, not within another word.
std::size_t find_word(const std::string& text, const std::string& word, std::size_t from) {
    const auto inside = [&](std::size_t at) {
        const auto c = static_cast<unsigned char>(text[at]);
        return std::isalnum(c) != 0 || c == '_' || c >= 0x80;
    };
    for (auto at = text.find(word, from); at != std::string::npos; at = text.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        if ((at == 0 || !inside(at - 1)) && (end == text.size() || !inside(end))) {
            return at;
        }
    }
    return std::string::npos;
}

}  // namespace

std::string source_line(std::string_view text, const location& where) {
    return shown_line(lines_of(text), where);
}

location reader::at(const yaml_node& node) const {
    return {file_name(node.file), node.line, node.column};
}

std::uint16_t reader::add_file(std::string name, std::string_view text) {
    files_.push_back({std::move(name), text});
    return static_cast<std::uint16_t>(files_.size() - 1);
}

std::string reader::place(const yaml_node& node) const {
    return file_name(node.file) + ":" + std::to_string(node.line) + ":" +
           std::to_string(node.column);
}

void reader::add(severity how, location where, std::string message, std::string hint) {
    errors_ += how == severity::error ? 1 : 0;
    if (problems_.size() >= problems_max) {
        ++dropped_;
        return;
    }
    std::string identity = where.file + ":" + std::to_string(where.line) + ":" +
                           std::to_string(where.column) + ":" + message;
    if (seen_.insert(std::move(identity)).second) {
        problems_.push_back({how, std::move(where), std::move(message), std::move(hint), {}});
    }
}

void reader::add(severity how, const yaml_node& node, std::string message, std::string hint) {
    if (given_up_.contains(&node)) {
        errors_ += how == severity::error ? 1 : 0;
        return;
    }
    if (!node.written.empty() && node.text.find('\'') != std::string::npos) {
        // Where a value has quotes of its own, what a message quotes of it has no clear end.
        message = "the value of " + in_quotes(node.written) + " is not possible here";
        hint = {};
    } else if (!node.written.empty()) {
        message = quoted_as(message, node.written);
        // A suggestion made of the value would give it away.
        hint = quoted_as(hint, node.written) == hint ? hint : std::string();
    }
    add(how, at(node), std::move(message), std::move(hint));
}

void reader::error(const yaml_node& node, std::string message, std::string hint) {
    add(severity::error, node, std::move(message), std::move(hint));
}

void reader::error(const location& where, std::string message, std::string hint) {
    add(severity::error, where, std::move(message), std::move(hint));
}

void reader::warn(const yaml_node& node, std::string message, std::string hint) {
    add(severity::warning, node, std::move(message), std::move(hint));
}

void reader::warn(const location& where, std::string message, std::string hint) {
    add(severity::warning, where, std::move(message), std::move(hint));
}

std::string reader::resolve(const yaml_node& said_by, const std::string& path) const {
    const std::filesystem::path joined =
        std::filesystem::path(file_name(said_by.file)).parent_path() / path;
    std::error_code failed;
    const std::filesystem::path whole = std::filesystem::absolute(joined, failed);
    return (failed ? joined : whole).lexically_normal().string();
}

void reader::hide(std::string value, std::string written) {
    if (!value.empty()) {
        hidden_.emplace(std::move(value), std::move(written));
    }
}

void reader::keep_reference(std::string place, const yaml_node& node, bool file) {
    const auto found = dumped_.find(&node);
    if (found == dumped_.end() || partial_) {
        return;
    }
    const bool relative = file && !node.text.starts_with('/') && node.text != "-";
    const std::string folder = relative ? with_dollars_doubled(resolve(node, ".")) : "";
    kept_.emplace(std::move(place), folder + found->second);
}

void reader::keep_place(std::string place, const yaml_node& node) {
    if (!partial_) {
        places_.emplace(std::move(place), at(node));
    }
}

std::size_t reader::file_number(const std::string& name) const {
    const auto found = std::find_if(files_.begin(), files_.end(),
                                    [&](const source& one) { return one.name == name; });
    return static_cast<std::size_t>(found - files_.begin());
}

// Rules between values name several of them, at a place that is one of theirs only. A short value
// that is not in quotes may as well be something else.
std::string reader::without_hidden(std::string text) const {
    constexpr std::size_t telling_size = 6;
    for (const auto& [value, written] : hidden_) {
        const std::string quoted = in_quotes(value);
        const std::string shown = printable(value, value.size());
        for (auto at = text.find(quoted); at != std::string::npos;
             at = text.find(quoted, at + written.size())) {
            text.replace(at, quoted.size(), in_quotes(written));
        }
        if (shown.size() < telling_size) {
            continue;
        }
        for (auto at = find_word(text, shown, 0); at != std::string::npos;
             at = find_word(text, shown, at + written.size())) {
            text.replace(at, shown.size(), written);
        }
    }
    return text;
}

std::vector<diagnostic> reader::take_problems() {
    if (problems_.empty()) {
        return {};
    }
    const auto place = [&](const diagnostic& d) {
        return std::tuple(file_number(d.where.file), d.where.line, d.where.column);
    };
    std::stable_sort(problems_.begin(), problems_.end(),
                     [&](const auto& a, const auto& b) { return place(a) < place(b); });
    std::vector<std::vector<std::string_view>> lines;
    for (const source& file : files_) {
        lines.push_back(lines_of(file.text));
    }
    for (diagnostic& problem : problems_) {
        problem.message = without_hidden(std::move(problem.message));
        problem.hint = without_hidden(std::move(problem.hint));
        const std::size_t file = file_number(problem.where.file);
        if (file < lines.size()) {
            problem.source_line = shown_line(lines[file], problem.where);
        }
    }
    if (dropped_ > 0) {
        const severity how = errors_ > 0 ? severity::error : severity::warning;
        problems_.push_back({how,
                             {files_.front().name, 0, 0},
                             std::to_string(dropped_) + " more problems are not shown",
                             {},
                             {}});
    }
    return std::move(problems_);
}

}  // namespace penstock::config
