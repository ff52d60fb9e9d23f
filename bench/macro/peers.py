"""The proxies under test and the origin: how each is configured to do the same work, and started.

Same features everywhere: HTTP/1.1 on both sides, kept-alive origin connections, X-Forwarded-For added,
no access log, one worker. Each runs in the foreground, pinned to one core.
"""

import os
import re
import shutil
import socket
import subprocess
import time

PENSTOCK = "build/release/penstock"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def penstock_config(port, origin, folder, tls):
    secure = f", tls: {{certificates: [{{cert: {tls}.crt, key: {tls}.key}}]}}" if tls else ""
    return f"""workers: 1
listeners: {{web: {{bind: "127.0.0.1:{port}", limits: {{connections: 0}}{secure}}}}}
upstreams: {{app: {{endpoints: ["127.0.0.1:{origin}"], pool: {{connections: 1024}}}}}}
routes: [{{upstream: app}}]
"""


def nginx_config(port, origin, folder, tls):
    options = "ssl http2" if tls else ""
    # Version 1.22 would not speak TLS 1.3 by itself, and Debian's own configuration says this too.
    files = (f"ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {tls}.crt; "
             f"ssl_certificate_key {tls}.key;") if tls else ""
    return f"""daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid;
error_log stderr error; worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 300s;
client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
upstream app {{ server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 1000000000; }}
server {{ listen 127.0.0.1:{port} {options} backlog=4096; {files} location / {{
  proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}
"""


def haproxy_config(port, origin, folder, tls):
    secure = f"ssl crt {tls}.pem alpn h2,http/1.1" if tls else ""
    return f"""global
  nbthread 1
  maxconn 9500
defaults
  mode http
  timeout client 300s
  timeout server 60s
  timeout connect 5s
  timeout http-keep-alive 300s
  option forwardfor
  http-reuse always
frontend web
  bind 127.0.0.1:{port} backlog 4096 {secure}
  default_backend app
backend app
  server one 127.0.0.1:{origin} pool-max-conn 256
"""


def h2o_config(port, origin, folder, tls):
    secure = f", ssl: {{certificate-file: {tls}.crt, key-file: {tls}.key}}" if tls else ""
    return f"""num-threads: 1
max-connections: 9500
http1-request-timeout: 300
listen: {{host: 127.0.0.1, port: {port}{secure}}}
proxy.timeout.keepalive: 60000
hosts:
  default:
    paths:
      "/": {{proxy.reverse.url: "http://127.0.0.1:{origin}/", proxy.preserve-host: ON}}
"""


def nghttpx_config(port, origin, folder, tls):
    secure = f"private-key-file={tls}.key\ncertificate-file={tls}.crt" if tls else ""
    return f"""frontend=127.0.0.1,{port}{'' if tls else ';no-tls'}
{secure}
backend=127.0.0.1,{origin};;proto=http/1.1
workers=1
single-process=yes
single-thread=yes
add-x-forwarded-for=yes
errorlog-file=/dev/null
backend-connections-per-host=1024
frontend-http2-read-timeout=300
frontend-read-timeout=300
"""


PEERS = {
    "penstock": (penstock_config, [PENSTOCK, "run", "-c"], [PENSTOCK, "version"]),
    "nginx": (nginx_config, ["nginx", "-e", "stderr", "-c"], ["nginx", "-v"]),
    "haproxy": (haproxy_config, ["haproxy", "-db", "-f"], ["haproxy", "-v"]),
    "h2o": (h2o_config, ["h2o", "-c"], ["h2o", "-v"]),
    "nghttpx": (nghttpx_config, ["nghttpx", "--conf"], ["nghttpx", "-v"]),
}


def add_before(binary):
    """Another build of Penstock, to be measured beside this one as "before"."""
    PEERS["before"] = (penstock_config, [binary, "run", "-c"], [binary, "version"])


def version_of(name):
    out = subprocess.run(PEERS[name][2], capture_output=True, text=True, check=False)
    text = (out.stdout + out.stderr).strip().splitlines()
    found = re.search(r"\d+\.\d+(?:\.\d+)?", text[0]) if text else None
    return found.group(0) if found else "unknown"


def available(names):
    found = []
    for name in names:
        program = PEERS[name][1][0]
        if os.path.exists(program) or shutil.which(program):
            found.append(name)
    return found


class Server:
    """A process that listens on `port`, pinned to `core`; stopped with the object."""

    def __init__(self, command, port, core):
        self.port = port
        self.process = subprocess.Popen(["taskset", "-c", str(core)] + command,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        os.set_blocking(self.process.stderr.fileno(), False)
        deadline = time.monotonic() + 10
        while not self.accepts():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = (self.process.stderr.read() or b"").decode(errors="replace")
                raise RuntimeError(f"{' '.join(command)} does not start: {text}")

    def accepts(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def cpu_seconds(self):
        """User and system time of all threads, from the scheduler's own nanoseconds."""
        total = 0
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def user_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"RssAnon:\s+(\d+)", file.read()).group(1)) * 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()


def make_certificate(folder):
    """A self-signed P-256 certificate; the path of its files without their endings."""
    base = os.path.join(folder, "site")
    if not os.path.exists(base + ".pem"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bench",
                        "-keyout", base + ".key", "-out", base + ".crt"],
                       check=True, capture_output=True)
        with open(base + ".pem", "w") as both:
            for ending in (".crt", ".key"):
                with open(base + ending) as file:
                    both.write(file.read())
    return base


def start_proxy(name, origin_port, folder, core, tls=False):
    port = free_port()
    make, command, _ = PEERS[name]
    path = os.path.join(folder, name + ".conf")
    with open(path, "w") as file:
        file.write(make(port, origin_port, folder, make_certificate(folder) if tls else ""))
    return Server(command + [path], port, core)


def start_origin(folder, core):
    """nginx with a reply of 128 B from memory, and files of 16 KiB and 1 MB."""
    port = free_port()
    for name, size in (("16k", 16384), ("1m", 1000000)):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"x" * size)
    path = os.path.join(folder, "origin.conf")
    with open(path, "w") as file:
        file.write(f"""daemon off; master_process off; worker_processes 1; pid {folder}/origin.pid;
error_log stderr error; worker_rlimit_nofile 20000;
events {{ worker_connections 9000; }}
http {{ access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on;
open_file_cache max=10; root {folder};
client_body_temp_path {folder}/f; proxy_temp_path {folder}/g; fastcgi_temp_path {folder}/h;
uwsgi_temp_path {folder}/i; scgi_temp_path {folder}/j;
server {{ listen 127.0.0.1:{port} backlog=4096;
location = /128 {{ return 200 "{'x' * 128}"; }} location / {{ }} }} }}
""")
    return Server(["nginx", "-e", "stderr", "-c", path], port, core)
