"""Responses that come in small pieces, over many connections: what putting them together saves, and
what a digest costs. Penstock alone, since these are its route options."""

import json
import statistics
import subprocess

import peers

PIECES = 64
BYTES = 64
IN_FLIGHT = 64
# Besides the clients' connections: those to the origin, and what else a process has open.
DESCRIPTORS_APART = 1400

ROWS = {
    "unbuffered": ("/plain", False),
    "buffered": ("/flush", False),
    "buffered, as many connections as the limit lets": ("/flush", True),
    "buffered + SHA-256": ("/digest", False),
}


def configuration(port, origin):
    flush = "flush: {bytes: 16KiB, interval: 20ms}"
    return f"""workers: 1
listeners: {{web: {{bind: "127.0.0.1:{port}", limits: {{connections: 0}}}}}}
upstreams: {{app: {{endpoints: ["127.0.0.1:{origin}"], pool: {{connections: 1024}}}}}}
routes:
- {{name: plain, match: {{path: {{prefix: /plain}}}}, upstream: app}}
- {{name: flush, match: {{path: {{prefix: /flush}}}}, upstream: app, {flush}}}
- {{name: digest, match: {{path: {{prefix: /digest}}}}, upstream: app, {flush}, digest: sha-256}}
"""


class Drip:
    """The origin that writes while it computes."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["taskset", "-c", "1", "build/release/bench/drip_origin", "--pieces", str(PIECES),
             "--bytes", str(BYTES)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def load_command(port, path, connections, seconds):
    return ["taskset", "-c", "1", "build/release/bench/paced_load", "--port", str(port), "--path",
            path, "--connections", str(connections), "--in-flight", str(IN_FLIGHT), "--seconds",
            str(seconds)]


def measure(origin, path, connections, seconds, folder):
    port = peers.free_port()
    file = f"{folder}/streams.yaml"
    with open(file, "w") as out:
        out.write(configuration(port, origin.port))
    server = peers.Server([peers.PENSTOCK, "run", "-c", file], port, 0)
    try:
        before = server.cpu_seconds()
        out = subprocess.run(load_command(port, path, connections, seconds), capture_output=True,
                             text=True, check=True).stdout
        used = server.cpu_seconds() - before
        found = json.loads(out)
        # A second of warming up at the same pace, and what it takes to accept the connections.
        requests = found["requests"] * (seconds + 1) / seconds
        return {"connections": connections, "rate": found["rate"], "failed": found["errors"],
                "cpu_us": used * 1e6 / max(requests, 1), "p50": found["latency_us"]["p50"],
                "p99": found["latency_us"]["p99"]}
    finally:
        server.stop()


def run(arguments, descriptors, folder):
    most = descriptors - DESCRIPTORS_APART
    rounds = {name: [] for name in ROWS}
    origin = Drip()
    try:
        for _ in range(min(arguments.rounds, 5)):
            for name, (path, many) in ROWS.items():
                connections = most if many else min(arguments.streams, most)
                rounds[name].append(
                    measure(origin, path, connections, arguments.seconds, folder))
    finally:
        origin.stop()
    rows = {}
    for name, found in rounds.items():
        rows[name] = {key: statistics.median(one[key] for one in found) for key in found[0]}
        rows[name]["failed"] = sum(one["failed"] for one in found)
    return {"pieces": PIECES, "bytes": BYTES, "in_flight": IN_FLIGHT, "rows": rows,
            "command": " ".join(load_command(0, "/flush", arguments.streams, arguments.seconds))}


def print_table(results):
    print(f"\nresponses in {results['pieces']} pieces of {results['bytes']} B, "
          f"{results['in_flight']} of them at a time, over all connections in turn")
    print(f"  {'':50}{'connections':>12}{'req/s':>9}{'x':>6}{'CPU us':>9}{'p50 ms':>9}{'p99 ms':>9}"
          f"{'errors':>8}")
    first = next(iter(results["rows"].values()))["rate"]
    for name, row in results["rows"].items():
        print(f"  {name:50}{row['connections']:12.0f}{row['rate']:9.0f}{row['rate'] / first:6.1f}"
              f"{row['cpu_us']:9.0f}{row['p50'] / 1000:9.1f}{row['p99'] / 1000:9.1f}"
              f"{row['failed']:8.0f}")
