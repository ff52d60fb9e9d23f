"""A TLS client that shares nothing with ours but the library under it: Python's ssl, driven through
what its users do. Usage: tls_shapes.py PORT CERTIFICATE SHAPE; exits with 0 if all is well."""

import socket
import ssl
import sys

PORT = int(sys.argv[1])
CERTIFICATE = sys.argv[2]
NAME = "a.test"
BOTH = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def context(version):
    made = ssl.create_default_context(cafile=CERTIFICATE)
    made.minimum_version = made.maximum_version = version
    made.set_alpn_protocols(["http/1.1"])
    return made


def connect(by, name=NAME, session=None):
    plain = socket.create_connection(("127.0.0.1", PORT), timeout=20)
    return by.wrap_socket(plain, server_hostname=name, session=session)


def ask(over, head, body=b""):
    over.sendall(head.encode() + body)
    with over.makefile("rb") as reader:
        status = reader.readline()
        length = 0
        for line in iter(reader.readline, b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, reader.read(length)


def get(over, more=""):
    return ask(over, f"GET / HTTP/1.1\r\nHost: {NAME}\r\n{more}\r\n")


def verified():
    """The chain and the name are checked by Python; another name is refused by it."""
    for version in BOTH:
        with connect(context(version)) as over:
            assert over.version() == {BOTH[0]: "TLSv1.2", BOTH[1]: "TLSv1.3"}[version]
            assert over.selected_alpn_protocol() == "http/1.1"
            assert over.compression() is None
            for _ in range(3):
                assert get(over) == (b"HTTP/1.1 200 OK\r\n", b"pong")
        try:
            connect(context(version), "other.test")
        except ssl.SSLCertVerificationError:
            continue
        raise AssertionError("another name was taken")


def resumed():
    for version in BOTH:
        by = context(version)
        with connect(by) as over:
            get(over)
            session = over.session
            assert not over.session_reused
        for _ in range(3):
            with connect(by, session=session) as over:
                assert get(over)[1] == b"pong"
                assert over.session_reused
                session = over.session


def closed():
    """close_notify is there: without it, reading to the end raises SSLEOFError."""
    for version in BOTH:
        with connect(context(version)) as over:
            over.suppress_ragged_eofs = False
            get(over, "Connection: close\r\n")
            assert over.recv(100) == b""


def uploaded():
    """A megabyte in pieces of every size, with the handshake's last message in front of it."""
    size = 1 << 20
    for version in BOTH:
        for piece in (1 << 20, 16384, 1000):
            with connect(context(version)) as over:
                over.sendall(f"POST /echo HTTP/1.1\r\nHost: {NAME}\r\n"
                             f"Content-Length: {size}\r\n\r\n".encode())
                sent = bytes(i * 7 % 251 for i in range(size))
                for at in range(0, size, piece):
                    over.sendall(sent[at:at + piece])
                status, got = ask(over, "")
                assert status == b"HTTP/1.1 200 OK\r\n", status
                assert got == sent


{"verified": verified, "resumed": resumed, "closed": closed, "uploaded": uploaded}[sys.argv[3]]()
