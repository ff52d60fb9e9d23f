"""Frames of HTTP/2 (RFC 9113 §4 and §6) as bytes, and bytes as frames."""

import struct
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
REFUSED_STREAM, CANCEL = 7, 8
TABLE_SIZE, PUSH, STREAMS_MAX, WINDOW, EXTENDED_CONNECT = 1, 2, 3, 4, 8


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind, flags, stream, payload=b""):
    size = len(payload)
    return struct.pack(">HBBBI", size >> 8, size & 255, kind, flags, stream) + payload


def settings(pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window_update(stream, count):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", count))


def reset(stream, code):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last, code):
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code))


def pairs_of(payload):
    return [struct.unpack_from(">HI", payload, at) for at in range(0, len(payload), 6)]


def number_of(payload, at=0):
    return struct.unpack_from(">I", payload, at)[0] & 0x7fffffff


def without_padding(of):
    """The payload of DATA or HEADERS without padding and priority."""
    data = of.payload
    if of.flags & PADDED:
        data = data[1:len(data) - data[0]]
    if of.kind == HEADERS and of.flags & PRIORITIZED:
        data = data[5:]
    return data


async def read_frame(wire):
    head = await wire.exactly(9)
    high, low, kind, flags, stream = struct.unpack(">HBBBI", head)
    return Frame(kind, flags, stream & 0x7fffffff, await wire.exactly(high << 8 | low))
