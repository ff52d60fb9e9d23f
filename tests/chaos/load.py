"""The clients of one phase: each opens one connection after the other, until time is up."""

import asyncio
import ssl
import time

import client_h1
import client_h2
import plan as plans
from configuration import UPSTREAMS
from wire import Gone, connect


class Load:
    def __init__(self, phase, site):
        self.phase = phase
        self.site = site                # the daemon, the authority, the ledger, the violations
        self.limit = site.options.limit
        self.end = time.monotonic() + phase.seconds
        versions = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
        self.tls = {protocol: [site.authority.client([alpn], newest) for newest in versions]
                    for protocol, alpn in (("h1", "http/1.1"), ("h2", "h2"))}

    async def run(self):
        actors = [self.act(f"a{i}", "h1") for i in range(self.phase.clients_h1)]
        actors += [self.act(f"b{i}", "h2") for i in range(self.phase.clients_h2)]
        await asyncio.gather(*actors)

    async def act(self, name, protocol):
        rng = self.phase.rng(name)
        count = 0
        while time.monotonic() < self.end:
            daemon = self.site.daemon
            secure = rng.random() < 0.4
            try:
                wire = await asyncio.wait_for(self.open(daemon, protocol, secure, rng), self.limit)
            except (OSError, asyncio.TimeoutError) as error:
                if not daemon.draining:
                    self.site.violation(f"cannot connect to daemon {daemon.number}: {error!r}")
                await asyncio.sleep(0.02)
                continue
            client = protocol + ("+tls" if secure else "")
            records = self.make_records(name, count, client, rng, daemon)
            count += len(records)
            work = asyncio.ensure_future(self.use(wire, records, protocol, secure, rng))
            if not await self.ends(work, wire):
                work.cancel()
                self.hang(records)
            await asyncio.gather(work, return_exceptions=work.cancelling() > 0)
            wire.close()

    async def ends(self, work, wire):
        """False if nothing came for too long; a slow machine may take as long as it likes."""
        while True:
            received = wire.received
            done, _ = await asyncio.wait([work], timeout=self.limit)
            if done or received == wire.received:
                return bool(done)

    def hang(self, records):
        for record in records:
            if record.answer.ending == "none" and record.sent != "nothing":
                self.site.violation(f"not a byte for {self.limit:.0f} s, and no end", record)

    async def open(self, daemon, protocol, secure, rng):
        if not secure:
            return await connect(daemon.port("plain"))
        return await connect(daemon.port("edge"), rng.choice(self.tls[protocol]), name="a.test")

    async def use(self, wire, records, protocol, secure, rng):
        try:
            if protocol == "h2":
                connection = client_h2.Connection(wire, rng, secure)
                await connection.run(records)
                if connection.peer.breach:
                    self.site.violation(f"a breach of HTTP/2: {connection.peer.breach}", records[0])
            elif records[0].plan.kind == "websocket":
                await client_h1.run_websocket(wire, records[0], rng)
            elif len(records) > 1 and records[0].sent == "pipelined":
                await client_h1.run_pipelined(wire, records, rng)
            else:
                await client_h1.run_requests(wire, records, rng)
        except (Gone, ssl.SSLError) as gone:
            for record in records:
                if record.sent != "nothing" and record.answer.ending == "none":
                    record.settle("none", str(gone))

    # ---- What is asked

    def make_records(self, name, count, client, rng, daemon):
        h2 = client.startswith("h2")
        websocket = not h2 and rng.random() < 0.06
        number = 1 if websocket else rng.choice([2, 6, 18, 45] if h2 else [1, 2, 4, 9])
        pipelined = not h2 and not websocket and number > 1 and rng.random() < 0.3
        records = []
        for i in range(number):
            upstream = rng.choice(UPSTREAMS)
            plan = self.make_plan(upstream, h2, websocket, rng)
            if pipelined:
                plan.client, plan.expect, plan.upload_pieces, plan.upload_pause = "", False, 1, 0
                plan.upload = min(plan.upload, 2000)
            token = f"p{self.phase.number}{name}n{count + i}"
            records.append(self.site.ledger.open(token, upstream, plan, client, daemon))
        if pipelined:
            records[0].sent = "pipelined"
        return records

    def make_plan(self, upstream, h2, websocket, rng):
        to_h2 = upstream.startswith("h2")
        pick = rng.random()
        if websocket or (h2 and pick < 0.04):
            return plans.make_websocket(rng)
        if h2 and to_h2 and pick < 0.2:
            plan = plans.make_grpc(rng)
        else:
            plan = plans.make_plain(rng)
        if to_h2 and plan.framing == "close":
            plan.framing = "chunked"
        if self.phase.process_faults and plan.framing == "close":
            plan.framing = "length"     # its end cannot be told from a kill
        if rng.random() < self.phase.client_faults:
            plans.add_client_fault(plan, rng)
        if rng.random() < self.phase.origin_faults:
            plans.add_origin_fault(plan, rng, plans.FAULTS_H2 if to_h2 else plans.FAULTS_H1)
        return plan
