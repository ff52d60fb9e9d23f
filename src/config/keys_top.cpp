// The keys of the top level and of its small sections.
#include "config/check_texts.hpp"
#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/tables.hpp"
#include "config/text.hpp"

namespace penstock::config {

namespace {

constexpr std::string_view standard_output = "-";

// A number that is chosen by us where the file says `auto`.
template <class Owner>
row<Owner> auto_row(row<Owner> number, std::function<bool(const Owner&)> is_auto) {
    number.info.choices = "auto";
    number.read = [key = number.info.path, read = number.read](const section& from, Owner& to) {
        if (from.find(key)->text != "auto") {
            read(from, to);
        }
    };
    number.shown = [](const Owner&) { return true; };
    number.write = [write = number.write, is_auto = std::move(is_auto)](dump_writer& to,
                                                                        const Owner& from) {
        if (is_auto(from)) {
            to.plain("auto");
        } else {
            write(to, from);
        }
    };
    return number;
}

constexpr key_range workers_range{1, 256};

// `workers`, which lies in two members of the model.
struct worker_keys {
    std::uint32_t count = 0;
    bool pin = false;
};

row<worker_keys> workers_count_row() {
    return auto_row<worker_keys>(
        count("count", &worker_keys::count, workers_range,
              "Worker threads; `auto` is the CPUs of the affinity mask and the cgroup quota."),
        [](const worker_keys& of) { return of.count == 0; });
}

// The number alone.
short_form<worker_keys> brief_workers() {
    return {.type = key_type::integer,
            .read =
                [](reader& in, const yaml_node& node, worker_keys& to) {
                    static const key_info as_number{.path = "workers",
                                                    .type = key_type::integer,
                                                    .range = workers_range,
                                                    .choices = "auto"};
                    if (node.text != "auto") {
                        to.count = static_cast<std::uint32_t>(
                            number_of(in, node, as_number).value_or(to.count));
                    }
                    return true;
                },
            .write = [](const worker_keys& of) -> std::optional<std::string> {
                if (of.pin) {
                    return std::nullopt;
                }
                return of.count == 0 ? "auto" : std::to_string(of.count);
            },
            .key = "count"};
}

table<worker_keys> workers_table() {
    return {.rows = {workers_count_row(),
                     flag("pin", &worker_keys::pin,
                          "Ties each worker to one CPU of the affinity mask; more workers than "
                          "CPUs share them.")},
            .brief = brief_workers()};
}

row<model> workers_row() {
    const auto by = std::make_shared<const table<worker_keys>>(workers_table());
    row<model> out = part_row<model, worker_keys>(
        "workers", by, "The threads that serve; their number alone is the short form.");
    out.info.range = workers_range;
    out.info.choices = "auto";
    out.read = [by](const section& from, model& to) {
        worker_keys keys;
        if (from.find("workers")->kind == node_kind::null) {
            static_cast<void>(text_of(from.in(), *from.find("workers")));
        }
        load_part(from, "workers", *by, keys);
        to.workers = keys.count;
        to.workers_pinned = keys.pin;
    };
    out.shown = [](const model&) { return true; };
    out.write = [by](dump_writer& to, const model& from) {
        write_part(to, *by, worker_keys{from.workers, from.workers_pinned});
    };
    return out;
}

table<drain> drain_table() {
    return {.rows = {
                duration("delay", &drain::delay, {0, hour},
                         "How long /readyz says 503 while everything is served as before, before "
                         "draining begins."),
                duration("timeout", &drain::timeout, wait_range,
                         "How long exchanges in flight may take to finish before they are cut."),
            }};
}

// "-" stays what it is; everything else is a file.
std::string log_path(const reader& in, const yaml_node& node, const std::string& written) {
    return written == standard_output ? written : in.resolve(node, written);
}

row<access_log> log_path_row() {
    row<access_log> out =
        text("path", &access_log::path, "File of the access log; `-` is standard output.");
    out.info.type = key_type::path;
    out.read = [](const section& from, access_log& to) {
        from.read("path", to.path);
        if (to.path.empty()) {
            from.in().error(*from.find("path"), "an empty path",
                            "'access: false' turns the log off");
        }
        to.path = log_path(from.in(), *from.find("path"), to.path);
    };
    return out;
}

bool load_brief_access(reader& in, const yaml_node& node, access_log& to) {
    const std::optional<bool> on = parse_boolean(node.text).value;
    if (on == false) {
        return false;
    }
    if (on.has_value() || node.text.empty()) {
        in.error(node, in_quotes(node.text) + " is not a path",
                 "'-' writes the access log to standard output");
        return false;
    }
    to.path = log_path(in, node, node.text);
    return true;
}

table<access_log> access_table() {
    return {
        .rows =
            {
                log_path_row(),
                ratio("sample", &access_log::sample,
                      "Share of exchanges written; errors and slow ones are always written."),
                duration("slow", &access_log::slow, {0, hour},
                         "From this duration on an exchange is slow."),
            },
        .brief =
            short_form<access_log>{
                .type = key_type::path, .read = load_brief_access, .key = "path"},
    };
}

table<log> log_table() {
    return {.rows = {
                choice("level", &log::level, "trace|debug|info|warn|error|off",
                       "Least severe level of the daemon log, which goes to standard error."),
                group("access", &log::access, access_table(),
                      "The access log; a path alone is its short form, `-` is standard output."),
            }};
}

row<admin> admin_bind_row() {
    return {
        .info = {.path = "bind",
                 .type = key_type::address,
                 .meaning = "Address of the admin listener."},
        .read =
            [](const section& from, admin& to) {
                to.bind = parse_node(from.in(), *from.find("bind"), parse_bind).value_or(to.bind);
            },
        .shown = [](const admin&) { return true; },
        .write = [](dump_writer& to, const admin& from) { to.quoted(format_address(from.bind)); }};
}

void check_admin(const section& from, admin& to) {
    to.enabled = true;
    const yaml_node* const bind = from.find("bind");
    from.in().bound().push_back(
        {to.bind, "admin", from.in().at(bind == nullptr ? from.node() : *bind)});
}

bool is_everything(const network& net) {
    const std::string text = format_network(net);
    return text == "0.0.0.0/0" || text == "::/0";
}

std::optional<network> trusted_of(reader& in, const yaml_node& node) {
    const std::optional<network> net = parse_node(in, node, parse_network);
    if (net.has_value() && is_everything(*net)) {
        in.warn(node, "every peer is trusted",
                "any client may then choose the address that origins and logs see");
    }
    return net;
}

row<model> trust_row() {
    return values("trust", &model::trust,
                  item_kind<network>{key_type::network, trusted_of, format_network},
                  "Peers that may say who their client is; `unix` is every one over a Unix socket.")
        .within({0, 1024})
        .example("[10.0.0.0/8, \"fd00::/8\", 192.0.2.1]");
}

row<client_address> client_field_row() {
    row<client_address> out = text("from", &client_address::from,
                                   "`X-Forwarded-For`, `Forwarded`, or a field of one address "
                                   "(`CF-Connecting-IP`); no other is believed; of a list the "
                                   "right-most address outside `trust` counts.");
    out.read = [](const section& from, client_address& to) {
        to.from = parse_node(from.in(), *from.find("from"), parse_client_field).value_or(to.from);
    };
    return out;
}

row<model> dns_row() {
    using type = key_type;
    return later<model>(
        "dns",
        {{.path = "servers",
          .type = type::list,
          .range = {0, 16},
          .item = type::address,
          .meaning = "Resolvers; by default those of resolv.conf.",
          .example = "[\"127.0.0.1:53\"]"},
         {.path = "prefer",
          .type = type::choice,
          .default_text = "any",
          .choices = "any|ipv4|ipv6",
          .meaning = "Family of addresses to take where a name has both."},
         {.path = "deny",
          .type = type::list,
          .range = {0, 1024},
          .item = type::network,
          .meaning = "Addresses that are not taken from a name.",
          .example = "[169.254.0.0/16]"},
         {.path = "ttl", .type = type::section, .meaning = "Bounds on how long answers are kept."},
         {.path = "ttl.min",
          .type = type::duration,
          .default_text = "1s",
          .range = wait_range,
          .meaning = "At least this long."},
         {.path = "ttl.max",
          .type = type::duration,
          .default_text = "1h",
          .range = wait_range,
          .meaning = "At most this long."},
         {.path = "ttl.negative",
          .type = type::duration,
          .default_text = "5s",
          .range = wait_range,
          .meaning = "For names that don't exist."},
         {.path = "stale",
          .type = type::duration,
          .default_text = "1h",
          .range = wait_range,
          .meaning = "How long old answers serve while DNS fails."}},
        "How names of endpoints are resolved.");
}

rows<model> shedding_rows() {
    return {
        auto_row<model>(
            size("memory", &model::memory_limit, {0, tebibyte},
                 "Memory this process may use; at 95% of it connections end with their response, "
                 "at 98% requests get a 503. `auto` is the cgroup's limit; 0 = no limit."),
            [](const model& of) { return !of.memory_limit.has_value(); }),
        later<model>({.path = "cpu",
                      .type = key_type::ratio,
                      .default_text = "85%",
                      .meaning = "CPU use at which it begins."}),
        later<model>({.path = "loop_delay",
                      .type = key_type::duration,
                      .default_text = "50ms",
                      .range = wait_range,
                      .meaning = "Loop delay at which it begins."}),
        later<model>({.path = "retry_after",
                      .type = key_type::duration,
                      .default_text = "5s",
                      .range = {second, 24 * hour},
                      .meaning = "What Retry-After says."}),
    };
}

void check_model(const section& from, model& to) {
    reader& in = from.in();
    check_references(in, to.upstreams);
    check_listener_names(in, to.listeners);
    name_routes(in, to.routes);
    check_redirect_loops(in, to);
    std::vector<const route*> compared;
    for (const route& one : to.routes) {
        // A match that was read in part would seem to match more than was meant.
        if (one.match.whole) {
            compared.push_back(&one);
        }
    }
    check_ambiguous(in, compared);
    check_own_listeners(in, to.listeners, to.upstreams);
    check_bound(in);
}

table<model> make_model_table() {
    return {
        .rows =
            {
                include_row(),
                workers_row(),
                group("admin", &model::admin, {.rows = {admin_bind_row()}, .check = check_admin},
                      "Serves /metrics, /healthz, /readyz and /status; absent means off.")
                    .when([](const model& of) { return of.admin.enabled; }),
                group("log", &model::log, log_table(), "What is written where."),
                group("drain", &model::drain, drain_table(), "How the process ends."),
                trust_row(),
                group("client_address", &model::client_address, {.rows = {client_field_row()}},
                      "How a trusted peer says who its client is."),
                defaults_row(),
                policies_row(),
                named("listeners", &model::listeners, listener_table(), "Where clients connect.")
                    .within({1, 256})
                    .required(),
                items("routes", &model::routes, route_table(),
                      "Which request goes where; the most specific match wins.")
                    .within({1, 10'000})
                    .required(),
                named("upstreams", &model::upstreams, upstream_table(), "Named sets of origins.")
                    .within({0, 4096}),
                dns_row(),
                inner("shedding", shedding_rows(), "Refuses work under overload."),
            },
        .check = check_model,
    };
}

}  // namespace

const table<model>& model_table() {
    static const table<model> whole = make_model_table();
    return whole;
}

}  // namespace penstock::config
