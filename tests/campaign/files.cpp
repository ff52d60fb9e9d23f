#include "campaign/files.hpp"

#include <cstdio>
#include <fstream>
#include <functional>

namespace penstock::campaign {
namespace {

void write_record(std::ostream& to, std::uint32_t index, std::string_view method,
                  std::string_view bytes) {
    to << index << ' ' << bytes.size() << ' ' << method << '\n' << bytes << '\n';
}

// A body by its size and the sum of its bytes, which any language can count.
std::string sum_of(std::string_view body) {
    std::uint64_t sum = 0;
    for (const char c : body)
        sum = (sum * 31 + static_cast<unsigned char>(c)) % 1'000'003;
    return std::to_string(body.size()) + ":" + std::to_string(sum);
}

std::string line_of(std::uint32_t index, const reading& of) {
    std::string made = "{\"index\":" + std::to_string(index) + ",\"messages\":[";
    for (const read_request& each : of.requests) {
        made += made.back() == '[' ? "" : ",";
        made += "\"" + each.request.first + " " + sum_of(each.request.body) + "\"";
    }
    const bool closes = !of.requests.empty() && of.requests.back().request.closes();
    return made + "],\"closes\":" + (closes ? "true" : "false") +
           ",\"partial\":" + (of.partial ? "true" : "false") + ",\"fault\":\"" + of.fault + "\"}";
}

std::string line_of(std::uint32_t index, const answer& of) {
    return "{\"index\":" + std::to_string(index) + ",\"status\":\"" +
           (of.whole ? of.response.second : "") + "\",\"body\":\"" +
           (of.whole ? sum_of(of.response.body) : "") +
           "\",\"surplus\":" + (of.surplus ? "true" : "false") + ",\"fault\":\"" + of.fault + "\"}";
}

}  // namespace

void write_files(const plan& of, const std::string& directory) {
    std::ofstream requests(directory + "/requests", std::ios::binary);
    std::ofstream requests_read(directory + "/requests.json");
    std::ofstream answers(directory + "/answers", std::ios::binary);
    std::ofstream answers_read(directory + "/answers.json");
    for (std::uint32_t index = of.first; index < of.first + of.count; ++index) {
        const payload sent = make_payload(of.seed, index);
        write_record(requests, index, "-", sent.bytes);
        requests_read << line_of(index, read_payload(sent.bytes)) << '\n';
        const std::string method = index % 10 == 0 ? "HEAD" : "GET";
        const answer made = make_answer(of.seed, {index, 0}, method);
        write_record(answers, index, made.closes ? method + "+close" : method, made.bytes);
        answers_read << line_of(index, made) << '\n';
    }
    if (!requests || !requests_read || !answers || !answers_read)
        throw std::runtime_error("cannot write into " + directory);
}

std::string printable(std::string_view bytes) {
    std::string made;
    for (const char c : bytes) {
        char code[8];
        if (c == '\r') {
            made += "\\r";
        } else if (c == '\n') {
            made += "\\n\n";
        } else if (c >= 0x20 && c < 0x7f) {
            made += c;
        } else {
            std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned char>(c));
            made += code;
        }
    }
    return made;
}

}  // namespace penstock::campaign
