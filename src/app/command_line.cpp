#include "app/command_line.hpp"

#include "app/nearest_word.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace penstock::app {
namespace {

constexpr std::array<std::string_view, 8> verb_names{"run",    "demo",   "check",   "dump",
                                                     "schema", "doctor", "version", "help"};

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
    const std::string_view near = nearest_word(word, known);
    return near.empty() ? "" : ", did you mean " + in_quotes(near) + "?";
}

std::optional<verb> verb_of(std::string_view word) {
    const auto* const found = std::find(verb_names.begin(), verb_names.end(), word);
    if (found == verb_names.end())
        return std::nullopt;
    return static_cast<verb>(found - verb_names.begin());
}

usage_error unknown_verb(std::string_view word) {
    const std::vector<std::string_view> known(verb_names.begin(), verb_names.end());
    return {"there is no command " + in_quotes(word) + suggestion(word, known)};
}

std::string not_empty(const std::string& value) {
    return value.empty() ? "the value is empty" : "";
}

std::string format_problem(const std::string& value) {
    return value == "text" || value == "json" ? ""
                                              : "expects text or json, not " + in_quotes(value);
}

// Two more ports follow it.
std::string port_problem(const std::string& value) {
    unsigned port = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, failed] = std::from_chars(value.data(), end, port);
    if (failed == std::errc() && stop == end && port > 0 && port <= 65533)
        return {};
    return "expects a number from 1 to 65533, not " + in_quotes(value);
}

// What is wrong with a word that CLI11 had no use for; `of` is the command, or the program.
std::string unused_word(const CLI::App& of, const std::string& word) {
    if (!word.starts_with("-") || word == "-" || word == "--")
        return "unexpected argument " + in_quotes(word);
    std::vector<std::string> names;
    for (const CLI::Option* const each : of.get_options()) {
        for (const std::string& one : each->get_lnames())
            names.push_back("--" + one);
    }
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string key = word.substr(0, word.find('='));
    return "option " + in_quotes(key) + " is not known" + suggestion(key, known);
}

// Flow: the constructor tells CLI11 what there is; `read` is called once.
class command_reader {
 public:
    command_reader() {
        program_.name("penstock");
        program_.allow_extras();
        program_.require_subcommand(0, 1);
        program_.get_formatter()->column_width(34);
        program_.get_formatter()->label("SUBCOMMAND", "COMMAND");
        program_.get_formatter()->label("Subcommands", "Commands");
        program_.set_help_flag("-h,--help", "this text");
        add_serving();
        add_looking();
        add_program_options();
    }

    parsed_command read(std::vector<std::string> arguments) {
        if (arguments.empty())
            return usage_error{"no command given"};
        std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
        try {
            program_.parse(std::move(arguments));
        } catch (const CLI::CallForHelp&) {
            into_.what = verb::help;
            into_.help = program_.help();
            return into_;
        } catch (const CLI::ArgumentMismatch& wrong) {
            return usage_error{prefix() + count_problem(wrong.what())};
        } catch (const CLI::ParseError& wrong) {
            return usage_error{prefix() + wrong.what()};
        }
        return finish();
    }

 private:
    CLI::App& add(verb what, std::string description) {
        CLI::App* const made =
            program_.add_subcommand(std::string(name(what)), std::move(description));
        made->group("Commands");
        return *made;
    }

    void add_file(CLI::App& to) {
        to.add_option("-c,--config", into_.file)
            ->description("the configuration; - reads standard input\n(default " +
                          std::string(default_configuration) + ")")
            ->option_text("FILE")
            ->check(not_empty);
    }

    void add_serving() {
        CLI::App& run = add(verb::run,
                            "serve in the foreground: run -c FILE,\n"
                            "or without a file: run --listen ADDR --to URL");
        add_file(run);
        run.add_option("--listen", into_.listen)
            ->description("where to listen: 127.0.0.1:8080, [::1]:8080, :8080")
            ->option_text("ADDR")
            ->check(not_empty);
        run.add_option("--to", into_.to)
            ->description("the origin: http://HOST[:PORT] or https://HOST[:PORT]")
            ->option_text("URL")
            ->check(not_empty);
        run.footer(
            "signals: HUP reload, TERM INT QUIT drain and end (twice: end now),\n"
            "         USR1 reopen the access log");
        CLI::App& demo = add(verb::demo, "a proxy with an origin of its own; prints URLs to try");
        demo.add_option("--port-base", into_.port_base)
            ->description(
                "http on port N, https on N+1, admin on N+2\n"
                "(default 8080, 8443 and 9901; a free one if it is taken)")
            ->option_text("N")
            ->check(port_problem);
    }

    void add_looking() {
        CLI::App& check =
            add(verb::check, "find every problem of a configuration; touches no network");
        add_file(check);
        check.add_option("--format", format_)
            ->description("text (default) or json")
            ->option_text("FORMAT")
            ->check(format_problem);
        check.add_flag("-q,--quiet", into_.quiet, "print nothing if there is no error");
        check.add_flag("--strict", into_.strict, "fail for warnings as well");
        check.footer("exit code 0 if the configuration may be used, 78 if not");
        add_file(add(verb::dump, "the configuration in force, defaults filled in"));
        add(verb::schema, "JSON Schema of the configuration");
        CLI::App& doctor =
            add(verb::doctor, "kernel and process limits against what is configured");
        add_file(doctor);
        add(verb::version, "version and libraries");
        CLI::App& help = add(verb::help, "more about a command: help COMMAND");
        help.add_option("COMMAND", about_, "the command");
    }

