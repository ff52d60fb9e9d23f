// The contract between the two sides, and the heart of the design: a proxy is
// `response = handler(request)` with bodies that are pulled. Neither side knows which protocol
// version the other speaks.
//
// Flow: the downstream connection reads a head, fills a `request` and awaits `handle`. The response
// comes back once its head is known; its body is then pulled with take/wait and written. The
// request's body is pulled by the handler at the same time (full duplex). At the end the downstream
// side awaits `response.body->close()`, which joins the handler. Nobody takes: back-pressure.
//
// Lifetime: the request outlives the response body; both are used on one worker only.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/base/recycled.hpp"
#include "penstock/exchange/client_story.hpp"
#include "penstock/exchange/record.hpp"
#include "penstock/http/message.hpp"
#include "penstock/net/endpoint.hpp"
#include "penstock/net/pipe.hpp"
#include "penstock/net/task.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::exchange {

// A body, pulled by its consumer.
class body_source {
 public:
    virtual ~body_source() = default;

    // Bytes that are here now, at most `max`, without framing; no wait and no copy. Empty: either
    // finished() or wait() for more. The view is valid until the next call on this object.
    [[nodiscard]] virtual result<std::string_view> take(std::size_t max) = 0;
    // How many of the next bytes could be moved from socket to socket; 0 = they have to be taken,
    // because they are here already, or because framing or TLS is among them.
    [[nodiscard]] virtual std::uint64_t movable() const noexcept { return 0; }
    // As take(), but the bytes go into an empty pipe. For callers whom movable() allowed it.
    // Returns how many; 0 as an empty view of take().
    [[nodiscard]] virtual result<std::size_t> move_into(net::pipe&, std::size_t) {
        return std::size_t{0};
    }
    // Returns once take() has something, finished() is true, or with the error that ended the body.
    [[nodiscard]] virtual net::task<result<void>> wait() = 0;
    // Nobody takes in this turn of the loop any more: bytes that are here may move to where they
    // take little room.
    virtual void park() {}
    // Ends a wait() that is under way as if something had come; take() then may have nothing. The
    // body stays as it is, for whoever takes it next.
    virtual void wake() noexcept {}
    // True once every byte was taken and the end was seen. A body that is finished may have
    // trailers all the same.
    [[nodiscard]] virtual bool finished() const noexcept = 0;
    // True if the head is the whole message: there are no bytes, no trailers, and no end that is
    // still to be sent. An empty body that ends by itself is not absent.
    [[nodiscard]] virtual bool absent() const noexcept {
        return finished() && length() == std::uint64_t{0} && trailers().empty();
    }
    // The length announced by the head, if it was.
    [[nodiscard]] virtual std::optional<std::uint64_t> length() const noexcept = 0;
    // Trailer fields; complete once finished().
    [[nodiscard]] virtual const http::fields& trailers() const noexcept = 0;
    // The consumer wants no more; what is left is the producer's to drain or cut.
    virtual void stop() noexcept = 0;
    // True if nothing of the producer is left to join: then `close` may be left out.
    [[nodiscard]] virtual bool settled() const noexcept { return false; }
    // Joins what the producer runs beside the consumer. Awaited once, after the last take or stop.
    [[nodiscard]] virtual net::task<> close() = 0;

    // Bodies are recycled per thread like coroutine frames.
    static void* operator new(std::size_t size) { return allocate_recycled(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        release_recycled(memory, size);
    }
};

// Told once when the exchange is to end early: the client went, or the total deadline passed.
class abort_listener {
 public:
    virtual void on_abort(error why) noexcept = 0;

 protected:
    ~abort_listener() = default;
};

// The downstream side fires it; what waits on the upstream side attaches itself while it waits.
class abort_signal {
 public:
    void fire(error why) noexcept;
    [[nodiscard]] error fired() const noexcept { return fired_; }

    // Attached for its lifetime. A signal that has fired already tells the listener at once.
    class attachment {
     public:
        attachment(abort_signal& signal, abort_listener& listener) noexcept;
        ~attachment();
        attachment(const attachment&) = delete;
        attachment& operator=(const attachment&) = delete;

     private:
        friend class abort_signal;
        abort_signal& signal_;
        abort_listener& listener_;
        attachment* next_ = nullptr;
    };

 private:
    attachment* first_ = nullptr;
    error fired_;
};

// Passes interim (1xx) heads to the client, before the response.
class interim_sink {
 public:
    [[nodiscard]] virtual net::task<result<void>> send_interim(const http::response_head& head) = 0;

 protected:
    ~interim_sink() = default;
};

// The client's side of an exchange, for whoever shares out what is scarce.
class client_side {
 public:
    // The exchange stands still because its client does, and others wait for what it holds. Ends it
    // with net::errc::stalled_client: fires `aborted`, and resets a response that has begun. False
    // if it is ending already.
    [[nodiscard]] virtual bool give_way() noexcept = 0;

