"""What happens to the processes beside the load: reloads, certificates, rotation, drains, and origins that
are killed and stopped."""

import asyncio
import os
import shutil
import signal

import configuration


async def reloads(site, phase):
    """Valid and broken files, certificates and log files, again and again."""
    rng = phase.rng("reloads")
    while True:
        await asyncio.sleep(rng.uniform(0.05, 0.8))
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
                site.violation(f"reload of daemon {daemon.number}: {wrong}\n{daemon.said()[-2000:]}")
        site.counts["disorder"] += 1


def swap_certificate(site, rng):
    """The two files one after the other, in any order."""
    pair = rng.choice(site.pairs)
    files = [(pair[0], "edge.pem"), (pair[1], "edge.key")]
    rng.shuffle(files)
    for source, name in files:
        shutil.copyfile(source, os.path.join(site.folder, name + ".new"))
        os.replace(os.path.join(site.folder, name + ".new"), os.path.join(site.folder, name))


async def origins(site, phase):
    """One origin at a time is killed, or stopped for a while."""
    rng = phase.rng("origins")
    while True:
        await asyncio.sleep(rng.uniform(0.05, 0.6))
        origin = rng.choice(list(site.fleet.values()))
        site.counts["disorder"] += 1
        if rng.random() < 0.5:
            await origin.kill()
            await asyncio.sleep(rng.choice([0, 0.1, 0.5]))
            await asyncio.shield(origin.start())
        else:
            origin.stop()
            try:
                await asyncio.sleep(rng.choice([0.05, 0.5, 3]))
            finally:
                origin.go_on()


async def drain(site, phase):
    """A new daemon takes over while the old one comes to its end; with `cut`, by a short deadline and at
    times a second signal. How it ended is looked at when the phase is settled."""
    rng = phase.rng("drain")
    while True:
        await asyncio.sleep(rng.uniform(0.3, 1.5))
        old = site.daemon
        await asyncio.shield(site.start_daemon(phase, rng))
        old.begin_drain()
        site.counts["drains"] += 1
        if phase.drain == "cut" and rng.random() < 0.3:
            await asyncio.sleep(rng.uniform(0, 0.5))
            old.signal(signal.SIGTERM)
        await old.wait(120)


async def run_beside(load, tasks):
    """The load to its end, then no more disorder."""
    running = [asyncio.ensure_future(task) for task in tasks]
    await load
    for task in running:
        task.cancel()
    for result in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
