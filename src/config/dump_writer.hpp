// A dump being written: yaml-cpp's emitter, with the ways in which a configuration writes scalars.
// Numbers and words stand plain, what an operator chose stands in quotes. Values that came from the
// environment or a file are shown as the file has them, by their place.
#pragma once

#include "penstock/config/model.hpp"

#include <yaml-cpp/emitter.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

// Flow: begin_map, then `key` and one value for each entry, end_map; or begin_list, values,
// end_list. The first value may be a scalar alone.
class dump_writer {
 public:
    dump_writer() = default;
    // `written` has to outlive the writer.
    explicit dump_writer(const written_values& written) : written_(&written) {}

    void begin_map();
    void end_map();
    void begin_list();
    // On one line.
    void begin_flow_list();
    void end_list();
    void key(std::string_view name);
    // A name that the operator chose.
    void quoted_key(std::string_view name);

    // A value that the model has at another place than where the dump writes it names the key that
    // leads there from here, or from the list that it is in: "count" of `workers: 4`.
    void plain(std::string_view text, std::string_view key = {});
    void quoted(std::string_view text, std::string_view key = {});
    // A word of a choice: plain, unless a reader of YAML would take it for a number ("1.2").
    void word(std::string_view text);
    // Whether a dollar in the values that follow is one as it stands, since variables may be in
    // them.
    void keep_dollars(bool keep) noexcept { keep_dollars_ = keep; }

    [[nodiscard]] std::string text() const { return out_.c_str(); }

 private:
    struct level {
        std::size_t path_size;  // of the map or list itself
        bool list;
        std::size_t items = 0;
    };

    void begin_value();
    void begin(bool list);
    void end();
    // What stands here in place of a value, or null.
    [[nodiscard]] const std::string* written_here(std::string_view key) const;

    YAML::Emitter out_;
    const written_values* written_ = nullptr;
    std::string path_;  // "listeners.<web>.bind[0]"
    std::vector<level> levels_;
    bool keep_dollars_ = false;
};

}  // namespace penstock::config