 protected:
    ~client_side() = default;
};

// Fields as they came, kept for texts that are put together once the head has been edited. Recycled
// per thread.
struct kept_fields {
    http::fields fields;

    static void* operator new(std::size_t size) { return allocate_recycled(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        release_recycled(memory, size);
    }
};

struct request {
    http::request_head head;        // the handler may edit it
    body_source* body = nullptr;    // never null in handle(); absent() if there is none
    bool expects_continue = false;  // the client waits for 100 before it sends the body
    bool wants_websocket = false;   // a switch to `websocket` that could be followed; its key
                                    // and its version are the origin's to judge
    // The protocols of an Upgrade that could be followed, in the client's order; the handler leaves
    // the one that its route follows if that is no websocket, else nothing.
    std::string upgrade;
    bool accepts_trailers = false;  // TE: trailers was there, which is about the response's
    bool tls = false;
    // What the client has shown and proved to own: DER in base64, empty = nothing.
    std::string_view client_certificate;
    std::string_view client_subject;             // whom that certificate is for (RFC 4514)
    std::string_view server_name;                // SNI; empty = none
    const net::socket_address* peer = nullptr;   // that has the connection
    const net::socket_address* local = nullptr;  // where it connected to
    // What the peer says of its client, if its word counts (exchange/client_rules); else null.
    std::unique_ptr<client_story> told;
    // The fields that the route's texts read, if it has any that do; else null.
    std::unique_ptr<kept_fields> kept;
    std::uint64_t connection = 0;   // number of the client's connection; it is never reused
    bool served_before = false;     // that connection has taken a whole response
    client_side* client = nullptr;  // null = it never gives way
    // When the limit that refuses it ends, as far as that is known; 0 = it is not.
    milliseconds retry_after{0};
    interim_sink* interim = nullptr;
    abort_signal* aborted = nullptr;
    exchange::record* record = nullptr;

    // Whom limits, shares, hashes and origins take for the client.
    [[nodiscard]] const net::socket_address& client_address() const noexcept {
        return told && !told->hops.empty() ? told->hops.back() : *peer;
    }
    [[nodiscard]] bool peer_trusted() const noexcept { return told != nullptr; }

    // The protocol that is to be switched to; empty = none. After the handler has chosen.
    [[nodiscard]] std::string_view protocol() const noexcept {
        return wants_websocket ? std::string_view("websocket") : std::string_view(upgrade);
    }
    // As made, but the head keeps its memory for the next request.
    void clear() noexcept {
        head.clear();
        body = nullptr;
        upgrade.clear();
        expects_continue = wants_websocket = accepts_trailers = tls = false;
        client_certificate = client_subject = server_name = {};
        peer = local = nullptr;
        told.reset();
        kept.reset();
        connection = 0;
        served_before = false;
        retry_after = milliseconds{0};
        client = nullptr;
        interim = nullptr;
        aborted = nullptr;
        record = nullptr;
    }
};

struct response {
    http::response_head head;
    // Null = no body (HEAD, 204, 304, or a head that is the whole message).
    std::unique_ptr<body_source> body;
    // Length to announce when there is no body to ask: the origin's Content-Length on HEAD and 304.
    std::optional<std::uint64_t> announced_length;
    // 101: from here on body is the origin's raw bytes, and request.body the client's.
    bool upgraded = false;
    // The client connection ends after this response.
    bool close = false;
    // The client is gone: nothing of this response is sent, and the record says 499. A status 499
    // alone does not say so: origins use it for other things.
    bool for_nobody = false;
};

// What a downstream connection hands its requests to. One per worker and generation.
class handler {
 public:
    virtual ~handler() = default;
    // Never throws for what peers cause; failures come back as responses of our own.
    [[nodiscard]] virtual net::task<response> handle(request& from) = 0;
    // The reply to a message that could not be read or served; `from` holds what was understood.
    [[nodiscard]] virtual response refuse(request& from, reason why) = 0;
    // The largest request body that the matching route allows, 0 = no cap. Asked before handle(),
    // of a request whose body is not known yet.
    [[nodiscard]] virtual std::uint64_t body_limit(const request& of) const = 0;
    // True if some request for a websocket may be granted; who says no is asked for none.
    [[nodiscard]] virtual bool takes_websockets() const noexcept { return false; }
    // The exchange is over; its record is complete.
    virtual void finished(const record& of) noexcept = 0;
    // An error met by the downstream side (body, write) as its reason.
    [[nodiscard]] virtual reason reason_of(error why) const noexcept = 0;
};

}  // namespace penstock::exchange
