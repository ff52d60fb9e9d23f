"""Latency at constant rates: how long a request takes that is sent when it is due, whether or not
the proxy has answered those before it."""

import json
import statistics
import subprocess

import peers

CONNECTIONS = 64


def load_command(port, rate, seconds):
    return ["taskset", "-c", "1", "build/release/bench/paced_load", "--port", str(port), "--path",
            "/128", "--connections", str(CONNECTIONS), "--rate", str(round(rate)), "--seconds",
            str(seconds)]


def measure(server, rate, seconds):
    before = server.cpu_seconds()
    out = subprocess.run(load_command(server.port, rate, seconds), capture_output=True, text=True,
                         check=True).stdout
    found = json.loads(out)
    return {**found["latency_us"], "rate": found["rate"], "failed": found["errors"],
            # The seconds of warming up are load too.
            "cpu_us": (server.cpu_seconds() - before) * 1e6 / (rate * (seconds + 1))}


def median_of(rounds):
    found = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    found["failed"] = sum(one["failed"] for one in rounds)
    return found


def run(names, capacity, arguments, folder):
    """`capacity`: requests a second that every proxy can do."""
    levels = [int(level) for level in arguments.levels.split(",")]
    rounds = {level: {name: [] for name in names} for level in levels}
    origin = peers.start_origin(folder, 1)
    try:
        for number in range(min(arguments.rounds, 5)):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                server = peers.start_proxy(name, origin.port, folder, 0)
                try:
                    for level in levels:
                        rounds[level][name].append(
                            measure(server, capacity * level / 100, arguments.seconds))
                finally:
                    server.stop()
    finally:
        origin.stop()
    return {"capacity": capacity, "connections": CONNECTIONS,
            "command": " ".join(load_command(0, capacity, arguments.seconds)),
            "levels": {level: {name: median_of(found) for name, found in of.items()}
                       for level, of in rounds.items()}}


def print_table(results):
    print(f"\nH1 keep-alive, 128 B, at a constant rate: percent of {results['capacity']:.0f} "
          f"requests a second, latency in microseconds from when each was due")
    print(f"  {'':10}{'level':>6}{'p50':>9}{'p90':>9}{'p99':>9}{'p99.9':>9}{'CPU us':>9}{'errors':>8}")
    for level, rows in results["levels"].items():
        for name, row in rows.items():
            print(f"  {name:10}{level:>5}%{row['p50']:9.0f}{row['p90']:9.0f}{row['p99']:9.0f}"
                  f"{row['p99.9']:9.0f}{row['cpu_us']:9.1f}{row['failed']:8.0f}")
