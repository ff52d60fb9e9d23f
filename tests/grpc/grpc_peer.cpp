// Both ends of gRPC calls, by gRPC's own C++ library, as a program: an echo server, and a client
// that makes many calls and counts how they end.
//
//   grpc_peer server                    prints "port N"; every message comes back
//   grpc_peer unary TARGET CALLS        prints "ok N failed N status CODE …"
//   grpc_peer bidi TARGET STREAMS       likewise, each with ten messages there and back
//   grpc_peer download TARGET STREAMS   likewise, each with one message there and ten back
//   grpc_peer upload TARGET STREAMS     likewise, each with ten messages there and one back
//   grpc_peer empty TARGET STREAMS      likewise, each without a message there or back
//   grpc_peer hold TARGET STREAMS       opens them, prints "open", and waits for their end
//   grpc_peer held TARGET STREAMS       downloads of /test/Held; prints "open" after the first
//                                       message of each, and waits for their end
//   grpc_peer go TARGET                 one call to /test/Go
//   grpc_peer deadline TARGET MS        one call to /test/Silent with that deadline
//
// Each call that failed is a line "status CODE: MESSAGE" on standard error.
//
// Methods: /test/Echo; /test/Fail ends with status 9 and no message; /test/Silent says nothing;
// /test/Ten sends ten messages once one has come; /test/Held sends the first of them, and the
// others after somebody has called /test/Go; /test/Sum says hello with the first message, and at
// the end how many came.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int messages = 10;
// What has to be escaped on the wire, and what must not.
constexpr const char* failure = "on purpose: 100 % n\xc3\xb6tig";

grpc::ByteBuffer buffer_of(const std::string& text) {
    const grpc::Slice slice(text);
    return {&slice, 1};
}

std::string text_of(const grpc::ByteBuffer& buffer) {
    std::vector<grpc::Slice> slices;
    std::string text;
    if (buffer.Valid() && buffer.Dump(&slices).ok()) {
        for (const grpc::Slice& each : slices)
            text.append(reinterpret_cast<const char*>(each.begin()), each.size());
    }
    return text;
}

// Once it is open, whoever waits goes on.
class gate {
 public:
    void wait(std::function<void()> then) {
        {
            const std::lock_guard lock(guard_);
            if (!open_)
                return waiting_.push_back(std::move(then));
        }
        then();
    }
    void open() {
        std::vector<std::function<void()>> now;
        {
            const std::lock_guard lock(guard_);
            open_ = true;
            now.swap(waiting_);
        }
        for (const auto& each : now)
            each();
    }

 private:
    std::mutex guard_;
    bool open_ = false;
    std::vector<std::function<void()>> waiting_;
};

class echo final : public grpc::ServerGenericBidiReactor {
 public:
    explicit echo(const std::string& method) : method_(method) {
        if (method_ == "/test/Fail")
            Finish(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, failure));
        else
            StartRead(&message_);
    }
    void OnReadDone(bool ok) override {
        if (method_ == "/test/Silent")
            return;
        if (ok)
            StartWrite(&message_);
        else
            Finish(grpc::Status::OK);
    }
    void OnWriteDone(bool ok) override {
        if (ok)
            StartRead(&message_);
        else
            Finish(grpc::Status::CANCELLED);
    }
    void OnCancel() override {
        if (method_ == "/test/Silent")
            Finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }

 private:
    std::string method_;
    grpc::ByteBuffer message_;
};

// One message there, ten back; `before` the second one is waited for.
class ten final : public grpc::ServerGenericBidiReactor {
 public:
    explicit ten(gate* before) : before_(before) { StartRead(&message_); }
    void OnReadDone(bool ok) override {
        if (ok)
            StartWrite(&message_);
        else
            Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no message"));
    }
    void OnWriteDone(bool ok) override {
        if (!ok)
            return Finish(grpc::Status::CANCELLED);
        if (++written_ == messages)
            return Finish(grpc::Status::OK);
        if (written_ == 1 && before_ != nullptr)
            before_->wait([this] { StartWrite(&message_); });
        else
            StartWrite(&message_);
    }
    void OnDone() override { delete this; }

 private:
    gate* before_;
    grpc::ByteBuffer message_;
    int written_ = 0;
};

// Ten messages there, one back, which says how many came.
class sum final : public grpc::ServerGenericBidiReactor {
 public:
    sum() { StartRead(&message_); }
    void OnReadDone(bool ok) override {
        if (ok) {
            if (++read_ == 1)
                StartSendInitialMetadata();
            return StartRead(&message_);
        }
        message_ = buffer_of(std::to_string(read_));
        StartWriteAndFinish(&message_, {}, grpc::Status::OK);
    }
    void OnDone() override { delete this; }

