"""An origin as a process of its own, so that it can be killed and stopped: it does what the plan in
each request says, and writes down what it executed before it answers.

Usage: origin.py --protocol h1|h2 --journal FILE [--seed N] [--address A] [--port P]
                 [--cert PEM --key PEM]
"""

import argparse
import asyncio
import os
import random
import ssl
import sys

import origin_h1
import origin_h2
from wire import Wire


class Journal:
    """Lines of `event token what`; each survives a kill."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, event, token, what=""):
        os.write(self.file, f"{event} {token} {os.getpid()} {what}\n".encode())


def tls_of(options):
    if not options.cert:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(options.cert, options.key)
    made.set_alpn_protocols(["h2"] if options.protocol == "h2" else ["http/1.1"])
    return made


async def serve(options):
    journal = Journal(options.journal)
    rng = random.Random(options.seed)
    of = origin_h2 if options.protocol == "h2" else origin_h1
    running = set()

    def on_open(wire):
        task = asyncio.ensure_future(of.serve(wire, journal, rng))
        running.add(task)
        task.add_done_callback(lambda done: finish(done, running, journal))

    server = await asyncio.get_running_loop().create_server(
        lambda: Wire(on_open), options.address, options.port, ssl=tls_of(options), backlog=512)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    # The parent holds the other end of standard input: without a parent there is no origin either.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def finish(task, running, journal):
    running.discard(task)
    if not task.cancelled() and (error := task.exception()):
        journal.write("malformed", "-", f"{type(error).__name__}: {error}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--protocol", choices=["h1", "h2"], required=True)
    parser.add_argument("--journal", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    asyncio.run(serve(parser.parse_args()))
    os._exit(0)


main()
