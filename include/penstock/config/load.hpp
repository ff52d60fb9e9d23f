// Reads a configuration: YAML text in, a model or a list of problems out. Called at start, by
// `penstock check` and at reload, never on the request path.
//
// All problems of a file are found in one pass and come in the order of the file. No input makes
// it crash, recurse without bound or hold more than a few times the size of the file. It reads
// the files that the configuration names (certificates), and touches no network.
#pragma once

#include "penstock/config/model.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

// Bounds of a configuration file. Past `problems_max` the rest is counted, not listed.
inline constexpr std::size_t file_size_max = 4 * mib;
inline constexpr std::size_t yaml_depth_max = 32;
inline constexpr std::size_t yaml_nodes_max = 200'000;  // aliases count as what they stand for
inline constexpr std::size_t problems_max = 1000;
// Of included files: how deep they nest, how many there are, and how large all are together.
inline constexpr std::size_t include_depth_max = 8;
inline constexpr std::size_t include_files_max = 256;
inline constexpr std::size_t include_bytes_max = 16 * mib;
// Of a file that a value is taken from by `${file:PATH}`.
inline constexpr std::size_t value_file_max = 64 * kib;

enum class severity { error, warning };

struct diagnostic {
    config::severity severity = config::severity::error;
    location where;           // line 0: the file as a whole
    std::string message;      // one line, lower case, without a full stop
    std::string hint;         // what to do about it ("did you mean 'listeners'?"), or empty
    std::string source_line;  // the line at `where`, or empty; long lines are cut
    // The keys that lead to what it is about ("listeners", "web", "tls", "ciphers"), where a check
    // after the loader knows no more; `where` is then a place near it. A list's item is a number.
    std::vector<std::string> keys = {};
};

struct loaded {
    std::optional<model> value;  // absent if any problem is an error
    std::vector<diagnostic> problems;

    // True if the model may be used; there may be warnings all the same.
    [[nodiscard]] bool ok() const noexcept { return value.has_value(); }
};

// `file_name` appears in locations, and paths within the file are relative to its directory.
[[nodiscard]] loaded load_text(std::string_view yaml, const std::string& file_name);

// A file that is missing, unreadable or above `file_size_max` is a diagnostic too.
[[nodiscard]] loaded load_file(const std::string& path);

// Where the value that `keys` lead to is in its file; nothing if it is in none, or its place is not
// kept (value_places).
[[nodiscard]] std::optional<location> find_place(const model& of,
                                                 const std::vector<std::string>& keys);

// The line at `where` of a file's text as a diagnostic shows it; empty if there is none.
[[nodiscard]] std::string source_line(std::string_view text, const location& where);

// `coloured` is for terminals: ECMA-48 escape sequences around what a reader looks for first.
enum class rendering { plain, coloured };

// As a compiler prints them: FILE:LINE:COLUMN: error: message, the line, a caret, the hint.
[[nodiscard]] std::string render_text(const std::vector<diagnostic>& problems,
                                      rendering how = rendering::plain);

// An array of {severity, file, line, column, message, hint, source_line}, one object per line.
[[nodiscard]] std::string render_json(const std::vector<diagnostic>& problems);

}  // namespace penstock::config
