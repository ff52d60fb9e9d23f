// The command line as a value, read by CLI11. Pure: nothing here opens a file or prints. What each
// command does is in commands.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace penstock::app {

enum class verb : std::uint8_t { run, demo, check, dump, schema, doctor, version, help };

inline constexpr std::string_view default_configuration = "/etc/penstock/penstock.yaml";
// As a configuration's path: standard input.
inline constexpr std::string_view standard_input = "-";

// The spelling that people know from nginx: `penstock -t`, `-T` and `-v`.
enum class spelling : std::uint8_t { own, nginx };

struct command {
    verb what = verb::help;
    spelling as = spelling::own;
    std::string help;  // of help: the text to print
    std::string file{default_configuration};
    std::string listen;  // of run without a file; both or neither
    std::string to;
    bool json = false;            // of check
    bool quiet = false;           // of check: prints nothing if there is no error
    bool strict = false;          // of check: a warning is as bad as an error
    std::uint16_t port_base = 0;  // of demo: http there, https next, then admin; 0 = the usual ones
};

// One line, as it follows "penstock: ".
struct usage_error {
    std::string message;
};

using parsed_command = std::variant<command, usage_error>;

// `arguments` are those after the program's name.
[[nodiscard]] parsed_command parse_command_line(const std::vector<std::string>& arguments);

// "run"; the word by which a command is called.
[[nodiscard]] std::string_view name(verb of) noexcept;

// An origin given as a URL: http://host[:port] or https://host[:port], without a path.
struct origin_url {
    bool tls = false;
    std::string address;  // host:port
};
[[nodiscard]] std::variant<origin_url, usage_error> parse_origin_url(std::string_view text);

}  // namespace penstock::app
