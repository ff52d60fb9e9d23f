"""One stream of an HTTP/2 connection: its windows, how far it is, and what came on it."""

import asyncio

import h2_frames as h2


class Stream:
    def __init__(self, peer, number):
        self.peer = peer
        self.number = number
        self.send_window = peer.peer_window
        self.receive_window = peer.stream_window
        self.came = asyncio.Queue()     # (what, value)
        self.heads = 0
        self.they_ended = False
        self.we_ended = False
        self.over = None                # why nothing more can come or go

    async def next(self):
        """("head" | "interim" | "trailers", fields), ("data", bytes), ("end", None),
        ("reset", code) or ("lost", how)."""
        if self.came.empty() and self.over:
            return self.over
        return await self.came.get()

    def tell(self, what, value=None):
        self.came.put_nowait((what, value))

    def finish(self, what, value):
        if not self.over:
            self.over = (what, value)
            self.tell(what, value)

    def give_back(self, count):
        """Opens the window again for what was read."""
        if count and not self.over and not self.they_ended:
            self.receive_window += count
            self.peer.post(h2.window_update(self.number, count))
