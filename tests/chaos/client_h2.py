"""A client of HTTP/2: one connection with many requests at the same time."""

import asyncio

import h2_frames as h2
from content import in_pieces, request_body
from h2_peer import Peer
from wire import Slowness


class Connection:
    def __init__(self, wire, rng, secure):
        self.rng = rng
        self.scheme = "https" if secure else "http"
        self.peer = Peer(wire, client=True, options=[(h2.PUSH, 0)],
                         stream_window=rng.choice([65535, 65535, 3000, 1 << 20]))
        self.port = wire.port

    async def run(self, records):
        peer = self.peer
        peer.start()
        reading = asyncio.ensure_future(peer.serve())
        await peer.settled.wait()
        # More than a proxy takes up at once, at times.
        limit = asyncio.Semaphore(min(self.rng.choice([1, 4, 12, 60]),
                                      peer.peer_settings.get(h2.STREAMS_MAX, 100)))
        await asyncio.gather(*(self.request(record, limit) for record in records))
        if self.rng.random() < 0.3:
            peer.post(h2.goaway(0, h2.NO_ERROR))
        peer.close()
        await reading

    async def request(self, record, limit):
        async with limit:
            if self.peer.goaway or self.peer.wire.ended:
                record.settle("unsent")
                return
            stream = self.open(record)
            sender = asyncio.ensure_future(self.send(record, stream))
            await self.read(record, stream)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            if not stream.we_ended or not stream.they_ended:
                left = record.answer.ending == "left"
                self.peer.reset(stream, h2.CANCEL if left else h2.NO_ERROR)

    def open(self, record):
        plan = record.plan
        fields = [(":method", "CONNECT" if plan.kind == "websocket" else plan.method),
                  (":scheme", self.scheme), (":authority", "a.test"), (":path", record.path),
                  *record.fields()]
        if plan.kind == "websocket":
            fields[4:4] = [(":protocol", "websocket")]
            fields.append(("sec-websocket-version", "13"))
        elif not plan.upload_chunked and plan.method in ("POST", "PUT"):
            fields.append(("content-length", str(plan.upload)))
        open_end = plan.kind != "plain" or plan.upload or plan.upload_trailers
        stream = self.peer.open(fields, end=not open_end)
        record.stream = f"port {self.port} stream {stream.number}"
        record.sent = "the head"
        return stream

    async def send(self, record, stream):
        plan, peer, sent = record.plan, self.peer, 0
        if plan.kind == "websocket" or stream.we_ended:
            record.sent = "all" if stream.we_ended else record.sent
            return
        pieces = in_pieces(request_body(record.token, plan.upload), plan.upload_pieces)
        for piece in pieces:
            if plan.client == "abort_send" and sent + len(piece) > plan.client_at:
                await peer.send_data(stream, piece[:plan.client_at - sent])
                record.sent = f"the head and {plan.client_at} bytes, then a reset"
                record.settle("left", "while sending")
                peer.reset(stream, h2.CANCEL)
                return
            end = piece is pieces[-1] and not plan.upload_trailers and self.rng.random() < 0.7
            if not await peer.send_data(stream, piece, end):
                return
            sent += len(piece)
            record.sent = f"the head and {sent} bytes"
            await asyncio.sleep(plan.upload_pause)
        if plan.upload_trailers:
            peer.send_fields(stream, [("x-sum", record.token)], end=True)
        elif not stream.we_ended:
            await peer.send_data(stream, b"", end=True)
        record.sent = "all"

    async def read(self, record, stream):
        answer, plan, slow = record.answer, record.plan, Slowness()
        while answer.ending != "left":
            what, value = await stream.next()
            if what == "interim":
                answer.interim.append(value)
            elif what == "head":
                answer.status, answer.fields = int(dict(value)[":status"]), value
                if plan.kind == "websocket" and answer.status == 200:
                    await self.tunnel(record, stream)
                    return
            elif what == "data":
                answer.body += value
                if plan.client == "slow_read":
                    await slow.step()
                stream.give_back(len(value))
            elif what == "trailers":
                answer.trailers = value
            elif what == "end":
                self.end(record)
                return
            else:
                self.break_off(record, what, value)
                return
            if plan.client == "abort_read" and answer.status and len(answer.body) >= plan.client_at:
                record.settle("left", "while reading")

    def end(self, record):
        answer = record.answer
        length = dict(answer.fields).get("content-length")
        bodyless = record.plan.method == "HEAD" or answer.status in (204, 304)
        if length and not bodyless and int(length) != len(answer.body):
            record.settle("broken", "another length than content-length says")
        else:
            record.settle("whole")

    def break_off(self, record, what, value):
        if record.answer.ending == "left":
            return
        if what == "reset" and value == h2.REFUSED_STREAM:
            record.settle("denied", "REFUSED_STREAM, or above the GOAWAY")
        else:
            record.settle("broken" if record.answer.status else "none", f"{what} {value}")

    async def tunnel(self, record, stream):
        body = request_body(record.token, record.plan.upload)
        for piece in in_pieces(body, record.plan.upload_pieces):
            await self.peer.send_data(stream, piece)
            wanted = len(record.answer.body) + len(piece)
            while len(record.answer.body) < wanted:
                what, value = await stream.next()
                if what != "data":
                    self.break_off(record, what, value)
                    return
                record.answer.body += value
                stream.give_back(len(value))
        record.sent = "all"
        await self.peer.send_data(stream, b"", end=True)
        record.settle("whole")
