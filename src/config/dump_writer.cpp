#include "config/dump_writer.hpp"

#include "config/references.hpp"
#include "config/schema_find.hpp"

#include <yaml-cpp/emittermanip.h>

namespace penstock::config {

void dump_writer::begin_value() {
    if (!levels_.empty() && levels_.back().list) {
        path_.resize(levels_.back().path_size);
        path_ = item_place(path_, levels_.back().items++);
    }
}

void dump_writer::begin(bool list) {
    begin_value();
    levels_.push_back({path_.size(), list});
}

void dump_writer::end() {
    path_.resize(levels_.back().path_size);
    levels_.pop_back();
}

void dump_writer::begin_map() {
    begin(false);
    out_ << YAML::BeginMap;
}

void dump_writer::end_map() {
    end();
    out_ << YAML::EndMap;
}

void dump_writer::begin_list() {
    begin(true);
    out_ << YAML::BeginSeq;
}

void dump_writer::begin_flow_list() {
    begin(true);
    out_ << YAML::Flow << YAML::BeginSeq;
}

void dump_writer::end_list() {
    end();
    out_ << YAML::EndSeq;
}

void dump_writer::key(std::string_view name) {
    path_.resize(levels_.back().path_size);
    path_ = join_path(path_, name);
    out_ << YAML::Key << std::string(name) << YAML::Value;
}

void dump_writer::quoted_key(std::string_view name) {
    path_.resize(levels_.back().path_size);
    path_ = name_place(path_, name);
    out_ << YAML::Key << YAML::DoubleQuoted << std::string(name) << YAML::Value;
}

const std::string* dump_writer::written_here(std::string_view key) const {
    if (written_ == nullptr) {
        return nullptr;
    }
    const bool item = !key.empty() && !levels_.empty() && levels_.back().list;
    const std::string_view from =
        std::string_view(path_).substr(0, item ? levels_.back().path_size : path_.size());
    const auto found = written_->find(join_path(from, key));
    return found == written_->end() ? nullptr : &found->second;
}

void dump_writer::plain(std::string_view text, std::string_view key) {
    begin_value();
    if (const std::string* const written = written_here(key); written != nullptr) {
        out_ << YAML::DoubleQuoted << *written;
        return;
    }
    out_ << std::string(text);
}

void dump_writer::quoted(std::string_view text, std::string_view key) {
    begin_value();
    const std::string* const written = written_here(key);
    out_ << YAML::DoubleQuoted
         << (written != nullptr ? *written
             : keep_dollars_    ? std::string(text)
                                : with_dollars_doubled(text));
}

void dump_writer::word(std::string_view text) {
    const bool number = text.find('.') != std::string_view::npos &&
                        text.find_first_not_of("0123456789.") == std::string_view::npos;
    if (number) {
        return quoted(text);
    }
    plain(text);
}

}  // namespace penstock::config
