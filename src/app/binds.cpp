#include "app/binds.hpp"

#include "app/text.hpp"

#include <algorithm>
#include <optional>

namespace penstock::app {
namespace {

constexpr std::size_t nobody = static_cast<std::size_t>(-1);

bool holds(const bound_server& server, const config::address& at) {
    return std::any_of(server.binds.begin(), server.binds.end(),
                       [&at](const bound_address& one) { return one.configured == at; });
}

class planner {
 public:
    planner(const std::vector<bound_server>& present, const std::vector<config::listener>& wanted,
            server_key next_key)
        : present_(present),
          wanted_(wanted),
          next_key_(next_key),
          taken_(present.size(), false),
          heir_of_(wanted.size(), nobody) {}

    std::variant<bind_plan, bind_conflict> plan() {
        inherit_by([](const bound_server& server, const config::listener& listener) {
            return server.listener == listener.name;
        });
        inherit_by([](const bound_server& server, const config::listener& listener) {
            return std::any_of(listener.bind.begin(), listener.bind.end(),
                               [&server](const auto& at) { return holds(server, at); });
        });
        bind_plan made;
        for (std::size_t i = 0; i < wanted_.size(); ++i) {
            made.listeners.push_back(change_of(i));
            if (const auto conflict = conflict_of(i, made.listeners.back()))
                return *conflict;
        }
        for (std::size_t i = 0; i < present_.size(); ++i) {
            if (!taken_[i])
                made.gone.push_back(present_[i].key);
        }
        return made;
    }

 private:
    template <class Match>
    void inherit_by(Match match) {
        for (std::size_t i = 0; i < wanted_.size(); ++i) {
            for (std::size_t j = 0; j < present_.size() && heir_of_[i] == nobody; ++j) {
                if (taken_[j] || !match(present_[j], wanted_[i]))
                    continue;
                taken_[j] = true;
                heir_of_[i] = j;
            }
        }
    }

    // Addresses may be there twice (port 0), so each bound one is used up by one wanted one.
    listener_change change_of(std::size_t i) {
        listener_change made;
        std::vector<bound_address> left;
        if (heir_of_[i] == nobody) {
            made.key = next_key_++;
        } else {
            made.key = present_[heir_of_[i]].key;
            made.fresh = false;
            left = present_[heir_of_[i]].binds;
        }
        for (const config::address& at : wanted_[i].bind) {
            const auto found = std::find_if(
                left.begin(), left.end(), [&at](const auto& one) { return one.configured == at; });
            if (found == left.end()) {
                made.opened.push_back(at);
                continue;
            }
            made.kept.push_back(*found);
            left.erase(found);
        }
        for (const bound_address& one : left)
            made.closed.push_back(one.at);
        return made;
    }

    // An address goes from one server to another only over a moment in which no socket listens.
    std::optional<bind_conflict> conflict_of(std::size_t i, const listener_change& change) const {
        for (const config::address& at : change.opened) {
            const bool named = at.port != 0 || config::is_unix(at);
            for (std::size_t j = 0; j < present_.size() && named; ++j) {
                if (j == heir_of_[i] || !holds(present_[j], at))
                    continue;
                return bind_conflict{wanted_[i].where,
                                     "listener '" + wanted_[i].name + "' cannot take " +
                                         text_of(at) + " from listener '" + present_[j].listener +
                                         "' in one reload; free it in a reload before"};
            }
        }
        return std::nullopt;
    }

    const std::vector<bound_server>& present_;
    const std::vector<config::listener>& wanted_;
    server_key next_key_;
    std::vector<bool> taken_;
    std::vector<std::size_t> heir_of_;
};

}  // namespace

result<bind_target> target_of(const config::address& at) {
    bind_target made;
    made.both_families = at.host == config::every_address;
    const result<net::socket_address> read =
        config::is_unix(at)
            ? net::socket_address::unix_at(config::path_of(at))
            : net::socket_address::parse(made.both_families ? "::" : at.host, at.port);
    if (!read)
        return read.error();
    made.at = *read;
    return made;
}

std::variant<bind_plan, bind_conflict> plan_binds(const std::vector<bound_server>& present,
                                                  const std::vector<config::listener>& wanted,
                                                  server_key next_key) {
    return planner(present, wanted, next_key).plan();
}

}  // namespace penstock::app
