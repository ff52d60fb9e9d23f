// Both ends of gRPC calls, by gRPC's own C++ library, as a program: an echo server, and a client
// that makes many calls and counts how they end.
//
//   grpc_peer server                    prints "port N"; every message comes back
//   grpc_peer unary TARGET CALLS        prints "ok N failed N status CODE …"
//   grpc_peer bidi TARGET STREAMS       likewise, each with ten messages there and back
//   grpc_peer hold TARGET STREAMS       opens them, prints "open", and waits for their end
//   grpc_peer deadline TARGET           one call to /test/Silent with a deadline of 300 ms
//
// Methods: /test/Echo; /test/Fail ends with status 9 and no message; /test/Silent says nothing.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace {

grpc::ByteBuffer buffer_of(const std::string& text) {
    const grpc::Slice slice(text);
    return {&slice, 1};
}

class echo final : public grpc::ServerGenericBidiReactor {
 public:
    explicit echo(const std::string& method) : method_(method) {
        if (method_ == "/test/Fail")
            Finish(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "on purpose"));
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

class service final : public grpc::CallbackGenericService {
    grpc::ServerGenericBidiReactor* CreateReactor(
        grpc::GenericCallbackServerContext* context) override {
        return new echo(context->method());
    }
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

int stream_calls(grpc::GenericStub& over, long count, bool holds) {
    constexpr long at_once = 50;
    tally counts;
    for (long i = 0; i < count; ++i) {
        if (!holds && i >= at_once)
            counts.wait_ended(i - at_once + 1);
        new stream(over, counts, holds, "/test/Echo");
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
    if (mode == "deadline")
        return unary_calls(over, 1, "/test/Silent", std::chrono::milliseconds(300));
    if (mode == "bidi" || mode == "hold")
        return stream_calls(over, count, mode == "hold");
    return 2;
}
