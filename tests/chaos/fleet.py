"""The origins as processes: started, killed, stopped and started again at the same address."""

import asyncio
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Not the address that Penstock connects from, so that no connection of Penstock takes the port of
# an origin that is down for a moment.
ADDRESS = "127.0.0.2"


class Origin:
    def __init__(self, name, protocol, folder, pair=None):
        self.name = name
        self.protocol = protocol
        self.pair = pair
        self.journal = os.path.join(folder, f"journal.{name}")
        self.port = 0
        self.starts = 0
        self.process = None
        self.read_to = 0

    @property
    def endpoint(self):
        return f"{ADDRESS}:{self.port}"

    async def start(self):
        self.starts += 1
        more = ["--cert", self.pair[0], "--key", self.pair[1]] if self.pair else []
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, os.path.join(HERE, "origin.py"), "--protocol", self.protocol,
            "--journal", self.journal, "--address", ADDRESS, "--port", str(self.port),
            "--seed", str(self.starts), *more,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        line = await asyncio.wait_for(self.process.stdout.readline(), 60)
        if not line.startswith(b"ready "):
            raise RuntimeError(f"origin {self.name} did not start")
        self.port = int(line.split()[1])

    async def kill(self):
        if self.process and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)

    async def revive(self):
        """Runs again, whatever happened."""
        self.go_on()
        if self.process.returncode is not None:
            await self.start()

    def new_lines(self):
        """What the journal says since the last call: (event, token, rest)."""
        if not os.path.exists(self.journal):
            return []
        with open(self.journal, "rb") as file:
            file.seek(self.read_to)
            data = file.read()
        data = data[:data.rfind(b"\n") + 1]
        self.read_to += len(data)
        return [tuple(line.split(" ", 2)) for line in data.decode().splitlines()]


async def start_fleet(folder, authority):
    """One origin for each way to speak; two for the plain one, so that another can be tried."""
    pair = authority.issue("origin")
    made = [Origin("h1", "h1", folder), Origin("h1b", "h1", folder),
            Origin("h1s", "h1", folder, pair), Origin("h2c", "h2", folder),
            Origin("h2s", "h2", folder, pair)]
    await asyncio.gather(*(origin.start() for origin in made))
    return {origin.name: origin for origin in made}
