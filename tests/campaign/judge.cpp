#include "campaign/judge.hpp"

#include "campaign/path_reading.hpp"

#include <algorithm>

namespace penstock::campaign {
namespace {

struct got_answer {
    message response;
    bool whole = false;
    bool until_close = false;
};

std::string quoted(std::string_view text) { return "\"" + std::string(text.substr(0, 80)) + "\""; }

class hearing {
 public:
    explicit hearing(const evidence& of) : of_(of) {}

    verdict hold() {
        read_answers();
        check_count();
        check_marks();
        check_end();
        check_arrivals();
        for (std::size_t i = 0; i < answers_.size(); ++i)
            compare(i);
        result_.answers = static_cast<int>(answers_.size());
        return std::move(result_);
    }

 private:
    void find(std::string what) { result_.findings.push_back(std::move(what)); }
    const std::vector<read_request>& requests() const { return of_.understood.requests; }
    const read_request* request(std::size_t i) const {
        return i < requests().size() ? &requests()[i] : nullptr;
    }

    void read_answers();
    void end_of_answers(strict_reader& reader, bool begun);
    bool has_no_body(const message& response) const;
    void check_count();
    void check_marks();
    void check_end();
    void check_arrivals();
    void check_arrival(const arrived& came, const read_request& meant);
    void compare(std::size_t i);
    void compare_with(const answer& origin, const got_answer& client, bool head);
    const arrived* arrival_of(std::size_t i) const;
    std::string fields_of_origin(std::size_t i) const;
    bool excuses_cut(std::size_t i) const;
    bool excuses_reset() const;
    bool all_answered() const;

