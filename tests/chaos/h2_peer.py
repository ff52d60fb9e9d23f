"""One HTTP/2 connection of a test peer, client or origin. It shares nothing with Penstock's
library, and takes whatever breaks the rules for an error.

Flow: `start`, then `serve` alongside everything else; `open` (clients) or `on_stream` (origins)
gives a Stream, whose `next` says what came on it.
"""

import asyncio

import hpack

import h2_frames as h2
from h1_wire import Malformed
from h2_stream import Stream
from wire import Gone

CONNECTION_WINDOW = 4 << 20


class Peer:
    def __init__(self, wire, client, options=(), stream_window=65535, on_stream=None):
        self.wire = wire
        self.client = client
        self.options = list(options)
        self.stream_window = stream_window
        self.on_stream = on_stream
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.streams = {}
        self.closed = set()
        self.next_number = 1
        self.highest = 0                # stream that the other side opened
        self.send_window = 65535
        self.receive_window = CONNECTION_WINDOW
        self.peer_window = 65535
        self.peer_settings = {}
        self.settled = asyncio.Event()  # their SETTINGS came
        self.room = asyncio.Event()     # some window opened
        self.goaway = None              # (last, code) that they sent
        self.block = None               # (first frame, bytes) of a header block that goes on
        self.breach = None
        self.out = bytearray()

    # ---- Connection

    def start(self):
        begin = h2.PREFACE if self.client else b""
        pairs = [(h2.WINDOW, self.stream_window), *self.options]
        self.post(begin + h2.settings(pairs) +
                  h2.window_update(0, CONNECTION_WINDOW - 65535))

    def post(self, data):
        """Leaves with everything else of this turn of the loop, in one write."""
        if not self.out:
            asyncio.get_running_loop().call_soon(self.flush)
        self.out += data

    def flush(self):
        data, self.out = bytes(self.out), bytearray()
        try:
            if data:
                self.wire.write(data)
        except Gone:
            pass                        # serve() finds out

    def close(self):
        self.flush()
        self.wire.close()

    async def serve(self):
        """Reads until the end; afterwards every stream has been told."""
        try:
            if not self.client and await self.wire.exactly(24) != h2.PREFACE:
                raise Malformed("no preface")
            first = True
            while True:
                of = await h2.read_frame(self.wire)
                if first and of.kind != h2.SETTINGS:
                    raise Malformed(f"the first frame is {of.kind}")
                first = False
                self.take(of)
                await self.wire.may_write.wait()
        except Gone as gone:
            self.lose(str(gone))
        except (Malformed, hpack.HPACKError, IndexError, ValueError) as wrong:
            self.breach = f"{type(wrong).__name__}: {wrong}"
            self.post(h2.goaway(self.highest, h2.PROTOCOL_ERROR))
            self.close()
            self.lose(self.breach)

    def lose(self, how):
        for stream in list(self.streams.values()):
            stream.finish("lost", how)
        self.streams.clear()
        self.settled.set()
        self.room.set()

    # ---- Frames that came

    def take(self, of):
        if self.block and of.kind != h2.CONTINUATION:
            raise Malformed("a frame within a header block")
        handler = {h2.DATA: self.take_data, h2.HEADERS: self.take_headers,
                   h2.CONTINUATION: self.take_continuation, h2.RST_STREAM: self.take_reset,
                   h2.SETTINGS: self.take_settings, h2.PING: self.take_ping,
                   h2.GOAWAY: self.take_goaway, h2.WINDOW_UPDATE: self.take_window}.get(of.kind)
        if handler:
            handler(of)
        elif of.kind == h2.PUSH_PROMISE:
            raise Malformed("PUSH_PROMISE")

    def stream_of(self, of):
        """None for a stream that is closed here."""
        if stream := self.streams.get(of.stream):
            return stream
        idle = of.stream >= self.next_number if self.client else of.stream > self.highest
        if idle or of.stream == 0:
            raise Malformed(f"frame {of.kind} on idle stream {of.stream}")
        return None

    def take_data(self, of):
        size = len(of.payload)
        self.receive_window -= size
        if self.receive_window < 0:
            raise Malformed("DATA beyond the window of the connection")
        if size:
            self.receive_window += size
            self.post(h2.window_update(0, size))
        stream = self.stream_of(of)
        if not stream:
            return
        if stream.they_ended or not stream.heads:
            raise Malformed(f"DATA on stream {of.stream} in the wrong place")
        stream.receive_window -= size
        if stream.receive_window < 0:
            raise Malformed(f"DATA beyond the window of stream {of.stream}")
        data = h2.without_padding(of)
        stream.give_back(size - len(data))
        if data:
            stream.tell("data", data)
        if of.flags & h2.END_STREAM:
            self.they_end(stream)

    def take_headers(self, of):
        self.block = (of, h2.without_padding(of))
        self.end_block(of)

    def take_continuation(self, of):
        if not self.block or self.block[0].stream != of.stream:
            raise Malformed("CONTINUATION in the wrong place")
        self.block = (self.block[0], self.block[1] + of.payload)
        self.end_block(of)

    def end_block(self, of):
        if not of.flags & h2.END_HEADERS:
            return
        (first, data), self.block = self.block, None
        fields = [(str(name), str(value)) for name, value in self.decoder.decode(data)]
        new = not self.client and first.stream > self.highest
        if new:
            if first.stream % 2 == 0:
                raise Malformed("a client's stream with an even number")
            self.highest = first.stream
            self.streams[first.stream] = Stream(self, first.stream)
        stream = self.stream_of(first)
        if not stream:
            return
        self.take_fields(stream, fields, bool(first.flags & h2.END_STREAM))
        if new:
            self.on_stream(stream)

    def take_fields(self, stream, fields, end):
        if stream.they_ended:
            raise Malformed(f"HEADERS behind the end of stream {stream.number}")
        has_pseudo = any(name.startswith(":") for name, _ in fields)
        status = dict(fields).get(":status", "") if self.client else ""
        if has_pseudo and stream.heads:
            raise Malformed("a second head")
        if not has_pseudo and not (stream.heads and end):
            raise Malformed("trailers in the wrong place")
        if status.startswith("1"):
            stream.tell("interim", fields)
            return
        stream.tell("head" if has_pseudo else "trailers", fields)
        stream.heads += 1
        if end:
            self.they_end(stream)

    def they_end(self, stream):
        stream.they_ended = True
        stream.tell("end")
        self.forget_if_done(stream)

    def take_reset(self, of):
        if stream := self.stream_of(of):
            stream.finish("reset", h2.number_of(of.payload))
            self.forget(stream)

    def take_settings(self, of):
        if of.flags & h2.ACK:
            return
        for key, value in h2.pairs_of(of.payload):
            self.peer_settings[key] = value
            if key == h2.WINDOW:
                for stream in self.streams.values():
                    stream.send_window += value - self.peer_window
                self.peer_window = value
            elif key == h2.TABLE_SIZE:
                self.encoder.header_table_size = min(value, 4096)
        self.post(h2.frame(h2.SETTINGS, h2.ACK, 0))
        self.settled.set()
        self.room.set()

    def take_ping(self, of):
        if not of.flags & h2.ACK:
            self.post(h2.frame(h2.PING, h2.ACK, 0, of.payload))

    def take_goaway(self, of):
        last = h2.number_of(of.payload)
        if self.goaway and last > self.goaway[0]:
            raise Malformed("GOAWAY with a higher stream than before")
        self.goaway = (last, h2.number_of(of.payload, 4))
        if self.client:
            for stream in [s for n, s in self.streams.items() if n > last]:
                stream.finish("reset", h2.REFUSED_STREAM)
                self.forget(stream)

    def take_window(self, of):
        count = h2.number_of(of.payload)
        if of.stream == 0:
            self.send_window += count
        elif stream := self.stream_of(of):
            stream.send_window += count
        self.room.set()

    # ---- Frames that leave

    def open(self, fields, end):
        stream = Stream(self, self.next_number)
        self.next_number += 2
        self.streams[stream.number] = stream
        self.send_fields(stream, fields, end)
        return stream

    def send_fields(self, stream, fields, end):
        if stream.over:
            return
        block = self.encoder.encode(fields)
        size = 16384
        parts = [block[at:at + size] for at in range(0, len(block), size)] or [b""]
        for i, part in enumerate(parts):
            flags = (h2.END_HEADERS if i == len(parts) - 1 else 0) | \
                (h2.END_STREAM if end and i == 0 else 0)
            self.post(h2.frame(h2.CONTINUATION if i else h2.HEADERS, flags, stream.number, part))
        if end:
            self.we_end(stream)

    async def send_data(self, stream, data, end=False):
        """Within the windows. False if the stream ended before."""
        while data and not stream.over:
            count = min(len(data), stream.send_window, self.send_window, 16384)
            if count <= 0:
                self.room.clear()
                await self.room.wait()
                if self.wire.ended:
                    return False
                continue
            stream.send_window -= count
            self.send_window -= count
            part, data = data[:count], data[count:]
            last = end and not data
            self.post(h2.frame(h2.DATA, h2.END_STREAM if last else 0, stream.number, part))
            if last:
                self.we_end(stream)
            await self.wire.may_write.wait()
        if end and not stream.over and not stream.we_ended:
            self.post(h2.frame(h2.DATA, h2.END_STREAM, stream.number))
            self.we_end(stream)
        return not stream.over

    def we_end(self, stream):
        stream.we_ended = True
        self.forget_if_done(stream)

    def reset(self, stream, code):
        if not stream.over and self.streams.get(stream.number) is stream:
            self.post(h2.reset(stream.number, code))
            stream.finish("reset", code)
            self.forget(stream)

    def forget_if_done(self, stream):
        if stream.we_ended and stream.they_ended:
            self.forget(stream)

    def forget(self, stream):
        self.streams.pop(stream.number, None)
        self.room.set()
