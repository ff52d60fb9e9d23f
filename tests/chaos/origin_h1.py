"""The HTTP/1.1 side of an origin: one connection, one planned answer after the other."""

import asyncio
import base64
import hashlib

import h1_wire as h1
from content import in_pieces, response_body, seen
from plan import Plan
from wire import Gone

REASONS = {200: "OK", 204: "No Content", 304: "Not Modified", 404: "Not Found", 500: "Failed"}
UNANSWERED = {"close_unanswered", "reset_unanswered"}


class Request:
    def __init__(self, line, fields):
        self.method, self.target, self.version = line.split(" ")
        self.fields = fields
        self.token = h1.field(fields, "x-token")
        self.plan = Plan.decode(h1.field(fields, "x-plan"))
        self.body = bytearray()
        self.trailers = []

    async def read_body(self, wire):
        async def take(data):
            self.body.extend(data)
        length = h1.field(self.fields, "content-length")
        if h1.field(self.fields, "transfer-encoding") == "chunked":
            self.trailers = await h1.read_chunked(wire, take)
        elif length:
            await h1.read_length(wire, int(length), take)

    def report(self):
        """What was read, in fields."""
        if self.plan.fault == "early_and_close":
            return []
        made = [("x-seen", seen(bytes(self.body)))]
        if sums := [value for name, value in self.trailers if name == "x-sum"]:
            made.append(("x-seen-sum", ",".join(sums)))
        return made


async def serve(wire, journal, _rng):
    try:
        while True:
            line, fields = await h1.read_head(wire)
            request = Request(line, fields)
            journal.write("begun", request.token, request.method)
            if not await answer(wire, request, journal):
                break
    except Gone:
        pass
    finally:
        wire.close()


async def answer(wire, request, journal):
    """Whether the connection serves on."""
    plan = request.plan
    if plan.fault in UNANSWERED:
        if not plan.early:
            await request.read_body(wire)
        if plan.fault == "reset_unanswered":
            wire.reset()
        return False
    if plan.kind == "websocket":
        return await tunnel(wire, request)
    if h1.field(request.fields, "expect"):
        await wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    reading = None
    if plan.early:
        if plan.fault != "early_and_close":
            reading = asyncio.ensure_future(request.read_body(wire))
    else:
        await request.read_body(wire)
    try:
        keep = await write_answer(wire, request, reading)
        if reading:
            await reading
    finally:
        if reading:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    journal.write("done", request.token, request.method)
    return keep and plan.fault not in ("early_and_close", "close_behind")


def head_of(request):
    plan = request.plan
    fields = [("x-token", request.token)]
    if not plan.early:
        fields += request.report()
    if plan.framing == "close":
        fields.append(("connection", "close"))
    elif plan.status in (204, 304):
        pass
    elif plan.framing == "chunked" or plan.trailers:
        fields.append(("transfer-encoding", "chunked"))
    else:
        fields.append(("content-length", str(plan.length if plan.framing == "length" else 0)))
    line = f"HTTP/1.1 {plan.status} {REASONS.get(plan.status, 'Other')}"
    if plan.fault == "bad_status_line":
        line = f"HTTP/1.1 {plan.status}x nonsense"
    return h1.head_bytes(line, fields)


async def write_answer(wire, request, reading):
    plan = request.plan
    await asyncio.sleep(plan.delay)
    for i in range(plan.interim):
        hint = [("x-hint", f"{request.token}-{i}")]
        await wire.send(h1.head_bytes("HTTP/1.1 103 Early Hints", hint))
    if plan.fault == "hang":
        await asyncio.sleep(30)
    head = head_of(request)
    if plan.fault == "close_in_head":
        await wire.send(head[:len(head) // 2])
        return False
    chunked = (plan.framing == "chunked" or plan.trailers) and plan.status not in (204, 304)
    pending = head
    body = response_body(request.token, plan.body_length)
    sent = 0
    for piece in in_pieces(body, plan.pieces):
        if plan.fault in ("close_in_body", "reset_in_body", "bad_chunk", "stall_in_body") and \
                sent + len(piece) > plan.at:
            return await break_off(wire, plan, pending, piece[:plan.at - sent], chunked)
        pending += h1.chunk(piece) if chunked else piece
        sent += len(piece)
        if plan.fault == "bytes_behind" and sent == len(body):
            break
        await wire.send(pending)
        pending = b""
        await asyncio.sleep(plan.pause)
    if chunked and request.method != "HEAD":
        if plan.early and plan.trailers and reading:
            await reading
        trailers = [("x-end", request.token), *request.report()] if plan.trailers else []
        pending += h1.last_chunk(trailers)
    if plan.fault == "bytes_behind":
        # With the end in one write: what comes later may meet the next request as its answer.
        await wire.drained()
        await wire.send(pending[:-100])
        await wire.drained()
        pending = pending[-100:] + b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nsmuggle"
    if pending:
        await wire.send(pending)
    return plan.framing != "close"


async def break_off(wire, plan, pending, rest, chunked):
    if plan.fault == "bad_chunk":
        await wire.send(pending + h1.chunk(rest) + b"zz\r\nno chunk\r\n")
        return False
    # Framed for more than there is, so that the end cannot be taken for a whole body.
    data = b"%x\r\n%s" % (len(rest) + 10, rest) if chunked else rest
    await wire.send(pending + data)
    if plan.fault == "stall_in_body":
        await asyncio.sleep(30)
    if plan.fault == "reset_in_body":
        await asyncio.sleep(0.01)
        wire.reset()
    return False


async def tunnel(wire, request):
    """Accepts the upgrade, and sends back whatever comes."""
    key = h1.field(request.fields, "sec-websocket-key")
    proof = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    await wire.send(h1.head_bytes("HTTP/1.1 101 Switching Protocols", [
        ("upgrade", "websocket"), ("connection", "upgrade"), ("x-token", request.token),
        ("sec-websocket-accept", base64.b64encode(proof).decode())]))
    while data := await wire.some():
        await wire.send(data)
    return False
