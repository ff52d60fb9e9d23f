"""HTTP/1.1 as a strict peer reads and writes it: heads, chunks and trailers."""

import re

from wire import Gone

FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[ \t\x20-\x7e"
                   rb"\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*")
STATUS_LINE = re.compile(r"HTTP/1\.1 ([1-5][0-9][0-9]) [\t\x20-\x7e]*")
CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})\r\n")


class Malformed(Exception):
    """The peer broke the grammar of HTTP."""


def parse_fields(lines):
    fields = []
    for line in lines:
        if not (found := FIELD.fullmatch(line)):
            raise Malformed(f"field line {line!r}")
        fields.append((found[1].decode().lower(), found[2].decode("latin-1")))
    return fields


async def read_head(wire):
    """The first line and the fields."""
    head = await wire.until(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    return first.decode("latin-1"), parse_fields(lines)


def field(fields, name, default=None):
    """The only field of this name."""
    values = [value for key, value in fields if key == name]
    if len(values) > 1:
        raise Malformed(f"{name} stands {len(values)} times")
    return values[0] if values else default


def status_of(line):
    if not (found := STATUS_LINE.fullmatch(line)):
        raise Malformed(f"status line {line!r}")
    return int(found[1])


async def read_length(wire, length, take):
    while length > 0:
        data = await wire.some(min(length, 65536))
        if not data:
            raise Gone(f"{wire.ended}, {length} bytes early")
        length -= len(data)
        await take(data)


async def read_chunked(wire, take):
    """The trailers behind the last chunk."""
    while True:
        line = await wire.until(b"\r\n", 1024)
        if not (found := CHUNK_SIZE.fullmatch(line)):
            raise Malformed(f"chunk line {line!r}")
        size = int(found[1], 16)
        if size == 0:
            break
        await read_length(wire, size, take)
        if await wire.exactly(2) != b"\r\n":
            raise Malformed("no line end behind a chunk")
    lines = []
    while (line := await wire.until(b"\r\n", 65536)) != b"\r\n":
        lines.append(line[:-2])
    return parse_fields(lines)


async def read_to_end(wire, take):
    while data := await wire.some():
        await take(data)
    if wire.ended != "end of stream":
        raise Gone(wire.ended)


def head_bytes(first, fields):
    lines = [first, *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def last_chunk(trailers=()):
    return b"0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in trailers).encode() + b"\r\n"
