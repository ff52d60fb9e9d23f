"""One penstock process: its ports, signals, metrics, descriptors, memory, and what it says on
standard error."""

import asyncio
import ctypes
import os
import re
import signal
import time

from wire import Gone, connect

LIBRARY = ctypes.CDLL(None)
TROUBLE = re.compile(r"AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:|exception|"
                     r"check failed", re.IGNORECASE)


def end_with_parent():
    """However this program ends, the process that it started ends as well (PR_SET_PDEATHSIG)."""
    LIBRARY.prctl(1, signal.SIGKILL)


class Daemon:
    count = 0

    def __init__(self, binary, folder):
        Daemon.count += 1
        self.number = Daemon.count
        self.binary = binary
        self.folder = os.path.join(folder, f"daemon{self.number}")
        os.makedirs(self.folder)
        self.configuration = os.path.join(self.folder, "penstock.yaml")
        self.access_log = os.path.join(self.folder, "access.log")
        self.errors = os.path.join(self.folder, "stderr")
        self.process = None
        self.rotations = 0
        self.memory = []                # resident, after each phase
        self.reloads = 0
        self.draining = False
        self.sockets = 0                # open at rest
        self.lines = 0                  # of the access log, so far
        self.begun = time.monotonic()

    # ---- Life

    async def start(self, text):
        self.write_configuration(text)
        with open(self.errors, "wb") as errors:
            self.process = await asyncio.create_subprocess_exec(
                self.binary, "run", "-c", self.configuration, stdin=asyncio.subprocess.DEVNULL,
                stdout=errors, stderr=errors, preexec_fn=end_with_parent)
        await self.wait_for("ready: ", 60)

    def write_configuration(self, text):
        with open(self.configuration + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.configuration + ".new", self.configuration)

    def signal(self, number):
        if self.process.returncode is None:
            self.process.send_signal(number)

    async def reload(self, text, valid=True):
        """Waits for the verdict; False if it is another than expected."""
        marks = (r": generation \d+", "reload failed")
        before = [self.count_of(mark) for mark in marks]
        self.write_configuration(text)
        self.signal(signal.SIGHUP)
        self.reloads += 1
        mark = "reload failed" if not valid else "reloaded: generation"
        wanted = before[not valid] + 1
        end = time.monotonic() + 60
        while self.count_of(marks[not valid]) < wanted:
            if time.monotonic() > end or self.process.returncode is not None:
                return f"no {mark!r} within 60 s"
            await asyncio.sleep(0.02)
        return None

    def rotate(self):
        """Renames the access log and says so; the next lines go to a new file."""
        self.rotations += 1
        if os.path.exists(self.access_log):
            os.rename(self.access_log, f"{self.access_log}.{self.rotations}")
        self.signal(signal.SIGUSR1)

    def begin_drain(self):
        self.draining = True
        self.signal(signal.SIGTERM)

    async def wait(self, limit):
        """The exit code; None if it does not end in time."""
        try:
            return await asyncio.wait_for(self.process.wait(), limit)
        except asyncio.TimeoutError:
            return None

    async def kill(self):
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    # ---- What it says

    def said(self):
        with open(self.errors, encoding="utf-8", errors="replace") as file:
            return file.read()

    def tail(self):
        return self.said()[-6000:]

    def count_of(self, pattern):
        return len(re.findall(pattern, self.said()))

    async def wait_for(self, text, limit):
        end = time.monotonic() + limit
        while text not in self.said():
            if time.monotonic() > end or self.process.returncode is not None:
                raise RuntimeError(f"penstock did not say {text!r}:\n{self.said()[-4000:]}")
            await asyncio.sleep(0.02)

    def port(self, listener):
        return int(re.findall(rf"listening on \S+:(\d+) \(listener {listener}\)", self.said())[-1])

    def troubles(self):
        return [line for line in self.said().splitlines()
                if TROUBLE.search(line) or (" error " in line and "reload failed" not in line
                                            and "penstock.yaml" not in line)]

    async def metrics(self):
        """Every sample of /metrics: (family, labels) to value."""
        port = int(re.search(r"admin on \S+:(\d+)", self.said())[1])
        wire = await connect(port)
        await wire.send(b"GET /metrics HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
        text = bytearray()
        try:
            while data := await asyncio.wait_for(wire.some(), 30):
                text += data
        except Gone:
            pass
        wire.close()
        found = re.findall(r"^(\w+)(?:\{([^}\n]*)\})? (\S+)\r?$", text.decode(), re.MULTILINE)
        return {(name, labels): float(value) for name, labels, value in found}

    def log_files(self):
        """The access log, rotated files first."""
        names = [f"{self.access_log}.{i}" for i in range(1, self.rotations + 1)] + [self.access_log]
        return [name for name in names if os.path.exists(name)]

    # ---- What it holds

    def descriptors(self):
        """Counts by kind: socket, pipe, other."""
        found = {"socket": 0, "pipe": 0, "other": 0}
        folder = f"/proc/{self.process.pid}/fd"
        for name in os.listdir(folder):
            try:
                target = os.readlink(f"{folder}/{name}")
            except OSError:
                continue
            kind = target.split(":")[0]
            found[kind if kind in found else "other"] += 1
        return found

    def resident(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) * 1024


def total(metrics, family, labels=""):
    return sum(value for (name, of), value in metrics.items() if name == family and labels in of)
