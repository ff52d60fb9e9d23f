"""A client of HTTP/1.1: one connection, its requests one after the other or pipelined, whole or cut
off on purpose."""

import asyncio
import base64

import h1_wire as h1
from content import in_pieces, request_body
from wire import Gone, Slowness


class Left(Exception):
    """The client went away, as planned."""


def request_head(record):
    plan = record.plan
    fields = [("host", "a.test"), *record.fields()]
    if plan.kind == "websocket":
        key = base64.b64encode(record.token.encode().ljust(16)[:16]).decode()
        fields += [("upgrade", "websocket"), ("connection", "upgrade"),
                   ("sec-websocket-version", "13"), ("sec-websocket-key", key)]
    elif plan.upload_chunked:
        fields.append(("transfer-encoding", "chunked"))
    elif plan.method in ("POST", "PUT"):
        fields.append(("content-length", str(plan.upload)))
    if plan.expect:
        fields.append(("expect", "100-continue"))
    return h1.head_bytes(f"{plan.method} {record.path} HTTP/1.1", fields)


def body_parts(record):
    """What follows the head, in the pieces in which it is written."""
    plan = record.plan
    pieces = in_pieces(request_body(record.token, plan.upload), plan.upload_pieces)
    if plan.upload_chunked:
        end = h1.last_chunk([("x-sum", record.token)] if plan.upload_trailers else [])
        return [*(h1.chunk(piece) for piece in pieces), end]
    return pieces


class Exchange:
    def __init__(self, wire, record, rng):
        self.wire = wire
        self.record = record
        self.rng = rng
        self.continued = asyncio.Event()
        self.keeps = True
        self.slow = Slowness()

    async def run(self):
        """Whether the connection can take another request."""
        sender = asyncio.ensure_future(self.send())
        try:
            await self.read_answer()
        finally:
            if self.record.answer.ending != "whole" or not self.keeps:
                sender.cancel()
            done = await asyncio.gather(sender, return_exceptions=True)
            if isinstance(done[0], Left):
                self.record.settle("left", "while sending")
        return self.keeps and self.record.answer.ending == "whole"

    async def send(self):
        record, plan = self.record, self.record.plan
        head = request_head(record)
        step = self.rng.randrange(1, len(head)) if plan.client == "slow_send" else len(head)
        for at in range(0, len(head), step):
            await self.wire.send(head[at:at + step])
            record.sent = f"{min(at + step, len(head))} of {len(head)} bytes of the head"
            if step < len(head):
                await asyncio.sleep(0.005)
        if plan.expect:
            try:
                await asyncio.wait_for(self.continued.wait(), 1)
            except asyncio.TimeoutError:
                pass                    # a client need not wait for it
        sent = 0
        for part in body_parts(record):
            if plan.client == "abort_send" and sent + len(part) > plan.client_at:
                await self.wire.send(part[:plan.client_at - sent])
                record.sent = f"the head, and {plan.client_at} bytes of the body, then the end"
                self.leave()
                raise Left()
            await self.wire.send(part)
            sent += len(part)
            record.sent = f"the head and {sent} bytes of the body"
            await asyncio.sleep(plan.upload_pause)
        record.sent = "all"

    def leave(self):
        if self.rng.random() < 0.5:
            self.wire.reset()
        else:
            self.wire.close()

    async def take(self, data):
        plan, answer = self.record.plan, self.record.answer
        answer.body += data
        if plan.client == "abort_read" and len(answer.body) >= plan.client_at:
            self.leave()
            raise Left()
        if plan.client == "slow_read":
            await self.slow.step()

    async def read_answer(self):
        record = self.record
        before = self.wire.received - len(self.wire.buffer)
        try:
            await self.read_head()
            await self.read_body()
            record.settle("whole")
        except Gone as gone:
            some = self.wire.received > before
            record.settle("broken" if some else "none", str(gone))
        except h1.Malformed as wrong:
            record.settle("malformed", str(wrong))
        except Left:
            record.settle("left", "while reading")

    async def read_head(self):
        answer = self.record.answer
        while True:
            line, fields = await h1.read_head(self.wire)
            status = h1.status_of(line)
            if status >= 200 or status == 101:
                break
            self.continued.set()
            if status != 100:
                answer.interim.append(fields)
        answer.status, answer.fields = status, fields
        self.continued.set()

    async def read_body(self):
        answer, fields = self.record.answer, self.record.answer.fields
        self.keeps = h1.field(fields, "connection", "").lower() != "close"
        length, coding = h1.field(fields, "content-length"), h1.field(fields, "transfer-encoding")
        if length and coding:
            raise h1.Malformed("two framings")
        if self.record.plan.client == "abort_read" and self.record.plan.client_at == 0:
            await self.take(b"")
        if self.record.plan.method == "HEAD" or answer.status in (204, 304):
            return
        if coding:
            answer.trailers = await h1.read_chunked(self.wire, self.take)
        elif length is not None:
            await h1.read_length(self.wire, int(length), self.take)
        else:
            self.keeps = False
            await h1.read_to_end(self.wire, self.take)


async def run_requests(wire, records, rng):
    """One after the other."""
    for record in records:
        record.stream = f"port {wire.port}"
        if not await Exchange(wire, record, rng).run():
            return


async def run_pipelined(wire, records, rng):
    """All at once. What is not answered, because an answer before it ended the connection, must not
    have been looked at."""
    for record in records:
        record.stream = f"pipelined on port {wire.port}"
        record.sent = "all"
    try:
        await wire.send(b"".join(request_head(r) + b"".join(body_parts(r)) for r in records))
    except Gone:
        pass
    for at, record in enumerate(records):
        exchange = Exchange(wire, record, rng)
        await exchange.read_answer()
        if record.answer.ending != "whole" or not exchange.keeps:
            for rest in records[at + 1:]:
                rest.settle("denied", "the answer before ended the connection")
            return


async def run_websocket(wire, record, rng):
    """Everything that is sent comes back."""
    record.stream = f"port {wire.port}"
    exchange = Exchange(wire, record, rng)
    answer = record.answer
    try:
        record.sent = "the head"
        await wire.send(request_head(record))
        await exchange.read_head()
        if answer.status != 101:
            await exchange.read_body()
            record.settle("whole")
            return
        body = request_body(record.token, record.plan.upload)
        for piece in in_pieces(body, record.plan.upload_pieces):
            await wire.send(piece)
            answer.body += await wire.exactly(len(piece))
            await asyncio.sleep(record.plan.upload_pause)
        record.sent = "all"
        record.settle("whole")
    except Gone as gone:
        record.settle("broken" if answer.status else "none", str(gone))
    except h1.Malformed as wrong:
        record.settle("malformed", str(wrong))
