"""The closed list of reasons, as docs/operations.md has it."""

import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, "..", "..", "docs", "operations.md")
# With these the origin has not seen the request, and a client may send it again.
NOT_SENT = {"no_route", "queue_full", "connection_limit_reached", "no_endpoint", "connection_cap",
            "address_cap", "address_rate", "shed_memory", "stream_refused", "connection_refused",
            "destination_unavailable", "dns_error", "tls_protocol_error", "tls_certificate_error",
            "connection_timeout", "misdirected_request"}


def read_reasons():
    """Reason to status."""
    with open(DOCUMENT, encoding="utf-8") as file:
        rows = re.findall(r"^\| `([a-z_]+)` \| (\d{3})[^|]*\|", file.read(), re.MULTILINE)
    return {name: int(status) for name, status in rows}


STATUS_OF = read_reasons()
