#include "support/steered_origin.hpp"

namespace penstock::test {
namespace {

std::string first_segment(std::string_view target) {
    const std::size_t begin = target.find('/');
    if (begin == std::string_view::npos)
        return std::string(target);
    const std::string_view rest = target.substr(begin + 1);
    return std::string(rest.substr(0, rest.find_first_of("/?")));
}

}  // namespace

void say(peer& to, std::string_view bytes, writing how) {
    try {
        if (how == writing::whole)
            to.send(bytes);
        else
            to.send_in_pieces(bytes);
    } catch (const stopped&) {
        throw;
    } catch (const test_error&) {
        // Closed while we wrote; what was answered before is judged by its reader.
    }
}

steered_origin::steered_origin(std::optional<certificate_files> tls)
    : origin_([this](peer& client, int index) { serve(client, index); }, std::move(tls)) {}

void steered_origin::on(std::string first_segment, act what) {
    const std::lock_guard lock(mutex_);
    acts_[std::move(first_segment)] = std::move(what);
}

void steered_origin::answer(std::string first_segment, std::string bytes, writing how, bool close) {
    on(std::move(first_segment),
       [bytes = std::move(bytes), how, close](peer& client, http_request& request) {
           read_request_body(client, request);
           say(client, bytes, how);
           return !close;
       });
}

void steered_origin::serve(peer& client, int index) {
    while (std::optional<http_request> request = read_request_head(client)) {
        act what;
        {
            const std::lock_guard lock(mutex_);
            const std::string key = first_segment(request->target);
            heard_[key].push_back({index, *request});
            if (const auto found = acts_.find(key); found != acts_.end())
                what = found->second;
        }
        if (!what) {
            read_request_body(client, *request);
            client.send(ok_response(request->target));
        } else if (!what(client, *request)) {
            return;
        }
    }
}

std::vector<steered_origin::heard_request> steered_origin::heard(
    std::string_view first_segment) const {
    const std::lock_guard lock(mutex_);
    const auto found = heard_.find(first_segment);
    return found == heard_.end() ? std::vector<heard_request>() : found->second;
}

int steered_origin::last_connection(std::string_view first_segment) const {
    const std::vector<heard_request> all = heard(first_segment);
    return all.empty() ? -1 : all.back().connection;
}

seen_response see_response(peer& client, std::string_view method) {
    seen_response seen;
    std::string before;
    try {
        seen.head = read_response_head(client);
        before = client.pending();
        const http_response head = seen.head;
        const bool bodyless =
            method == "HEAD" || head.status == 101 || head.status == 204 || head.status == 304;
        if (!bodyless) {
            client.put_back(head.head);
            const std::vector<int> interim = head.interim;
            seen.head = read_response(client, method);
            seen.head.interim = interim;
        }
        seen.whole = true;
        const auto connection = seen.head.field("Connection");
        seen.closes = seen.head.until_close || (connection && *connection == "close");
        seen.left_over = client.pending();
    } catch (const stopped&) {
        throw;
    } catch (const test_error& thrown) {
        seen.fault = thrown.what();
        seen.closes = true;
    }
    return seen;
}

}  // namespace penstock::test