 private:
    grpc::ByteBuffer message_;
    int read_ = 0;
};

class service final : public grpc::CallbackGenericService {
    grpc::ServerGenericBidiReactor* CreateReactor(
        grpc::GenericCallbackServerContext* context) override {
        const std::string& method = context->method();
        if (method == "/test/Ten")
            return new ten(nullptr);
        if (method == "/test/Held")
            return new ten(&go_);
        if (method == "/test/Sum")
            return new sum;
        if (method == "/test/Go")
            go_.open();
        return new echo(method);
    }

    gate go_;
};

int serve() {
    service serves;
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&serves);
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    std::cout << "port " << port << std::endl;
    server->Wait();
    return 0;
}

// How calls have ended.
class tally {
 public:
    void add(const grpc::Status& status) {
        const std::lock_guard lock(guard_);
        ++by_code_[status.error_code()];
        ++ended_;
        if (!status.ok())
            std::cerr << "status " << status.error_code() << ": " << status.error_message() << '\n';
        changed_.notify_all();
    }
    void opened(bool first) {
        const std::lock_guard lock(guard_);
        open_ += first ? 1 : 0;
        changed_.notify_all();
    }
    void wait_open(long count) {
        std::unique_lock lock(guard_);
        changed_.wait(lock, [&] { return open_ >= count; });
    }
    void wait_ended(long count) {
        std::unique_lock lock(guard_);
        changed_.wait(lock, [&] { return ended_ >= count; });
    }
    int print() {
        const std::lock_guard lock(guard_);
        const long ok = by_code_[grpc::StatusCode::OK];
        std::cout << "ok " << ok << " failed " << ended_ - ok;
        for (const auto& [code, count] : by_code_) {
            if (code != grpc::StatusCode::OK)
                std::cout << " status " << code << " x " << count;
        }
        std::cout << std::endl;
        return ok == ended_ ? 0 : 1;
    }

 private:
    std::mutex guard_;
    std::condition_variable changed_;
    std::map<int, long> by_code_;
    long ended_ = 0;
    long open_ = 0;
};

// Ten messages, each sent once the one before has come back.
class stream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
    stream(grpc::GenericStub& over, tally& counts, bool holds, const std::string& method)
        : counts_(counts), holds_(holds), sent_(buffer_of("message")) {
        over.PrepareBidiStreamingCall(&context_, method, {}, this);
        StartWrite(&sent_);
        StartRead(&received_);
        StartCall();
    }
    void OnReadDone(bool ok) override {
        if (!ok)
            return;
        counts_.opened(rounds_ == 0);
        if (holds_)
            StartRead(&received_);
        else
            next_round();
    }
    void OnWriteDone(bool ok) override {
        if (ok && !holds_ && !ending_)
            next_round();
    }
    void OnDone(const grpc::Status& status) override {
        counts_.add(status);
        delete this;
    }

 private:
    // Once both the write and the read of a round are done.
    void next_round() {
        if (++halves_ % 2 != 0)
            return;
        if (++rounds_ < 10) {
            StartWrite(&sent_);
        } else {
            ending_ = true;
            StartWritesDone();
        }
        StartRead(&received_);
    }

    grpc::ClientContext context_;
    tally& counts_;
    bool holds_;
    grpc::ByteBuffer sent_;
    grpc::ByteBuffer received_;
    std::atomic<int> halves_{0};
    std::atomic<int> rounds_{0};
    std::atomic<bool> ending_{false};
};

// One message there, ten back.
class download final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
    download(grpc::GenericStub& over, tally& counts, const std::string& method)
        : counts_(counts), sent_(buffer_of("message")) {
        over.PrepareBidiStreamingCall(&context_, method, {}, this);
        StartWriteLast(&sent_, {});
        StartRead(&received_);
        StartCall();
    }
    void OnReadDone(bool ok) override {
        if (!ok)
            return;
        counts_.opened(++read_ == 1);
        StartRead(&received_);
    }
    void OnDone(const grpc::Status& status) override {
        if (status.ok() && read_ != messages)
            counts_.add({grpc::StatusCode::DATA_LOSS, "other messages"});
        else
            counts_.add(status);
        delete this;
    }

 private:
    grpc::ClientContext context_;
    tally& counts_;
    grpc::ByteBuffer sent_;
    grpc::ByteBuffer received_;
    int read_ = 0;
};

