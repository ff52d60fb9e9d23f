// The command line as a value. Pure: nothing here opens a file or prints. What each command does is
// in commands.hpp; what people read about them in usage.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace penstock::app {

enum class verb : std::uint8_t { run, demo, check, dump, schema, doctor, version, help };

inline constexpr std::string_view default_configuration = "/etc/penstock/penstock.yaml";

struct command {
    verb what = verb::help;
    verb about = verb::help;  // of help: the command it is about, or help itself for all of them
    std::string file{default_configuration};
    std::string listen;  // of run without a file; both or neither
    std::string to;
    bool json = false;            // of check
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

// The word of `known` that was most likely meant, or empty.
[[nodiscard]] std::string_view nearest_word(std::string_view word,
                                            const std::vector<std::string_view>& known);

}  // namespace penstock::app
