"""What happens to the processes alongside the load: reloads, certificates, rotation, drains, and
origins that are killed and stopped. Each ends by itself, in good order, once the load is over."""

import asyncio
import os
import shutil
import signal

import configuration


class Clock:
    """Waits that end early with the load."""

    def __init__(self):
        self.over = asyncio.Event()

    async def wait(self, seconds):
        """Whether the load still runs."""
        try:
            await asyncio.wait_for(self.over.wait(), seconds)
        except asyncio.TimeoutError:
            pass
        return not self.over.is_set()


async def reloads(site, phase, clock):
    """Valid and broken files, certificates and log files, again and again."""
    rng = phase.rng("reloads")
    while await clock.wait(rng.uniform(0.05, 0.8)):
        daemon, pick = site.daemon, rng.random()
        if daemon.draining:
            continue
        if pick < 0.2:
            daemon.rotate()
        elif pick < 0.35:
            swap_certificate(site, rng)
        else:
            text = site.make_configuration(phase, rng)
            valid = pick < 0.75
            wrong = await daemon.reload(text if valid else configuration.broken(rng, text), valid)
            if wrong and not daemon.draining:
                site.violation(f"reload of daemon {daemon.number}: {wrong}\n{daemon.tail()}")
        site.counts["reloads, rotations, certificates"] += 1


def swap_certificate(site, rng):
    """The two files one after the other, in any order."""
    pair = rng.choice(site.pairs)
    files = [(pair[0], "edge.pem"), (pair[1], "edge.key")]
    rng.shuffle(files)
    for source, name in files:
        shutil.copyfile(source, os.path.join(site.folder, name + ".new"))
        os.replace(os.path.join(site.folder, name + ".new"), os.path.join(site.folder, name))


async def origins(site, phase, clock):
    """One origin at a time is killed, or stopped for a while."""
    rng = phase.rng("origins")
    while await clock.wait(rng.uniform(0.05, 0.6)):
        origin = rng.choice(list(site.fleet.values()))
        site.counts["origins killed or stopped"] += 1
        if rng.random() < 0.5:
            await origin.kill()
            await clock.wait(rng.choice([0.01, 0.1, 0.5]))
            await origin.start()
        else:
            origin.stop()
            await clock.wait(rng.choice([0.05, 0.5, 3]))
            origin.go_on()


async def drain(site, phase, clock):
    """A new daemon takes over while the old one comes to its end; with `cut`, by a short deadline
    and at times a second signal. How it ended is looked at when the phase is settled."""
    rng = phase.rng("drain")
    while await clock.wait(rng.uniform(0.3, 1.5)):
        old = site.daemon
        await site.start_daemon(phase, rng)
        old.begin_drain()
        site.counts["drains"] += 1
        if phase.drain == "cut" and rng.random() < 0.3:
            await clock.wait(rng.uniform(0.01, 0.5))
            old.signal(signal.SIGTERM)
        await old.wait(120)


async def run_beside(load, site, phase):
    """The load to its end, with what the phase has beside it."""
    clock = Clock()
    chosen = [(phase.reloads, reloads), (phase.process_faults, origins), (phase.drain, drain)]
    running = [asyncio.ensure_future(start(site, phase, clock))
               for wanted, start in chosen if wanted]
    try:
        await load
    finally:
        clock.over.set()
        await asyncio.gather(*running)
