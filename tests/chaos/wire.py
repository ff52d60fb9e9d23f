"""One TCP or TLS connection of a test peer. What came before a reset stays readable, which
asyncio's own streams do not promise."""

import asyncio
import socket
import struct

BUFFER_MAX = 256 * 1024


class Gone(Exception):
    """The connection ended before what was expected of it; says how."""


class Wire(asyncio.Protocol):
    def __init__(self, on_open=None):
        self.on_open = on_open
        self.transport = None
        self.port = 0                   # ours
        self.buffer = bytearray()
        self.ended = None               # how the peer ended it
        self.received = 0
        self.paused = False
        self.more_came = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()

    # ---- What asyncio calls

    def connection_made(self, transport):
        self.transport = transport
        self.port = (transport.get_extra_info("sockname") or (0, 0))[1]
        if self.on_open:
            self.on_open(self)

    def data_received(self, data):
        self.received += len(data)
        self.buffer += data
        self.more_came.set()
        if len(self.buffer) > BUFFER_MAX and not self.paused:
            self.paused = True
            self.transport.pause_reading()

    def eof_received(self):
        self.end("end of stream")

    def connection_lost(self, error):
        self.end(f"reset ({type(error).__name__})" if error else "closed here")

    def pause_writing(self):
        self.may_write.clear()

    def resume_writing(self):
        self.may_write.set()

    def end(self, how):
        self.ended = self.ended or how
        self.more_came.set()
        self.may_write.set()

    # ---- Reading

    async def more(self):
        """Waits until there is more to read than now; Gone if nothing can come any more."""
        if self.ended:
            raise Gone(self.ended)
        self.more_came.clear()
        await self.more_came.wait()

    def taken(self, count):
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        if self.paused and len(self.buffer) <= BUFFER_MAX // 2:
            self.paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
        return data

    async def some(self, limit=65536):
        """At least one byte; b"" at the end of the stream."""
        while not self.buffer:
            if self.ended:
                return b""
            await self.more()
        return self.taken(limit)

    async def exactly(self, count):
        while len(self.buffer) < count:
            await self.more()
        return self.taken(count)

    async def until(self, mark, limit=128 * 1024):
        begin = 0
        while (at := self.buffer.find(mark, begin)) < 0:
            if len(self.buffer) > limit:
                raise Gone(f"no {mark!r} in {limit} bytes")
            begin = max(0, len(self.buffer) - len(mark) + 1)
            await self.more()
        return self.taken(at + len(mark))

    # ---- Writing

    async def send(self, data):
        self.write(data)
        await self.may_write.wait()
        if self.ended:
            raise Gone(self.ended)

    def write(self, data):
        if self.ended or self.transport.is_closing():
            raise Gone(self.ended or "closed here")
        self.transport.write(data)

    async def drained(self):
        """Waits until the kernel has all that was written."""
        while self.transport.get_write_buffer_size() and not self.ended:
            await asyncio.sleep(0.001)

    def close(self):
        self.transport.close()

    def reset(self):
        """Ends the connection with a TCP reset."""
        raw = self.transport.get_extra_info("socket")
        try:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (AttributeError, OSError):
            pass                        # it is closed already, of TLS also without a socket
        self.transport.abort()


class Slowness:
    """The pauses of a reader that does not keep up, a second of them at most."""

    def __init__(self):
        self.left = 100

    async def step(self):
        if self.left:
            self.left -= 1
            await asyncio.sleep(0.01)


async def connect(port, tls=None, host="127.0.0.1", name=None):
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(Wire, host, port, ssl=tls,
                                           server_hostname=name if tls else None)
    return wire
