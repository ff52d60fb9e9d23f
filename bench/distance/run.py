#!/usr/bin/env python3
"""Transfers over a distance: 20 MB up from a client and down from an origin, over HTTP/1 and HTTP/2.

    bench/distance/run.py --binary build/release/penstock --line build/release/bench/delay_line

A delay line (tests/support/delay_line.hpp) stands in front of Penstock for uploads, and in front of
the origin for downloads. Prints for each round trip the median of some runs over a new connection
("cold"), and of the second download over the same one ("warm"), in seconds, and HTTP/2's as a
multiple of HTTP/1's. The origin is nginx, for HTTP/2 as well (http2 without TLS).
"""
import argparse
import os
import re
import signal
import statistics
import subprocess
import tempfile
import time

SIZE = 20_000_000


class Started:
    """A program that prints where it listens; gone with the block."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)

    def find(self, pattern):
        for line in self.process.stdout:
            found = re.search(pattern, line)
            if found:
                return int(found.group(1))
        raise SystemExit(f"{self.process.args[0]} ended")

    def port(self):
        return self.find(r"port (\d+)")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def nginx(folder, port, http2):
    """Takes uploads of any size, and has a file of SIZE bytes."""
    conf = os.path.join(folder, f"nginx{port}.conf")
    with open(conf, "w", encoding="ascii") as out:
        out.write(f"""daemon off; worker_processes 1; pid {folder}/nginx{port}.pid;
error_log stderr crit;
events {{}}
http {{
  access_log off; root {folder}; client_max_body_size 0; client_body_temp_path {folder}/body;
  keepalive_requests 100000;
  server {{
    listen 127.0.0.1:{port}{' http2' if http2 else ''};
    location = /up {{ proxy_pass http://127.0.0.1:{port}/sink; proxy_request_buffering off; }}
    location = /sink {{ client_body_buffer_size 32m; return 200; }}
  }}
}}
""")
    started = Started(["nginx", "-c", conf, "-p", folder])
    for _ in range(200):
        import socket
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return started
        except OSError:
            time.sleep(0.02)
    raise SystemExit("nginx does not listen")


SINK = """
import http.server
class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        while left > 0:
            left -= len(self.rfile.read1(min(left, 1 << 20)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
print("port", server.server_port, flush=True)
server.serve_forever()
"""


def proxy(arguments, folder, origin, protocol):
    path = os.path.join(folder, "penstock.yaml")
    with open(path, "w", encoding="ascii") as out:
        out.write(f"""workers: 1
listeners: {{web: {{bind: "127.0.0.1:0"}}}}
routes: [{{upstream: app}}]
upstreams: {{app: {{endpoints: ["127.0.0.1:{origin}"], protocol: {protocol}}}}}
""")
    return Started([arguments.binary, "run", "-c", path])


def curl(version, url, upload=None):
    """Seconds of each transfer: one upload, or two downloads over one connection."""
    command = ["curl", "-s", version]
    for _ in range(1 if upload else 2):
        command += (["-T", upload] if upload else []) + [url, "-o", "/dev/null"]
    command += ["-w", "%{http_code} %{time_total}\n"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    if set(out[0::2]) != {"200"}:
        raise SystemExit(f"{' '.join(command)}: {out}")
    return [float(each) for each in out[1::2]]


def measure(runs, transfer):
    seen = [transfer() for _ in range(runs)]
    return [statistics.median(each) for each in zip(*seen)]


def report(what, round_trip, first, second):
    for name, one, two in zip(("cold", "warm"), first, second):
        print(f"{what:5} {round_trip:4} ms {name}: HTTP/1 {one:.3f} s, HTTP/2 {two:.3f} s, "
              f"x {two / one:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--line", required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--round-trips", default="0,50,200")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        large = os.path.join(folder, "large")
        with open(large, "wb") as out:
            out.write(os.urandom(SIZE))
        for round_trip in map(int, arguments.round_trips.split(",")):
            each_way = str(round_trip // 2)
            with Started(["python3", "-c", SINK]) as sink:
                with proxy(arguments, folder, sink.port(), "http/1.1") as web:
                    port = web.find(r"127\.0\.0\.1:(\d+)")
                    with Started([arguments.line, str(port), each_way]) as line:
                        url = f"http://127.0.0.1:{line.port()}/up"
                        report("up", round_trip,
                               measure(arguments.runs, lambda: curl("--http1.1", url, large)),
                               measure(arguments.runs,
                                       lambda: curl("--http2-prior-knowledge", url, large)))
            seen = []
            for protocol in ("http/1.1", "h2"):
                port = free_port()
                with nginx(folder, port, protocol == "h2"):
                    with Started([arguments.line, str(port), each_way]) as line:
                        far = line.port()
                        # Each over a connection to the origin that is new, then one that is not.
                        times = []
                        for _ in range(arguments.runs):
                            with proxy(arguments, folder, far, protocol) as web:
                                near = web.find(r"127\.0\.0\.1:(\d+)")
                                times.append(curl("--http1.1", f"http://127.0.0.1:{near}/large"))
                        seen.append([statistics.median(each[i] for each in times)
                                     for i in range(2)])
            report("down", round_trip, *seen)


main()
