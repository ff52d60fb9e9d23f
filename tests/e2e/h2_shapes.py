"""HTTP/2 as another implementation of it (python3-h2) speaks and reads it. Its state machine raises an
error for whatever the proxy says against the rules; so each case is a shape that nghttp2 does not send,
and a strict reading of the answer.

Usage: h2_shapes.py PORT CASE
"""

import socket
import sys

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

PORT = int(sys.argv[1])
HEAD = [(":method", "GET"), (":scheme", "http"), (":authority", "a.test")]


class Client:
    def __init__(self, lenient=False):
        self.wire = socket.create_connection(("127.0.0.1", PORT), timeout=20)
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=not lenient,
            normalize_outbound_headers=not lenient))
        self.http.initiate_connection()
        self.answers = {}
        self.events = []
        self.flush()

    def flush(self):
        self.wire.sendall(self.http.data_to_send())

    def read(self):
        data = self.wire.recv(65536)
        if not data:
            raise EOFError("the proxy closed the connection")
        for event in self.http.receive_data(data):
            self.events.append(event)
            self.take(event)
        self.flush()

    def take(self, event):
        of = self.answers.setdefault(getattr(event, "stream_id", 0),
                                     {"interim": [], "body": b"", "trailers": None, "over": False})
        if isinstance(event, h2.events.InformationalResponseReceived):
            of["interim"].append(dict(event.headers)[":status"])
        elif isinstance(event, h2.events.ResponseReceived):
            of["head"] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            of["body"] += event.data
            self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            of["trailers"] = dict(event.headers)
        elif isinstance(event, h2.events.StreamReset):
            of["reset"] = event.error_code
            of["over"] = True
        elif isinstance(event, h2.events.StreamEnded):
            of["over"] = True

    def ask(self, path, more=(), end=True, **how):
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, HEAD + [(":path", path), *more], end_stream=end, **how)
        self.flush()
        return stream

    def answer(self, stream):
        while not self.answers.get(stream, {}).get("over"):
            self.read()
        return self.answers[stream]

    def until(self, kind):
        while not any(isinstance(event, kind) for event in self.events):
            self.read()

    def expect(self, stream, status, body=None):
        of = self.answer(stream)
        assert of["head"][":status"] == str(status), of
        if body is not None:
            assert of["body"] == body, (len(of["body"]), len(body))
        return of

    def send_body(self, stream, body, pad=None, trailers=None):
        while body:
            room = min(self.http.local_flow_control_window(stream) - (pad or 0) - 1,
                       self.http.max_outbound_frame_size - (pad or 0) - 1, 4000)
            if room <= 0:
                self.read()
                continue
            self.http.send_data(stream, body[:room], pad_length=pad)
            self.flush()
            body = body[room:]
        if trailers:
            self.http.send_headers(stream, trailers, end_stream=True)
        else:
            self.http.end_stream(stream)
        self.flush()


def padded_bodies():
    """DATA and its padding count against the windows; both ways beyond them."""
    client = Client()
    body = bytes(range(256)) * 4096
    for pad in (None, 0, 1, 255):
        stream = client.ask("/echo", [("content-length", str(len(body)))], end=False)
        client.send_body(stream, body, pad)
        client.expect(stream, 200, body)


def trailers():
    client = Client()
    stream = client.ask("/echo", [("te", "trailers")], end=False)
    client.send_body(stream, b"with trailers", trailers=[("x-sum", "17")])
    of = client.expect(stream, 200, b"with trailers")
    assert of["trailers"] == {"x-sum": "17"}, of


def interim():
    client = Client()
    stream = client.ask("/hints", [("x-length", "3")])
    of = client.expect(stream, 200)
    assert of["interim"] == ["103"], of


def long_head_in_continuations():
    """Of about 40 KiB, so that it takes three frames."""
    client = Client()
    more = [(f"x-long-{i}", "v" * 4000) for i in range(10)]
    for _ in range(2):
        client.expect(client.ask("/long", more), 200, b"long")


def settings_that_change():
    """A table and windows of nothing, then large ones; each acknowledged, each kept to."""
    client = Client()
    client.expect(client.ask("/echo"), 200)
    client.events.clear()
    codes = h2.settings.SettingCodes
    client.http.update_settings({codes.HEADER_TABLE_SIZE: 0, codes.INITIAL_WINDOW_SIZE: 10})
    client.flush()
    client.until(h2.events.SettingsAcknowledged)
    body = b"y" * 1000
    stream = client.ask("/echo", end=False)
    client.send_body(stream, body)
    client.expect(stream, 200, body)
    client.events.clear()
    client.http.update_settings({codes.HEADER_TABLE_SIZE: 65536, codes.INITIAL_WINDOW_SIZE: 1 << 20})
    client.flush()
    client.until(h2.events.SettingsAcknowledged)
    for _ in range(3):
        client.expect(client.ask("/echo"), 200)


def priorities_of_old():
    """RFC 9113 §5.3.2: they say nothing any more, and are no fault."""
    client = Client()
    stream = client.ask("/echo", priority_weight=256, priority_depends_on=0, priority_exclusive=True)
    client.http.prioritize(stream + 100, weight=1, depends_on=stream)
    client.flush()
    client.expect(stream, 200)


def streams_that_end_early():
    client = Client()
    cut = client.ask("/echo", end=False)
    client.http.send_data(cut, b"part")
    client.http.reset_stream(cut, h2.errors.ErrorCodes.CANCEL)
    client.http.ping(b"12345678")
    client.flush()
    client.until(h2.events.PingAckReceived)
    client.expect(client.ask("/echo"), 200)


def many_at_once():
    client = Client()
    client.until(h2.events.RemoteSettingsChanged)
    streams = [client.ask("/echo", end=False) for _ in range(50)]
    for stream in reversed(streams):
        client.send_body(stream, b"%d" % stream)
    for stream in streams:
        client.expect(stream, 200, b"%d" % stream)


def heads_that_are_none():
    """Each resets its stream with PROTOCOL_ERROR, and the connection serves on."""
    wrong = [[("X-Upper", "1")], [("connection", "close")], [("x", "a\r\nb: c")], [("x", " a")],
             [(":path", "/twice")], [(":unknown", "1")], [("te", "gzip")], [("", "1")]]
    client = Client(lenient=True)
    for more in wrong:
        of = client.answer(client.ask("/echo", more))
        assert of.get("reset") == h2.errors.ErrorCodes.PROTOCOL_ERROR, (more, of)
    client.expect(client.ask("/echo"), 200)


globals()[sys.argv[2]]()
