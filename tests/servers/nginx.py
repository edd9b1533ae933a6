"""A real nginx before a search server: TLS, a login, and a limit on requests."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import free_port, program

CONFIG = """\
daemon off;
master_process off;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{}}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.key;
    auth_basic "the logs";
    auth_basic_user_file {folder}/users;
    client_max_body_size {largest};
    location / {{
      proxy_pass {target};
      proxy_connect_timeout 2s;
      proxy_read_timeout {patience};
    }}
  }}
}}
"""
STARTS_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running one; `certificate` vouches for it. `log`: a line per request, with status and size."""

    url: str
    certificate: Path
    user: str
    password: str
    log: Path


@contextmanager
def nginx(folder: Path, target: str, largest: str = "1m", patience: str = "60s") -> Iterator[Nginx]:
    """Before the server at `target`; `largest` request it takes, and how long it waits for an answer."""
    port, log = free_port(), folder / "access.log"
    subject = ["-subj", "/CN=logs", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", folder / "server.key", "-out", folder / "server.pem"]
    run([program("openssl", "openssl"), "req", "-x509", *kind, *subject, *files])
    hashed = run([program("openssl", "openssl"), "passwd", "-apr1", "s3cret"]).strip()
    (folder / "users").write_text(f"bot:{hashed}\n")
    text = CONFIG.format(folder=folder, port=port, target=target, largest=largest, patience=patience)
    (folder / "nginx.conf").write_text(text)
    command = [program("nginx", "nginx"), "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, server, folder / "error.log")
        yield Nginx(f"https://127.0.0.1:{port}", folder / "server.pem", "bot", "s3cret", log)
    finally:
        server.kill()
        server.wait(10)


def run(command: list[str | Path]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx did not start:\n{log.read_text()}") from None
        time.sleep(0.02)
