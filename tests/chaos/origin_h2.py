"""The HTTP/2 side of an origin: every stream gets its planned answer, faults of the connection
among them."""

import asyncio

import h2_frames as h2
from content import in_pieces, response_body, seen
from h2_peer import Peer
from plan import Plan

GOAWAYS = ("goaway_below", "goaway_behind", "goaway_race")


async def serve(wire, journal, rng):
    await Connection(wire, journal, rng).serve()


class Connection:
    def __init__(self, wire, journal, rng):
        self.journal = journal
        self.leaving = None             # the last stream that our GOAWAY named
        self.highest = 0                # stream that was begun
        self.running = set()
        self.peer = Peer(wire, client=False, on_stream=self.begin,
                         stream_window=rng.choice([65535, 65535, 4096, 1 << 20]),
                         options=[(h2.STREAMS_MAX, rng.choice([3, 20, 100])),
                                  (h2.EXTENDED_CONNECT, 1)])

    async def serve(self):
        self.peer.start()
        await self.peer.serve()
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        self.peer.close()
        if self.peer.breach:
            raise RuntimeError(self.peer.breach)

    def begin(self, stream):
        task = asyncio.ensure_future(self.answer(stream))
        self.running.add(task)
        task.add_done_callback(self.finish)

    def finish(self, task):
        self.running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.journal.write("malformed", "-", f"{type(error).__name__}: {error}")
        if self.leaving is not None and not self.running:
            self.peer.close()

    async def answer(self, stream):
        _, fields = await stream.next()
        of = dict(fields)
        token, plan = of["x-token"], Plan.decode(of["x-plan"])
        if plan.fault == "refuse":
            self.peer.reset(stream, h2.REFUSED_STREAM)
            return
        if self.leaving is not None and stream.number > self.leaving:
            return                      # our GOAWAY says that it is not looked at
        if plan.fault == "goaway_below" and self.leaving is None and stream.number > self.highest:
            self.leave(self.highest)
            return
        self.highest = max(self.highest, stream.number)
        self.journal.write("begun", token, of[":method"])
        if plan.fault == "close_unanswered":
            self.peer.close()
            return
        if plan.fault == "reset_unanswered":
            self.peer.reset(stream, h2.INTERNAL_ERROR)
            return
        if plan.fault == "goaway_race" and self.leaving is None:
            self.leave(self.highest)
        await Answer(self.peer, stream, token, plan, of[":method"]).run()
        self.journal.write("done", token, of[":method"])
        if plan.fault == "goaway_behind" and self.leaving is None:
            self.leave(self.highest)

    def leave(self, last):
        self.leaving = last
        self.peer.post(h2.goaway(last, h2.NO_ERROR))


class Answer:
    def __init__(self, peer, stream, token, plan, method):
        self.peer = peer
        self.stream = stream
        self.token = token
        self.plan = plan
        self.method = method
        self.body = bytearray()
        self.trailers = []

    async def read_body(self):
        """False if the request broke off."""
        while True:
            what, value = await self.stream.next()
            if what == "data":
                self.body += value
                self.stream.give_back(len(value))
            elif what == "trailers":
                self.trailers = value
            elif what == "end":
                return True
            else:
                return False

    def report(self):
        made = [("x-seen", seen(bytes(self.body)))]
        if sums := [value for name, value in self.trailers if name == "x-sum"]:
            made.append(("x-seen-sum", ",".join(sums)))
        return made

    async def run(self):
        plan = self.plan
        if plan.kind == "websocket":
            await self.tunnel()
            return
        reading = asyncio.ensure_future(self.read_body())
        try:
            if not plan.early and not await reading:
                return
            await self.write(reading)
            if plan.fault == "early_and_reset":
                self.peer.reset(self.stream, h2.NO_ERROR)
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def fields(self):
        plan = self.plan
        made = [(":status", str(plan.status)), ("x-token", self.token)]
        if not plan.early:
            made += self.report()
        if plan.kind == "grpc":
            made.append(("content-type", "application/grpc"))
        elif plan.framing == "length" and plan.status not in (204, 304):
            more = 7 if plan.fault == "wrong_length" else 0
            made.append(("content-length", str(plan.length + more)))
        return made

    def end_fields(self):
        made = [("x-end", self.token), *self.report()]
        if self.plan.kind == "grpc":
            made.append(("grpc-status", "0"))
        return made

    async def write(self, reading):
        plan, stream, peer = self.plan, self.stream, self.peer
        await asyncio.sleep(plan.delay)
        for i in range(plan.interim):
            peer.send_fields(stream, [(":status", "103"), ("x-hint", f"{self.token}-{i}")], False)
        if plan.fault == "hang":
            await asyncio.sleep(30)
        trailers = plan.trailers and self.method != "HEAD" and plan.status not in (204, 304)
        body = response_body(self.token, plan.body_length)
        peer.send_fields(stream, self.fields(), end=not body and not trailers)
        sent = 0
        for piece in in_pieces(body, plan.pieces):
            last = sent + len(piece) == len(body)
            if plan.fault in ("reset_in_body", "close_in_body", "stall_in_body") and \
                    sent + len(piece) > plan.at:
                await peer.send_data(stream, piece[:plan.at - sent])
                await self.break_off()
                return
            if not await peer.send_data(stream, piece, end=last and not trailers):
                return
            sent += len(piece)
            await asyncio.sleep(plan.pause)
        if trailers:
            if plan.early:
                await reading
            peer.send_fields(stream, self.end_fields(), end=True)

    async def break_off(self):
        if self.plan.fault == "reset_in_body":
            self.peer.reset(self.stream, h2.INTERNAL_ERROR)
        elif self.plan.fault == "close_in_body":
            self.peer.close()
        else:
            await asyncio.sleep(30)

    async def tunnel(self):
        self.peer.send_fields(self.stream, [(":status", "200"), ("x-token", self.token)], False)
        while True:
            what, value = await self.stream.next()
            if what == "data":
                self.stream.give_back(len(value))
                await self.peer.send_data(self.stream, value)
            elif what == "end":
                await self.peer.send_data(self.stream, b"", end=True)
                return
            else:
                return
