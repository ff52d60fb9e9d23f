"""The bytes of bodies. Each follows from the token of its request, so that a reader can check every
one of them, and a byte of another exchange shows."""

import hashlib


def response_body(token, length):
    return hashlib.shake_128(b"response " + token.encode()).digest(length)


def request_body(token, length):
    return hashlib.shake_128(b"request " + token.encode()).digest(length)


def seen(body):
    """What an origin says of a request body that it has read."""
    return f"{len(body)}:{hashlib.sha256(body).hexdigest()[:16]}"


def first_difference(got, expected):
    for at in range(0, min(len(got), len(expected)), 4096):
        if got[at:at + 4096] != expected[at:at + 4096]:
            return next(i for i in range(at, len(got)) if got[i] != expected[i])
    return min(len(got), len(expected))


def in_pieces(body, pieces):
    """The body in so many parts of nearly the same size."""
    step = max(1, -(-len(body) // max(1, pieces)))
    return [body[at:at + step] for at in range(0, len(body), step)]
