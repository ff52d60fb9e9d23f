// The small sections: log, admin, trust, client_address.
#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/text.hpp"
#include "config/values.hpp"

namespace penstock::config {

namespace {

constexpr std::string_view standard_output = "-";

// "-" stays what it is; everything else is a file.
std::string log_path(const section& from, const std::string& written) {
    return written == standard_output ? written : from.in().resolve(written);
}

access_log load_access_section(const section& from) {
    access_log out;
    out.path = standard_output;
    from.read("path", out.path);
    if (out.path.empty()) {
        from.in().error(*from.find("path"), "an empty path", "'access: false' turns the log off");
    }
    out.path = log_path(from, out.path);
    from.read("sample", out.sample);
    from.read("slow", out.slow);
    return out;
}

std::optional<access_log> load_access(const section& from) {
    const yaml_node* const node = from.find("access");
    if (node == nullptr || node->text == "false") {
        return std::nullopt;
    }
    if (node->kind != node_kind::scalar) {
        return load_access_section(section(from.in(), *node, from.path_of("access")));
    }
    if (node->text == "true" || node->text.empty()) {
        from.in().error(*node, in_quotes(node->text) + " is not a path",
                        "'-' writes the access log to standard output");
        return std::nullopt;
    }
    access_log out;
    out.path = log_path(from, node->text);
    return out;
}

bool is_everything(const network& net) {
    const std::string text = format_network(net);
    return text == "0.0.0.0/0" || text == "::/0";
}

}  // namespace

log load_log(const section& root) {
    log out;
    const std::optional<section> from = root.child("log");
    if (from.has_value()) {
        from->read("level", out.level);
        out.access = load_access(*from);
    }
    return out;
}

admin load_admin(const section& root, std::vector<bound_address>& bound) {
    admin out;
    const std::optional<section> from = root.child("admin");
    if (!from.has_value()) {
        return out;
    }
    out.enabled = true;
    const yaml_node* const node = from->find("bind");
    if (node != nullptr) {
        out.bind = parse_node(from->in(), *node, parse_bind).value_or(out.bind);
    }
    bound.push_back({out.bind, "admin", from->in().at(node == nullptr ? from->node() : *node)});
    return out;
}

client_address load_client_address(const section& root) {
    client_address out;
    const std::optional<section> from = root.child("client_address");
    if (!from.has_value()) {
        return out;
    }
    const yaml_node* const node = from->find("from");
    if (node != nullptr) {
        out.from = parse_node(from->in(), *node, parse_client_field).value_or(out.from);
    }
    return out;
}

std::vector<network> load_trust(const section& root) {
    std::vector<network> out;
    for (const yaml_node* const item : root.items("trust")) {
        const std::optional<network> net = parse_node(root.in(), *item, parse_network);
        if (!net.has_value()) {
            continue;
        }
        if (is_everything(*net)) {
            root.in().warn(*item, "every peer is trusted",
                           "any client may then choose the address that origins and logs see");
        }
        out.push_back(*net);
    }
    return out;
}

}  // namespace penstock::config
