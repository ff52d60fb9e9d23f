"""Configurations at random: what `make` returns is valid, what `broken` returns is not."""

UPSTREAMS = ["h1", "h1s", "h2c", "h2s", "pair"]


def make(rng, fleet, folder, tight=False, patient=True):
    """Tight: small pools and few streams, so that requests queue. Patient: deadlines that no honest
    peer meets, however slow the machine."""
    wait = "40s" if patient else "2s"
    pool = rng.choice([2, 3, 5]) if tight else rng.choice([100, 200])
    streams = rng.choice([2, 5]) if tight else rng.choice([20, 100])
    queue = "30s" if patient else rng.choice(["300ms", "1s"])

    def upstream(name, endpoints, more=""):
        idle = rng.choice(["200ms", "1s"])
        addresses = ", ".join(f'"{origin.endpoint}"' for origin in endpoints)
        return (f"  {name}: {{endpoints: [{addresses}],"
                f" pool: {{connections: {pool}, queue_timeout: {queue}, idle_timeout: {idle}}},"
                f" http2: {{streams: {streams}}},"
                f" timeouts: {{connect: {wait}, first_byte: {wait}, idle: {wait}}}{more}}}")

    tls = f", tls: {{ca: {folder}/ca.pem, server_name: a.test}}"
    client = (f"timeouts: {{head: {wait}, body_idle: {wait}, write_idle: {wait},"
              # What ends a call that was answered and whose origin then says nothing.
              f" tls_handshake: {wait}, keepalive: 60s, tunnel_idle: 40s}},"
              f" limits: {{requests: {rng.choice([0, 0, 0, 5, 17])}}},"
              f" http2: {{streams: {rng.choice([100, 100, 10])}}}")
    edits = ", ".join(rng.sample(["digest: sha-256", "flush: true", "timeouts: {total: 10m}",
                                  f"response_headers: {{set: {{x-n: n{rng.randrange(1000)}}}}}"],
                                 rng.randrange(3)))
    lines = [
        "workers: 2",
        'admin: {bind: "127.0.0.1:0"}',
        f"drain: {{timeout: {'60s' if patient else '2s'}}}",
        "log: {access: {path: access.log, sample: 100%, slow: " + rng.choice(["0ms", "1s"]) + "}}",
        "listeners:",
        f'  plain: {{bind: "127.0.0.1:0", {client}}}',
        f'  edge: {{bind: "127.0.0.1:0", {client}, tls: {{certificates: [{{cert: {folder}/edge.pem,'
        f' key: {folder}/edge.key}}]}}}}',
        "upstreams:",
        upstream("h1", [fleet["h1"]]),
        upstream("h1s", [fleet["h1s"]], tls),
        upstream("h2c", [fleet["h2c"]], ", protocol: h2"),
        upstream("h2s", [fleet["h2s"]], tls + ", protocol: auto"),
        upstream("pair", [fleet["h1"], fleet["h1b"]], ", balance: " +
                 rng.choice(["round_robin", "p2c", "least_request", "random"])),
        "routes:",
    ]
    lines += [f"  - {{name: {name}, match: {{path: {{prefix: /{name}/}}}}, upstream: {name}"
              f"{', ' + edits if edits else ''}}}" for name in UPSTREAMS]
    return "\n".join(lines) + "\n"


def broken(rng, text):
    """Wrong in one of the ways that files are wrong."""
    return rng.choice([
        text.replace("upstreams:", "upstream:"),
        text + "routes: [\n",
        text.replace("workers: 2", "workers: many"),
        text.replace("edge.pem", "missing.pem"),
        text.replace("upstream: h2c", "upstream: nowhere"),
        text[:len(text) // 2] + "{",
        text + "surprise: 1\n",
        "",
    ])