// No message in either direction. The end is a frame of its own, since the head has left before.
class empty_stream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
    empty_stream(grpc::GenericStub& over, tally& counts, const std::string& method)
        : counts_(counts) {
        over.PrepareBidiStreamingCall(&context_, method, {}, this);
        StartRead(&received_);
        StartCall();
        StartWritesDone();
    }
    void OnReadDone(bool ok) override { came_ = came_ || ok; }
    void OnDone(const grpc::Status& status) override {
        if (status.ok() && came_)
            counts_.add({grpc::StatusCode::DATA_LOSS, "a message that was not sent"});
        else
            counts_.add(status);
        delete this;
    }

 private:
    grpc::ClientContext context_;
    tally& counts_;
    grpc::ByteBuffer received_;
    bool came_ = false;
};

// Ten messages there, those behind the first one only once the server has seen that; one back.
class upload final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
    upload(grpc::GenericStub& over, tally& counts, const std::string& method)
        : counts_(counts), sent_(buffer_of("message")) {
        over.PrepareBidiStreamingCall(&context_, method, {}, this);
        StartWrite(&sent_);
        StartRead(&received_);
        StartCall();
    }
    void OnReadInitialMetadataDone(bool ok) override {
        if (ok)
            next_message();
    }
    void OnWriteDone(bool ok) override {
        if (ok)
            next_message();
    }
    void OnDone(const grpc::Status& status) override {
        if (status.ok() && text_of(received_) != std::to_string(messages))
            counts_.add({grpc::StatusCode::DATA_LOSS, "another sum"});
        else
            counts_.add(status);
        delete this;
    }

 private:
    // Of the first two steps one is the server's, so there are as many of them as messages.
    void next_message() {
        const int step = ++steps_;
        if (step > 1 && step < messages)
            StartWrite(&sent_);
        else if (step == messages)
            StartWriteLast(&sent_, {});
    }

    grpc::ClientContext context_;
    tally& counts_;
    grpc::ByteBuffer sent_;
    grpc::ByteBuffer received_;
    std::atomic<int> steps_{0};
};

// `start` begins a call that is counted when it ends.
int stream_calls(long count, bool holds, const std::function<void(tally&)>& start) {
    constexpr long at_once = 50;
    tally counts;
    for (long i = 0; i < count; ++i) {
        if (!holds && i >= at_once)
            counts.wait_ended(i - at_once + 1);
        start(counts);
    }
    if (holds) {
        counts.wait_open(count);
        std::cout << "open" << std::endl;
    }
    counts.wait_ended(count);
    return counts.print();
}

struct unary_call {
    grpc::ClientContext context;
    grpc::ByteBuffer request = buffer_of("hello");
    grpc::ByteBuffer response;
};

int unary_calls(grpc::GenericStub& over, long count, const std::string& method,
                std::chrono::milliseconds limit) {
    constexpr long at_once = 64;
    tally counts;
    for (long i = 0; i < count; ++i) {
        if (i >= at_once)
            counts.wait_ended(i - at_once + 1);
        auto* const call = new unary_call;
        if (limit.count() > 0)
            call->context.set_deadline(std::chrono::system_clock::now() + limit);
        over.UnaryCall(&call->context, method, {}, &call->request, &call->response,
                       [call, &counts](grpc::Status status) {
                           if (status.ok() && call->response.Length() != call->request.Length())
                               status = grpc::Status(grpc::StatusCode::DATA_LOSS, "another answer");
                           counts.add(status);
                           delete call;
                       });
    }
    counts.wait_ended(count);
    return counts.print();
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (mode == "server")
        return serve();
    if (argc < 3)
        return 2;
    grpc::GenericStub over(grpc::CreateChannel(argv[2], grpc::InsecureChannelCredentials()));
    const long count = argc > 3 ? std::atol(argv[3]) : 1;
    if (mode == "unary")
        return unary_calls(over, count, "/test/Echo", {});
    if (mode == "fail")
        return unary_calls(over, count, "/test/Fail", {});
    if (mode == "go")
        return unary_calls(over, 1, "/test/Go", {});
    if (mode == "deadline")
        return unary_calls(over, 1, "/test/Silent", std::chrono::milliseconds(count));
    if (mode == "bidi" || mode == "hold")
        return stream_calls(count, mode == "hold", [&](tally& counts) {
            new stream(over, counts, mode == "hold", "/test/Echo");
        });
    if (mode == "download" || mode == "held")
        return stream_calls(count, mode == "held", [&](tally& counts) {
            new download(over, counts, mode == "held" ? "/test/Held" : "/test/Ten");
        });
    if (mode == "empty")
        return stream_calls(count, false,
                            [&](tally& counts) { new empty_stream(over, counts, "/test/Echo"); });
    if (mode == "upload")
        return stream_calls(count, false,
                            [&](tally& counts) { new upload(over, counts, "/test/Sum"); });
    return 2;
}
