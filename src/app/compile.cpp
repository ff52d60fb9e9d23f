#include "app/compile.hpp"

#include "app/resolve_names.hpp"
#include "app/text.hpp"
#include "penstock/app/app.hpp"
#include "penstock/base/names.hpp"
#include "penstock/config/dump.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

namespace penstock::app {
namespace {

const listener_tls* tls_before(const compiled* before, const std::string& name) {
    if (before == nullptr)
        return nullptr;
    const std::vector<config::listener>& known = before->generation->model.listeners;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i].name == name)
            return &before->listeners[i];
    }
    return nullptr;
}

const compiled_upstream* upstream_before(const compiled* before, const std::string& name) {
    if (before == nullptr)
        return nullptr;
    const std::vector<config::upstream>& known = before->generation->model.upstreams;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i].name == name)
            return &before->upstreams[i];
    }
    return nullptr;
}

// What a request is sent to that names no host, and what a certificate is verified for.
std::string host_of(const config::address& at) {
    if (config::is_unix(at))
        return "localhost";
    return at.host.ends_with('.') ? at.host.substr(0, at.host.size() - 1) : at.host;
}

std::unique_ptr<upstream::shared_endpoint> make_endpoint(const config::endpoint& from,
                                                         addresses resolved) {
    auto made = std::make_unique<upstream::shared_endpoint>();
    made->name = text_of(from.at);
    made->id = intern_name(made->name);
    made->addresses = std::move(resolved);
    made->weight = from.weight;
    made->host = host_of(from.at);
    return made;
}

// Of problems that are about one value, the place of that value.
void place(std::vector<config::diagnostic>& problems, const config::model& of) {
    for (config::diagnostic& one : problems) {
        if (const auto found = config::find_place(of, one.keys))
            one.where = *found;
    }
}

// What one compilation builds up.
class compilation {
 public:
    explicit compilation(compile_input& from)
        : from_(from),
          with_{*from.files, from.workers, problems_, made_->warnings, from.ticket_secret} {}

    compile_outcome run() {
        const config::model& model = from_.model;
        for (const config::listener& one : model.listeners) {
            made_->listeners.push_back(
                compile_tls(one, tls_before(from_.before.get(), one.name), with_));
        }
        for (const config::upstream& one : model.upstreams) {
            const compiled_upstream* const before = upstream_before(from_.before.get(), one.name);
            compiled_upstream next;
            next.tls = compile_tls(one, before != nullptr ? &before->tls : nullptr, with_);
            made_->upstreams.push_back(std::move(next));
        }
        place(problems_, model);
        place(made_->warnings, model);
        if (!problems_.empty())
            return compile_failure{std::move(problems_), exit_config};
        add_endpoints(from_.renews ? known_addresses() : resolve());
        if (!problems_.empty())
            return compile_failure{std::move(problems_), exit_runtime};
        made_->generation =
            std::make_shared<const proxy::generation>(from_.number, std::move(from_.model));
        return std::shared_ptr<const compiled>(std::move(made_));
    }

 private:
    [[nodiscard]] std::vector<result<addresses>> resolve() const {
        std::vector<config::address> wanted;
        for (const config::upstream& one : from_.model.upstreams) {
            for (const config::endpoint& endpoint : one.endpoints)
                wanted.push_back(endpoint.at);
        }
        return resolve_names(wanted);
    }

    [[nodiscard]] std::vector<result<addresses>> known_addresses() const {
        std::vector<result<addresses>> known;
        for (const compiled_upstream& one : from_.before->upstreams) {
            for (const auto& endpoint : one.shared->endpoints)
                known.emplace_back(endpoint->addresses);
        }
        return known;
    }

    // Of all upstreams' endpoints, in the model's order.
    void add_endpoints(std::vector<result<addresses>> found) {
        auto next = found.begin();
        for (std::size_t i = 0; i < made_->upstreams.size(); ++i) {
            const config::upstream& settings = from_.model.upstreams[i];
            const auto end = next + static_cast<std::ptrdiff_t>(settings.endpoints.size());
            add_endpoints(made_->upstreams[i], settings, {next, end});
            next = end;
        }
    }

    void add_endpoints(compiled_upstream& to, const config::upstream& settings,
                       std::vector<result<addresses>> found) {
        to.definition = definition_of(settings) + to.tls.definition;
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (!found[i])
                report_unresolved(settings, settings.endpoints[i], found[i].error());
        }
        // Of this upstream or of one before: there will be no generation.
        if (!problems_.empty())
            return;
        for (std::size_t i = 0; i < found.size(); ++i) {
            for (const net::socket_address& at : *found[i])
                to.definition += at.to_string() + " ";
            to.definition += "\n";
        }
        const compiled_upstream* const before = upstream_before(from_.before.get(), settings.name);
        to.shared = before != nullptr && before->definition == to.definition
                        ? before->shared
                        : make_shared_upstream(settings, std::move(found));
    }

    std::shared_ptr<upstream::shared_upstream> make_shared_upstream(
        const config::upstream& settings, std::vector<result<addresses>> found) const {
        auto made = std::make_shared<upstream::shared_upstream>();
        made->settings = settings;
        made->id = intern_name(settings.name);
        for (std::size_t i = 0; i < found.size(); ++i)
            made->endpoints.push_back(make_endpoint(settings.endpoints[i], std::move(*found[i])));
        if (from_.on_rebalance)
            made->rebalance = from_.on_rebalance();
        return made;
    }

    void report_unresolved(const config::upstream& of, const config::endpoint& endpoint,
                           error why) {
        config::diagnostic made;
        made.where = endpoint.where;
        made.message = "upstream '" + of.name + "': no address for '" + endpoint.at.host +
                       "': " + why.message();
        problems_.push_back(std::move(made));
    }

    compile_input& from_;
    std::vector<config::diagnostic> problems_;
    std::shared_ptr<compiled> made_ = std::make_shared<compiled>();
    tls_input with_;
};

// A log that cannot be opened keeps the daemon from starting, or a reload from succeeding.
void check_log(const config::model& from, std::vector<config::diagnostic>& problems) {
    if (!from.log.access || from.log.access->path == "-")
        return;
    const std::filesystem::path path(from.log.access->path);
    std::error_code failed;
    config::diagnostic made;
    if (std::filesystem::is_directory(path, failed))
        made.message = "the access log '" + path.string() + "' is a directory";
    else if (!std::filesystem::is_directory(path.parent_path(), failed))
        made.message =
            "there is no directory '" + path.parent_path().string() + "' for the access log";
    else
        return;
    made.where.file = from.file;
    made.keys = {"log", "access", "path"};
    problems.push_back(std::move(made));
}

}  // namespace

compile_outcome compile(compile_input from) { return compilation(from).run(); }

std::vector<config::diagnostic> check_files(const config::model& from, const file_source& files) {
    std::vector<config::diagnostic> problems;
    std::vector<config::diagnostic> doubts;
    const tls_input with{files, 1, problems, doubts, {}};
    check_log(from, problems);
    for (const config::listener& one : from.listeners)
        static_cast<void>(compile_tls(one, nullptr, with));
    for (const config::upstream& one : from.upstreams)
        static_cast<void>(compile_tls(one, nullptr, with));
    problems.insert(problems.end(), doubts.begin(), doubts.end());
    place(problems, from);
    return problems;
}

std::string definition_of(const config::upstream& from) {
    config::model alone;
    alone.upstreams.push_back(from);
    return config::dump(alone);
}

}  // namespace penstock::app
