"""An authority of our own and the certificates that it gives out, by openssl's command line."""

import os
import ssl
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.cert = os.path.join(folder, "ca.pem")
        self.key = os.path.join(folder, "ca.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "30", "-subj", "/CN=chaos authority", "-keyout", self.key,
                "-out", self.cert)

    def issue(self, name):
        """Paths of certificate and key for a.test and the loopback."""
        self.count += 1
        base = os.path.join(self.folder, f"{name}{self.count}")
        kinds = [("ec", "ec_paramgen_curve:P-256"), ("rsa", "rsa_keygen_bits:2048")]
        kind = kinds[self.count % 3 == 0]
        openssl("req", "-newkey", kind[0], "-pkeyopt", kind[1], "-nodes", "-subj", "/CN=a.test",
                "-keyout", base + ".key", "-out", base + ".csr")
        with open(base + ".ext", "w", encoding="utf-8") as file:
            file.write("subjectAltName=DNS:a.test,IP:127.0.0.1,IP:127.0.0.2\n")
        openssl("x509", "-req", "-in", base + ".csr", "-CA", self.cert, "-CAkey", self.key,
                "-days", "30", "-set_serial", str(self.count), "-extfile", base + ".ext",
                "-out", base + ".pem")
        return base + ".pem", base + ".key"

    def client(self, protocols, newest):
        """TLS of a client that verifies."""
        made = ssl.create_default_context(cafile=self.cert)
        made.maximum_version = newest
        made.set_alpn_protocols(protocols)
        return made
