"""What one phase of some seconds is made of, from the seed and its number alone."""

import dataclasses
import random


NEAR = {"connection_timeout", "connection_read_timeout", "connection_write_timeout", "head_timeout",
        "body_timeout", "write_timeout", "connection_limit_reached"}


@dataclasses.dataclass
class Phase:
    seed: int
    number: int
    seconds: float
    name: str = "calm"
    origin_faults: float = 0        # share of requests whose origin misbehaves
    client_faults: float = 0        # share of requests whose client does
    process_faults: bool = False    # origins are killed and stopped
    reloads: bool = False           # valid and broken files, certificates, rotation
    drain: str = ""                 # whole: in peace; cut: with a short deadline
    tight: bool = False             # small pools
    clients_h1: int = 14
    clients_h2: int = 6

    @property
    def patient(self):
        """Nothing makes a peer wait for long, so deadlines are far away."""
        return not self.faulty

    @property
    def faulty(self):
        return bool(self.origin_faults or self.process_faults or self.drain == "cut")

    def rng(self, *of):
        return random.Random(":".join(map(str, (self.seed, self.number, *of))))

    def forgives(self, record, why=""):
        """Whether this request may fail, visibly."""
        plan = record.plan
        if plan.client.startswith("abort"):
            return True
        if any(line["penstock.reason"] == "stalled_client" for line in record.lines):
            return self.tight or self.faulty    # it gave way to others, who waited
        shared = record.upstream.startswith("h2")
        lone = not self.process_faults and self.drain != "cut" and not shared
        if plan.fault or not lone or not plan.repeatable:
            return self.faulty
        # Others' origins misbehave, each on a connection of its own; what is found dead is tried
        # again. Deadlines are near in such a phase, and the machine may be slow.
        return self.faulty and why in NEAR

    def describe(self):
        more = [f"{f.name}={getattr(self, f.name)}" for f in dataclasses.fields(self)[4:-2]
                if getattr(self, f.name)]
        return ", ".join([f"phase {self.number} {self.name}: {self.seconds:.0f} s", *more])


KINDS = {
    "calm": {},
    "tight": {"tight": True},
    "clients": {"client_faults": 0.3},
    "reloads": {"reloads": True, "client_faults": 0.1},
    "drain": {"drain": "whole", "client_faults": 0.1},
    "origins": {"origin_faults": 0.2},
    "processes": {"process_faults": True},
    "storm": {"origin_faults": 0.1, "client_faults": 0.2, "process_faults": True, "reloads": True},
    "cut": {"drain": "cut", "origin_faults": 0.1, "client_faults": 0.1, "reloads": True},
    "squeeze": {"tight": True, "origin_faults": 0.1, "client_faults": 0.2},
}


def make_phase(seed, number, seconds, only=None):
    """Each kind in turn, so that a short run sees most, in an order of the seed."""
    names = [only] if only else list(KINDS)
    round_of = number // len(names)
    random.Random(f"{seed}:order:{round_of}").shuffle(names)
    name = names[number % len(names)]
    return Phase(seed, number, seconds, name, **KINDS[name])
