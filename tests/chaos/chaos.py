#!/usr/bin/python3
"""Chaos: a real penstock between clients and origins that misbehave, with reloads, drains and
kills. Every request has a token, by which its answer, its execution and its log line are checked.

Usage: chaos.py --binary PENSTOCK [--minutes M | --phases P | --phase K] [--seed N] [--seconds S]

Ends with 1 if there was a violation. Each names its seed and phase; `--seed N --phase K` runs that
phase alone. docs/testing.md says more.
"""

import argparse
import asyncio
import collections
import os
import random
import signal
import shutil
import sys
import tempfile
import time

import configuration
import disorder
from access_log import LogReader
from certificates import Authority
from checks import settle
from daemon import Daemon
from fleet import start_fleet
from ledger import Ledger
from load import Load
from phase import KINDS, make_phase

SHOWN_OF_A_KIND = 3


def sanitized(binary):
    """Whether memory of the process says nothing of Penstock's."""
    with open(binary, "rb") as file:
        text = file.read()
    return b"__asan_init" in text or b"__tsan_init" in text


class Site:
    """Everything that one run has: processes, files, the ledger, and what was found."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.authority = Authority(folder)
        self.pairs = [self.authority.issue("edge") for _ in range(4)]
        self.ledger = Ledger()
        self.fleet = {}
        self.daemon = None
        self.daemons = []
        self.readers = {}
        self.told = set()
        self.phase = None
        self.violations = 0
        self.kinds = collections.Counter()
        self.counts = collections.Counter()
        self.memory_max = 0 if sanitized(options.binary) else 48 << 20

    async def start_daemon(self, phase, rng):
        made = Daemon(self.options.binary, self.folder)
        self.readers[made.number] = LogReader(made)
        self.daemons.append(made)
        await made.start(self.make_configuration(phase, rng))
        made.sockets = made.descriptors()["socket"]
        self.daemon = made

    def make_configuration(self, phase, rng):
        return configuration.make(rng, self.fleet, self.folder, phase.tight, phase.patient)

    def count(self, record):
        answer = record.answer
        self.counts["requests"] += 1
        self.counts[f"{answer.ending}{' ' + answer.own_reason if answer.own_reason else ''}"] += 1

    def violation(self, text, record=None):
        self.violations += 1
        kind = " ".join(word for word in text.split()[:8] if not any(c.isdigit() for c in word))
        self.kinds[kind] += 1
        if self.kinds[kind] > SHOWN_OF_A_KIND:
            return
        print(f"VIOLATION (seed {self.options.seed}, {self.phase.describe()}): {text}", flush=True)
        if record:
            print(record.story(), flush=True)
        print(f"  look again: --seed {self.options.seed} --phase {self.phase.number}", flush=True)

    async def run_phase(self, phase):
        self.phase = phase
        rng = phase.rng("configuration")
        if self.daemon is None:
            disorder.swap_certificate(self, rng)
            await self.start_daemon(phase, rng)
        elif wrong := await self.daemon.reload(self.make_configuration(phase, rng)):
            self.violation(f"reload: {wrong}\n{self.daemon.tail()}")
        await disorder.run_beside(Load(phase, self).run(), self, phase)
        await settle(self, phase)

    async def end(self):
        """The last daemon ends as it should, and nothing of ours stays."""
        try:
            if self.daemon and self.daemon.process and self.daemon.process.returncode is None:
                self.daemon.begin_drain()
                if (code := await self.daemon.wait(90)) != 0:
                    self.violation(f"the last daemon ended with {code}\n{self.daemon.tail()}")
        finally:
            for process in [*self.daemons, *self.fleet.values()]:
                await process.kill()


def report(site, began):
    print("\n".join(f"  {count:8d} {what}" for what, count in sorted(site.counts.items())))
    for what, count in site.kinds.most_common():
        print(f"  {count:8d} VIOLATION {what}")
    print(f"{site.counts['requests']} requests in {time.monotonic() - began:.0f} s,"
          f" seed {site.options.seed}: {site.violations} violations", flush=True)


async def run(options, folder):
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asyncio.current_task().cancel)
    site, began = Site(options, folder), time.monotonic()
    numbers = [options.phase] if options.phase is not None else range(options.phases)
    try:
        site.fleet = await start_fleet(folder, site.authority)
        for number in numbers:
            phase = make_phase(options.seed, number, options.seconds, options.kind)
            await site.run_phase(phase)
            if not options.quiet:
                print(f"{time.monotonic() - began:6.0f} s {phase.describe()};"
                      f" {site.counts['requests']} requests, {site.violations} violations,"
                      f" {site.daemon.memory[-1] >> 20} MiB", flush=True)
            if options.minutes and time.monotonic() - began > options.minutes * 60:
                break
    finally:
        await site.end()
        report(site, began)
    return site.violations


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=os.environ.get("PENSTOCK_BINARY"))
    parser.add_argument("--minutes", type=float, help="end with the phase in which they are over")
    parser.add_argument("--phases", type=int, default=1 << 30, help="end after so many")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16))
    parser.add_argument("--phase", type=int, help="only this one")
    parser.add_argument("--kind", choices=KINDS, help="phases of this kind only")
    parser.add_argument("--seconds", type=float, default=5, help="of a phase")
    parser.add_argument("--limit", type=float, default=120,
                        help="seconds without a byte for a client that waits; above every deadline")
    parser.add_argument("--keep", action="store_true",
                        help="leave the folder with logs and journals")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="penstock-chaos-")
    try:
        violations = asyncio.run(run(options, folder))
    finally:
        if options.keep:
            print(f"logs and journals: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if violations else 0)


main()
