#include "proxy/head_edits.hpp"

namespace penstock::proxy {
namespace {

void remove_and_set(http::fields& fields, const config::header_edits& by) {
    for (const std::string& name : by.remove)
        fields.remove(name);
    for (const config::header_value& one : by.set)
        fields.set(one.name, one.value);
}

void add_all(http::fields& fields, const config::header_edits& by) {
    for (const config::header_value& one : by.add)
        fields.add(one.name, one.value);
}

}  // namespace

void edit_request(http::request_head& head, const config::header_edits& by) {
    remove_and_set(head.fields, by);
    // The authority is the one truth about the host; a Host among the fields does not leave.
    if (const auto host = head.fields.find(http::field_id::host)) {
        head.authority = *host;
        head.fields.remove(http::field_id::host);
    }
    add_all(head.fields, by);
}

void edit_response(http::response_head& head, const config::header_edits& by) {
    remove_and_set(head.fields, by);
    add_all(head.fields, by);
}

}  // namespace penstock::proxy
