"""What one request is to be: what its client sends, what its origin answers, and what goes wrong on
purpose. The origin learns of its part from a field of the request."""

import dataclasses
import json

# What an origin does instead of a whole answer. `at` says behind how many bytes of the body.
FAULTS_H1 = ["close_unanswered", "reset_unanswered", "bad_status_line", "close_in_head",
             "close_in_body", "reset_in_body", "bad_chunk", "bytes_behind", "close_behind",
             "hang", "stall_in_body", "early_and_close"]
FAULTS_H2 = ["refuse", "reset_unanswered", "reset_in_body", "goaway_below", "goaway_behind",
             "goaway_race", "close_unanswered", "close_in_body", "wrong_length", "hang",
             "stall_in_body", "early_and_reset"]
# RFC 9110 §9.2.2.
IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}


@dataclasses.dataclass
class Plan:
    kind: str = "plain"             # plain, grpc, websocket
    method: str = "GET"
    padding: int = 0                # bytes of a field that makes the head long
    upload: int = 0                 # bytes
    upload_chunked: bool = False
    upload_trailers: bool = False
    upload_pieces: int = 1
    upload_pause: float = 0         # seconds between pieces
    expect: bool = False            # Expect: 100-continue
    status: int = 200
    length: int = 0
    framing: str = "length"         # length, chunked, close (HTTP/1 only), empty
    trailers: bool = False
    interim: int = 0
    delay: float = 0                # seconds before the head
    pieces: int = 1
    pause: float = 0                # seconds between pieces
    early: bool = False             # the answer does not wait for the upload
    fault: str = ""
    at: int = 0
    client: str = ""                # what the client does on purpose: abort_send, slow_read …
    client_at: int = 0

    def encode(self):
        names = [f.name for f in dataclasses.fields(self)
                 if getattr(self, f.name) != f.default and not f.name.startswith("client")]
        return json.dumps({name: getattr(self, name) for name in names}, separators=(",", ":"))

    @staticmethod
    def decode(text):
        return Plan(**json.loads(text))

    @property
    def repeatable(self):
        """Whether a proxy may send it again: nothing is lost, and twice is as good as once."""
        return self.kind == "websocket" or (self.method in IDEMPOTENT and self.upload == 0)

    @property
    def has_body(self):
        return self.method != "HEAD" and self.status not in (204, 304) and self.framing != "empty"

    @property
    def body_length(self):
        return self.length if self.has_body else 0


def sizes(rng):
    """Mostly small, at times beyond every buffer."""
    pick = rng.random()
    if pick < 0.1:
        return 0
    if pick < 0.6:
        return rng.randrange(1, 2000)
    if pick < 0.93:
        return rng.randrange(2000, 60_000)
    return rng.randrange(60_000, 1_500_000)


def make_plain(rng):
    plan = Plan(method=rng.choices(["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"],
                                   [50, 30, 8, 5, 4, 3])[0])
    if plan.method in ("POST", "PUT"):
        plan.upload = sizes(rng)
        plan.upload_chunked = rng.random() < 0.4
        plan.upload_trailers = plan.upload_chunked and rng.random() < 0.4
        plan.upload_pieces = rng.choice([1, 1, 2, 5])
        plan.upload_pause = rng.choice([0, 0, 0.002, 0.02])
        plan.expect = plan.upload > 0 and rng.random() < 0.1
        plan.early = plan.upload > 0 and rng.random() < 0.1
    plan.padding = rng.choice([0, 0, 0, 700, 5000])
    plan.length = sizes(rng)
    plan.status = rng.choices([200, 404, 500, 204, 304], [80, 6, 6, 5, 3])[0]
    plan.framing = rng.choices(["length", "chunked", "close", "empty"], [55, 35, 4, 6])[0]
    plan.trailers = plan.framing in ("chunked", "empty") and rng.random() < 0.5
    plan.interim = rng.choices([0, 1, 3, 8], [85, 8, 4, 3])[0]
    plan.interim = min(plan.interim, 7) if plan.expect else plan.interim    # 100 is one as well
    plan.delay = rng.choices([0, 0.005, 0.1], [75, 20, 5])[0]
    plan.pieces = rng.choice([1, 1, 1, 2, 6])
    plan.pause = rng.choice([0, 0, 0.001, 0.02])
    return plan


def make_grpc(rng):
    plan = Plan(kind="grpc", method="POST", upload=rng.choice([0, 5, 300, 20_000]),
                upload_chunked=True, length=rng.choice([0, 5, 700, 30_000]), trailers=True)
    plan.framing = "empty" if plan.length == 0 else "chunked"
    plan.pieces = rng.choice([1, 3])
    plan.early = plan.upload > 0 and rng.random() < 0.2
    return plan


def make_websocket(rng):
    return Plan(kind="websocket", upload=rng.randrange(1, 40_000), upload_pieces=rng.choice([1, 4]),
                upload_pause=rng.choice([0, 0.01]))


def add_client_fault(plan, rng):
    plan.client = rng.choice(["abort_read", "abort_send" if plan.upload else "abort_read",
                              "slow_read", "slow_send"])
    if plan.client == "abort_read":
        plan.client_at = rng.choice([0, 1, plan.length // 2])
    elif plan.client == "abort_send":
        plan.client_at = rng.randrange(plan.upload)


def add_origin_fault(plan, rng, faults):
    plan.fault = rng.choice(faults)
    plan.at = rng.randrange(plan.length + 1) if plan.length else 0
    if plan.fault == "bad_chunk" or (plan.framing == "close" and plan.fault in
                                     ("bytes_behind", "close_in_body", "stall_in_body")):
        plan.framing = "chunked"        # only there it is a fault
    if plan.fault.startswith("early"):
        plan.early = True
