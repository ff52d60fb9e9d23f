"""What was asked and what came of it, one record for each token, until its phase is settled."""

import dataclasses
import time

from plan import Plan


@dataclasses.dataclass
class Answer:
    status: int = 0                 # 0 = no head came
    fields: list = dataclasses.field(default_factory=list)
    interim: list = dataclasses.field(default_factory=list)
    body: bytearray = dataclasses.field(default_factory=bytearray)
    trailers: list = dataclasses.field(default_factory=list)
    # none: not a byte of it; whole; broken: visibly; denied: Penstock said that it did not look at
    # the request; left: the client went away on purpose.
    ending: str = "none"
    how: str = ""

    def value(self, name):
        """Of the field, in the head or else in the trailers."""
        return next((value for key, value in [*self.fields, *self.trailers] if key == name), None)

    @property
    def own_reason(self):
        """The reason of a reply that Penstock made itself."""
        said = next((value for key, value in self.fields if key == "proxy-status"), "")
        if said.startswith("penstock; error="):
            return said.removeprefix("penstock; error=")
        # gRPC has it in the message.
        if self.value("grpc-status") not in (None, "0"):
            return self.value("grpc-message") or ""
        return ""


@dataclasses.dataclass
class Record:
    token: str
    upstream: str
    plan: Plan
    client: str                     # h1, h1+tls, h2, h2+tls
    daemon: object
    answer: Answer = dataclasses.field(default_factory=Answer)
    begun: float = dataclasses.field(default_factory=time.monotonic)
    took: float = 0
    sent: str = "nothing"
    stream: str = ""                # where it was: local port, stream
    begun_at_origin: list = dataclasses.field(default_factory=list)
    lines: list = dataclasses.field(default_factory=list)   # of the access log

    @property
    def path(self):
        return f"/{self.upstream}/{self.token}"

    def fields(self):
        made = [("x-token", self.token), ("x-plan", self.plan.encode())]
        if self.plan.padding:
            made.append(("x-padding", "p" * self.plan.padding))
        if self.plan.kind == "grpc":
            made.append(("content-type", "application/grpc"))
        if self.plan.kind != "websocket":
            made.append(("te", "trailers"))
        return made

    def settle(self, ending, how=""):
        self.answer.ending = ending
        self.answer.how = how
        self.took = time.monotonic() - self.begun

    def story(self):
        answer = self.answer
        return "\n".join([
            f"  token {self.token}, {self.client} to {self.upstream}, {self.stream}, daemon"
            f" {self.daemon.number}", f"  plan {self.plan}",
            f"  sent {self.sent}; after {self.took:.3f} s: {answer.ending} ({answer.how}), status"
            f" {answer.status}, {len(answer.body)} bytes, {len(answer.interim)} interim",
            f"  head {answer.fields}", f"  trailers {answer.trailers}",
            f"  at the origin: {self.begun_at_origin or 'not begun'}",
            *(f"  log: {line}" for line in self.lines)])


class Ledger:
    def __init__(self):
        self.records = {}
        self.total = 0

    def open(self, *of):
        made = Record(*of)
        self.records[made.token] = made
        self.total += 1
        return made

    def take_all(self):
        taken, self.records = self.records, {}
        return taken