    void add_program_options() {
        program_.description("penstock - an edge proxy for HTTP");
        program_.add_flag("-t", test_, "as `check`, reported on standard error");
        program_.add_flag("-T", test_and_dump_, "as -t, then `dump`");
        program_.add_flag("-q", into_.quiet, "with -t: print nothing if there is no error");
        program_.add_option("-c", program_file_)
            ->description("with -t and -T: the configuration")
            ->option_text("FILE")
            ->check(not_empty);
        program_.add_flag("-v", brief_, "the version");
        program_.add_flag("-V,--version", version_, "version and libraries");
        program_.footer(
            "exit codes: 0 ok, 1 runtime, 2 usage, 71 operating system, 78 invalid "
            "configuration\n"
            "penstock COMMAND --help says more about a command");
    }

    [[nodiscard]] const CLI::App* chosen() const {
        const std::vector<CLI::App*> parsed = program_.get_subcommands();
        return parsed.empty() ? nullptr : parsed.front();
    }

    [[nodiscard]] std::string prefix() const {
        const CLI::App* const of = chosen();
        return of == nullptr ? "" : of->get_name() + ": ";
    }

    // CLI11 says "--config: 1 required TEXT missing"; the name is what can be used of it.
    [[nodiscard]] std::string count_problem(const std::string& said) const {
        const std::string key = said.substr(0, said.find(':'));
        const CLI::App& of = chosen() != nullptr ? *chosen() : program_;
        const CLI::Option* const option = of.get_option_no_throw(key);
        if (option == nullptr)
            return said;
        return "option " + in_quotes(key) +
               (option->count() > 1 ? " is there twice" : " needs a value");
    }

    parsed_command finish() {
        const CLI::App* const command = chosen();
        if (command == nullptr)
            return finish_program();
        if (const std::vector<std::string> extra = command->remaining(); !extra.empty())
            return usage_error{prefix() + unused_word(*command, extra.front())};
        if (const auto wrong = refuse_program_options())
            return *wrong;
        into_.what = *verb_of(command->get_name());
        into_.json = format_ == "json";
        if (into_.what == verb::help)
            return finish_help();
        if (into_.listen.empty() != into_.to.empty())
            return usage_error{"run: --listen and --to belong together"};
        if (!into_.listen.empty() && command->count("--config") > 0)
            return usage_error{"run: either --config or --listen with --to"};
        return into_;
    }

    [[nodiscard]] std::optional<usage_error> refuse_program_options() const {
        for (const CLI::Option* const each : program_.get_options()) {
            const std::string key = each->get_name();
            if (each->count() > 0)
                return usage_error{"option " + in_quotes(key) + " does not go with command " +
                                   in_quotes(chosen()->get_name()) +
                                   ": a command comes before its options"};
        }
        if (const std::vector<std::string> extra = program_.remaining(); !extra.empty())
            return usage_error{unused_word(program_, extra.front())};
        return std::nullopt;
    }

    parsed_command finish_help() {
        if (about_.empty()) {
            // `program_.help` would be about the command `help`.
            into_.help = program_.get_formatter()->make_help(&program_, program_.get_name(),
                                                             CLI::AppFormatMode::Normal);
            return into_;
        }
        const std::optional<verb> about = verb_of(about_);
        if (!about)
            return unknown_verb(about_);
        into_.help = program_.get_subcommand(about_)->help("penstock");
        return into_;
    }

    // Without a command: what nginx's users know.
    parsed_command finish_program() {
        if (const std::vector<std::string> extra = program_.remaining(); !extra.empty()) {
            const std::string& word = extra.front();
            if (word == "-s")
                return usage_error{
                    "option '-s' is not known: signals do that (HUP reloads, TERM "
                    "drains and ends, USR1 reopens the access log)"};
            return word.starts_with("-") ? usage_error{unused_word(program_, word)}
                                         : unknown_verb(word);
        }
        into_.as = spelling::nginx;
        if (brief_ || version_) {
            into_.what = verb::version;
            into_.as = version_ ? spelling::own : spelling::nginx;
            return into_;
        }
        if (!test_ && !test_and_dump_)
            return usage_error{"a command comes before option '" +
                               std::string(into_.quiet ? "-q" : "-c") + "'"};
        into_.what = test_and_dump_ ? verb::dump : verb::check;
        if (!program_file_.empty())
            into_.file = program_file_;
        return into_;
    }

    CLI::App program_;
    command into_;
    std::string format_;
    std::string about_;
    std::string program_file_;
    bool test_ = false;
    bool test_and_dump_ = false;
    bool brief_ = false;
    bool version_ = false;
};

}  // namespace

std::string_view name(verb of) noexcept { return verb_names[static_cast<std::size_t>(of)]; }

parsed_command parse_command_line(const std::vector<std::string>& arguments) {
    return command_reader().read(arguments);
}

std::variant<origin_url, usage_error> parse_origin_url(std::string_view text) {
    origin_url made;
    std::string_view rest = text;
    const auto refuse = [text](std::string_view why) {
        return usage_error{"run: --to " + in_quotes(text) + ": " + std::string(why)};
    };
    if (rest.starts_with("https://")) {
        made.tls = true;
        rest.remove_prefix(8);
    } else if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
    } else {
        return refuse("expects http://HOST[:PORT] or https://HOST[:PORT]");
    }
    if (rest.ends_with('/'))
        rest.remove_suffix(1);
    if (rest.find_first_of("/?#") != std::string_view::npos)
        return refuse("a path is not part of it; requests keep the path they come with");
    if (rest.find('@') != std::string_view::npos)
        return refuse("a user name is not part of it");
    if (rest.empty())
        return refuse("the host is missing");
    made.address = rest;
    const std::size_t bracket = rest.rfind(']');
    const std::size_t colon = rest.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    if (!has_port)
        made.address += made.tls ? ":443" : ":80";
    return made;
}

}  // namespace penstock::app
