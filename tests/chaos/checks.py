"""What must hold when a phase is over: every answer, what was executed, gauges, counters, log
lines, descriptors and memory."""

import asyncio
import time

from access_log import judge_lines
from daemon import total
from verdict import judge

GAUGES = ["penstock_connections", "penstock_http2_streams", "penstock_upstream_http2_streams",
          "penstock_upstream_tunnels", "penstock_upstream_queue", "penstock_upstream_connections"]
PATIENCE = 60                           # seconds until everything is at rest
PIPES_MAX = 2 * 2 * 64                  # descriptors of the pipes that two workers keep


async def settle(site, phase):
    records = site.ledger.take_all()
    for origin in site.fleet.values():
        await origin.revive()
    for daemon in [d for d in site.daemons if d.draining]:
        await settle_ended(site, daemon, records)
    await settle_running(site, site.daemon, records)
    read_journals(site, records)
    for record in records.values():
        if record.sent == "nothing" and record.answer.ending == "none":
            record.settle("unsent", "the connection had ended before")
        site.count(record)
        for problem in judge(record, phase) + judge_lines(record):
            site.violation(problem, record)


async def settle_ended(site, daemon, records):
    code = await daemon.wait(PATIENCE)
    if code != 0:
        site.violation(f"daemon {daemon.number} ended with {code}\n{daemon.tail()}")
        await daemon.kill()
    take_lines(site, daemon, records)
    take_troubles(site, daemon)
    site.daemons.remove(daemon)


def take_lines(site, daemon, records):
    for wrong in site.readers[daemon.number].take(records):
        site.violation(wrong)


def take_troubles(site, daemon):
    for line in daemon.troubles():
        if line not in site.told:
            site.told.add(line)
            site.violation(f"daemon {daemon.number} says: {line}\n{daemon.tail()}")


async def settle_running(site, daemon, records):
    if daemon.process.returncode is not None:
        raise RuntimeError(f"penstock died with {daemon.process.returncode}\n{daemon.tail()}")
    metrics = await wait_for_rest(site, daemon)
    dropped = total(metrics, "penstock_log_dropped_total")
    wanted = total(metrics, "penstock_requests_total")
    end = time.monotonic() + 20
    while True:
        take_lines(site, daemon, records)
        if daemon.lines + dropped >= wanted or time.monotonic() > end:
            break
        await asyncio.sleep(0.1)
    if not wanted - dropped <= daemon.lines <= wanted:
        site.violation(f"daemon {daemon.number}: {wanted:.0f} requests counted, {daemon.lines} log"
                       f" lines, {dropped:.0f} dropped")
    if not dropped:
        compare_counts(site, daemon, metrics)
    for name, labels in metrics:
        if "_other" in labels:
            site.violation(f"_other in {name}{{{labels}}}")
    if total(metrics, "penstock_worker_exceptions_total"):
        site.violation(f"daemon {daemon.number} counts exceptions")
    take_troubles(site, daemon)
    check_memory(site, daemon)


def compare_counts(site, daemon, metrics):
    """Every counter of requests, and that of attempts, is what the log lines add up to."""
    reader = site.readers[daemon.number]
    counted = {labels: int(value) for (name, labels), value in metrics.items()
               if name == "penstock_requests_total" and value}
    if counted != dict(reader.counts):
        different = {labels: (counted.get(labels, 0), reader.counts.get(labels, 0))
                     for labels in counted.keys() | reader.counts.keys()
                     if counted.get(labels, 0) != reader.counts.get(labels, 0)}
        site.violation(f"counted otherwise than logged, daemon {daemon.number}: {different}")
        reader.counts.update({labels: a - b for labels, (a, b) in different.items()})
    attempts = total(metrics, "penstock_upstream_attempts_total")
    if attempts != reader.attempts:
        site.violation(f"{attempts:.0f} attempts counted, {reader.attempts} logged,"
                       f" daemon {daemon.number}")
        reader.attempts = attempts


async def wait_for_rest(site, daemon):
    """The metrics once all gauges are 0 and all sockets closed."""
    end = time.monotonic() + PATIENCE
    while True:
        metrics = await daemon.metrics()
        busy = {f"{name}{{{labels}}}": value for (name, labels), value in metrics.items()
                if name in GAUGES and value}
        held = daemon.descriptors()
        if not busy and held["socket"] <= daemon.sockets and held["pipe"] <= PIPES_MAX + 8:
            # A scrape takes a while: what ended during it may be in one family and not in another.
            return await daemon.metrics()
        if time.monotonic() > end:
            site.violation(f"daemon {daemon.number} is not at rest after {PATIENCE} s: {busy},"
                           f" descriptors {held}, {daemon.sockets} sockets at start")
            return metrics
        await asyncio.sleep(0.1)


def check_memory(site, daemon):
    """Bounded, and without a trend: the last third of a long life is not above the one before."""
    daemon.memory.append(daemon.resident())
    if site.memory_max and daemon.memory[-1] > daemon.memory[0] + site.memory_max:
        site.violation(f"daemon {daemon.number} grew to {daemon.memory[-1] >> 20} MiB from"
                       f" {daemon.memory[0] >> 20} MiB")
        daemon.memory[0] = daemon.memory[-1]
    third = len(daemon.memory) // 3
    if site.memory_max and third >= 8:
        middle, last = (sorted(daemon.memory[at:at + third])[third // 2]
                        for at in (third, 2 * third))
        if last > middle + site.memory_max // 3:
            site.violation(f"daemon {daemon.number} grows: {middle >> 20} MiB, then"
                           f" {last >> 20} MiB")
            daemon.memory.clear()
            daemon.memory.append(last)


def read_journals(site, records):
    for origin in site.fleet.values():
        for event, token, rest in origin.new_lines():
            if event == "malformed":
                site.violation(f"origin {origin.name}: {rest}")
            elif event == "begun" and token in records:
                records[token].begun_at_origin.append(f"{origin.name} {rest}")
