// What one load is about: the files, and the problems found so far. Rows and checks report to it;
// it orders the problems, adds the source lines at the end and keeps out of them what `${env:…}`
// and `${file:…}` stand for. It does not read values.
#pragma once

#include "config/yaml_tree.hpp"
#include "penstock/config/load.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace penstock::config {

// An address that something binds, with the place that says so.
struct bound_address {
    address at;
    std::string owner;  // "listener 'web'", "admin"
    location where;
};

class reader {
 public:
    explicit reader(std::string file) { add_file(std::move(file)); }

    // A file that is read, and the number that its nodes carry. The first one is the
    // configuration's own; `text` has to outlive the reader.
    std::uint16_t add_file(std::string name, std::string_view text = {});
    void set_text(std::uint16_t file, std::string_view text) { files_[file].text = text; }
    [[nodiscard]] const std::string& file_name(std::uint16_t file) const {
        return files_[file].name;
    }
    [[nodiscard]] std::size_t files() const noexcept { return files_.size(); }

    [[nodiscard]] location at(const yaml_node& node) const;
    void error(const yaml_node& node, std::string message, std::string hint = {});
    void error(const location& where, std::string message, std::string hint = {});
    void warn(const yaml_node& node, std::string message, std::string hint = {});
    void warn(const location& where, std::string message, std::string hint = {});

    // An absolute path; relative ones begin at the directory of the file that says so.
    [[nodiscard]] std::string resolve(const yaml_node& said_by, const std::string& path) const;
    // "FILE:LINE:COLUMN"
    [[nodiscard]] std::string place(const yaml_node& node) const;

    // What a reference stands for: shown in no message, its reference is.
    void hide(std::string value, std::string written);
    // What dumps show of a node that came from a reference: the same with absolute paths.
    void show_in_dumps(const yaml_node& node, std::string reference) {
        dumped_.emplace(&node, std::move(reference));
    }
    // What dumps show at `place` of the model, if the value of `node` came from a reference. The
    // relative path of a `file` is shown as an absolute one. Nothing is kept of a part.
    void keep_reference(std::string place, const yaml_node& node, bool file);
    [[nodiscard]] written_values take_references() { return std::move(kept_); }
    // Where the value at `place` of the model is in its file. Nothing is kept of a part.
    void keep_place(std::string place, const yaml_node& node);
    [[nodiscard]] value_places take_places() { return std::move(places_); }
    // A value that could not be had: what is wrong was said, and what follows from it is not.
    void give_up(const yaml_node& node) { given_up_.insert(&node); }
    // While only a part of an object is looked at: what is missing may come from elsewhere.
    void set_partial(bool partial) noexcept { partial_ = partial; }
    [[nodiscard]] bool partial() const noexcept { return partial_; }

    // What the file binds, for the check that nothing is bound twice.
    [[nodiscard]] std::vector<bound_address>& bound() noexcept { return bound_; }
    // A name of a listener, to be looked up once all of them are known.
    void refers_to_listener(const yaml_node& name) { listener_references_.push_back(&name); }
    [[nodiscard]] const std::vector<const yaml_node*>& listener_references() const noexcept {
        return listener_references_;
    }
    // The same for a name of an upstream.
    void refers_to_upstream(const yaml_node& name) { references_.push_back(&name); }
    [[nodiscard]] const std::vector<const yaml_node*>& references() const noexcept {
        return references_;
    }

    // The problems in the order of the files, with their source lines; the reader is spent.
    [[nodiscard]] std::vector<diagnostic> take_problems();
    // Errors so far, shown or not.
    [[nodiscard]] std::size_t errors() const noexcept { return errors_; }

 private:
    struct source {
        std::string name;
        std::string_view text;
    };

    void add(severity how, location where, std::string message, std::string hint);
    void add(severity how, const yaml_node& node, std::string message, std::string hint);
    [[nodiscard]] std::size_t file_number(const std::string& name) const;
    [[nodiscard]] std::string without_hidden(std::string text) const;

    std::vector<source> files_;
    std::vector<diagnostic> problems_;
    std::set<std::string> seen_;  // problems so far: what is inherited is read several times
    std::map<std::string, std::string> hidden_;  // values, and what is shown of them
    std::unordered_map<const yaml_node*, std::string> dumped_;
    written_values kept_;
    value_places places_;
    std::set<const yaml_node*> given_up_;
    bool partial_ = false;
    std::vector<bound_address> bound_;
    std::vector<const yaml_node*> references_;
    std::vector<const yaml_node*> listener_references_;
    std::size_t dropped_ = 0;
    std::size_t errors_ = 0;
};

}  // namespace penstock::config