    const evidence& of_;
    verdict result_;
    std::vector<got_answer> answers_;
};

bool hearing::has_no_body(const message& response) const {
    const read_request* asked = request(answers_.size());
    const int status = response.status();
    // A head that did not come in time may be a HEAD's, and nobody knows.
    const bool of_head = asked != nullptr && asked->request.first == "HEAD" && status != 408;
    return status < 200 || status == 204 || status == 304 || of_head;
}

void hearing::read_answers() {
    strict_reader reader(role::response, dialect::wire);
    reader.feed(of_.received);
    bool begun = false;
    for (;;) {
        const event got = reader.next();
        if (got == event::head) {
            begun = true;
            if (has_no_body(reader.now()))
                reader.no_body();
        } else if (got == event::message) {
            begun = false;
            if (reader.now().status() >= 200)
                answers_.push_back({reader.now(), true});
        } else if (got == event::broken) {
            return find("the client's answers are malformed: " + reader.fault());
        } else {
            return end_of_answers(reader, begun);
        }
    }
}

void hearing::end_of_answers(strict_reader& reader, bool begun) {
    if (reader.idle())
        return;
    if (!begun)
        return find("the client's answers end within a head");
    if (!reader.until_close()) {
        // Whether what could not be read was a HEAD is for Penstock to guess, and nothing follows.
        const bool of_garbage = answers_.size() == requests().size();
        const message& now = reader.now();
        answers_.push_back({now, of_garbage && now.closes() && now.body.empty()});
        return;
    }
    const read_request* asked = request(answers_.size());
    if (asked == nullptr || asked->request.version() != "HTTP/1.0")
        find("an answer without length to HTTP/1.1");
    (void)reader.finish();
    answers_.push_back({reader.now(), of_.ended == ending::closed, true});
}

void hearing::check_count() {
    const bool another = !of_.understood.fault.empty() || of_.understood.partial;
    if (answers_.size() > requests().size() + (another ? 1 : 0))
        find("more answers than requests");
}

// The values of the answer's fields as the origin sent them.
std::string hearing::fields_of_origin(std::size_t i) const {
    std::string all;
    if (const arrived* came = arrival_of(i)) {
        for (const auto& [name, value] : came->answered.response.fields)
            all += value + "\n";
    }
    return all;
}

void hearing::check_marks() {
    for (std::size_t i = 0; i < answers_.size(); ++i) {
        const message& response = answers_[i].response;
        std::string head = response.start_line;
        for (const auto& [name, value] : response.fields)
            head += "\n" + value;
        const read_request* asked = request(i);
        const std::string own = fields_of_origin(i);
        for (const identity& seen : find_marks(head)) {
            const bool given = own.find(mark_of(seen)) != std::string::npos;
            if (!given && (asked == nullptr || asked->mark != seen))
                find("the answer of another request: " + mark_of(seen));
        }
        // A body without an end of its own may hold what was to be hidden behind it.
        for (const identity& seen : find_marks(head + response.body)) {
            if (seen.index != of_.sent.index)
                find("another client's answer: " + mark_of(seen));
        }
    }
}

// A cut is for what had begun well and cannot be ended well.
bool hearing::excuses_cut(std::size_t i) const {
    const arrived* came = arrival_of(i);
    return came != nullptr && !came->answered.whole;
}

// Who said that it sends no more, and does, may find a closed connection. And only a reset tells
// that an answer is not whole which the connection's end would have ended.
bool hearing::excuses_reset() const {
    if (of_.understood.surplus)
        return true;
    return !answers_.empty() && answers_.back().until_close && excuses_cut(answers_.size() - 1);
}

// Nothing was asked any more. What the client never finished may have been answered by its head.
bool hearing::all_answered() const {
    const std::size_t begun = of_.understood.unfinished ? 1 : 0;
    return of_.understood.fault.empty() && of_.understood.partial == (begun > 0) &&
           answers_.size() == requests().size() + begun;
}

void hearing::check_end() {
    if (of_.ended == ending::hangs)
        return find("the connection hangs");
    if (of_.ended == ending::reset && !excuses_reset())
        return find("the connection is reset");
    if (answers_.empty())
        return find("no answer at all");
    const std::size_t last = answers_.size() - 1;
    if (!answers_[last].whole && !excuses_cut(last))
        find("an answer is cut without a reason");
    if (answers_[last].whole && !answers_[last].response.closes() && !all_answered())
        find("the connection ends without a word: " + std::to_string(answers_.size()) + " of " +
             std::to_string(requests().size()) + " answered, the last with " +
             answers_[last].response.second);
    for (std::size_t i = 0; i < last; ++i) {
        if (!answers_[i].whole || answers_[i].response.closes())
            find("an answer behind the last one");
    }
}

const arrived* hearing::arrival_of(std::size_t i) const {
    const read_request* asked = request(i);
    if (asked == nullptr || !asked->mark)
        return nullptr;
    const arrived* found = nullptr;
    for (const arrived& each : of_.at_origin) {
        if (each.mark == *asked->mark && each.complete)
            found = &each;  // the last attempt is the one that counts
    }
    return found;
}

void hearing::check_arrival(const arrived& came, const read_request& meant) {
    const message& there = came.request;
    const message& here = meant.request;
    const std::string wrong = path_fault(here.second, there.second, there.value(route_field));
    if (!wrong.empty())
        find(wrong + ": " + quoted(here.second) + " as " + quoted(there.second));
    if (there.first != here.first)
        find("the method changed: " + quoted(here.first) + " to " + quoted(there.first));
    const bool same = there.body == here.body;
    const bool begins = here.body.starts_with(there.body);
    if (came.complete ? !same : !begins)
        find("the body changed");
}

void hearing::check_arrivals() {
    std::size_t next = 0;
    const arrived* before = nullptr;
    for (const arrived& came : of_.at_origin) {
        const bool again = before != nullptr && before->mark == came.mark &&
                           (!before->complete || before->answered.silent());
        before = &came;
        if (again)
            continue;
        while (next < requests().size() && requests()[next].mark != came.mark)
            ++next;
        if (next < requests().size()) {
            check_arrival(came, requests()[next++]);
            continue;
        }
        const auto& open = of_.understood.unfinished;
        if (came.complete || !open || open->mark != came.mark)
            find("the origin got a request that was not sent: " + quoted(came.request.start_line));
        else
            check_arrival(came, *open);
    }
}

void hearing::compare(std::size_t i) {
    const got_answer& client = answers_[i];
    const arrived* came = arrival_of(i);
    const read_request* asked = request(i);
    if (came != nullptr)
        return compare_with(came->answered, client, asked->request.first == "HEAD");
    // A request without its mark is answered by the plain answer.
    const bool own = client.response.count("proxy-status") > 0;
    if (asked == nullptr || (!asked->mark && !own))
        return;
    if (!own && client.response.count("x-mark") == 0) {
        ++result_.differences["the mark was in what is rewritten"];
        return;
    }
    if (!own)
        return find("an answer that the origin did not give");
    std::string what = "refused: " + client.response.second + " " +
                       std::string(client.response.value("proxy-status"));
    if (client.response.second == "408" && of_.slow)
        what += ", slow";
    if (client.response.second == "400" || client.response.second == "431")
        what.append(", ").append(reason_to_refuse(asked->request));
    ++result_.differences[what];
}

void hearing::compare_with(const answer& origin, const got_answer& client, bool head) {
    const std::string said =
        client.response.second + " " + std::string(client.response.value("proxy-status"));
    const bool own = client.response.count("proxy-status") > 0;
    if (!origin.whole) {
        if (client.whole && !own)
            ++result_.differences["passed: " + origin.fault];
        return;
    }
    if (own) {
        const int status = origin.response.status();
        const bool bodyless = head || status == 204 || status == 304;
        ++result_.differences["not passed: " + said + (bodyless ? ", no body" : "")];
        return;
    }
    if (client.response.second != origin.response.second)
        find("the status changed");
    if (client.whole && !head && client.response.body != origin.response.body)
        find("the answer's body changed");
}

}  // namespace

verdict judge(const evidence& of) { return hearing(of).hold(); }

}  // namespace penstock::campaign
