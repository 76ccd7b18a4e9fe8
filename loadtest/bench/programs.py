"""The programs that we are compared with, nginx and wrk, and the cores on which they and we run."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 10

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000; keepalive_timeout 600;
    client_header_buffer_size 4k; large_client_header_buffers 4 16k;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{
        listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl;
        ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.3;
        location / {{ return 200; }}
        location /live/@connections/gone {{ return 410; }}
    }}
}}
"""

WRK = """
wrk.method = "POST"
wrk.body = string.rep("x", {body})
wrk.headers["X-Amz-Date"] = "20261121T070000Z"
wrk.headers["X-Amz-Security-Token"] = string.rep("T", {token})
wrk.headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=" .. string.rep("A", 60) .. string.rep("s", 120)
"""


@dataclass(frozen=True, slots=True)
class Cores:
    """One core for the sender and one for the server; None if there is only one core."""

    sender: int | None
    server: int | None

    @classmethod
    def here(cls) -> Cores:
        """The first two cores that this process may use."""
        mine = sorted(os.sched_getaffinity(0))
        return cls(mine[0], mine[1]) if len(mine) > 1 else cls(None, None)


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Programs that are started in the block stay on this core."""
    mine = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx: its addresses, and the CA for TLS."""

    http: str
    https: str
    authority: Path


def lacking(*programs: str) -> list[str]:
    """A sentence for each program that is not installed."""
    packages = {"nginx": "nginx-light", "wrk": "wrk"}
    return [
        f"{program} is not installed (Debian: apt-get install {packages[program]})."
        for program in programs
        if _find(program) is None
    ]


def _find(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


@contextmanager
def nginx(core: int | None) -> Iterator[Nginx]:
    """Nginx on one core, without TLS and with TLS 1.3, which answers every POST at once.

    Raises RuntimeError with nginx's own message if it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="livescore-nginx-") as name:
        folder = Path(name)
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        for number, part in enumerate(certificate.cert_chain_pems):
            part.write_to_path(folder / "cert.pem", append=number > 0)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        port, tls_port = free_ports(2)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, tls_port=tls_port))
        command = [str(_find("nginx")), "-c", str(folder / "nginx.conf"), "-p", str(folder)]
        with on_core(core):
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        try:
            _wait(process, port)
            yield Nginx(f"http://localhost:{port}/live", f"https://localhost:{tls_port}/live", folder / "ca.pem")
        finally:
            process.terminate()
            try:
                process.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"nginx did not start: {process.communicate()[1].decode(errors='replace')[:300]}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("nginx did not start in time")


def wrk(url: str, core: int | None, *, seconds: int, connections: int, body: int, token: int) -> float:
    """Requests a second of wrk on one core: unsigned and always the same bytes, the limit for a program in C."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK.format(body=body, token=token))
        script.flush()
        command = [str(_find("wrk")), "-t1", f"-c{connections}", f"-d{seconds}", "-s", script.name]
        url = f"{url}/@connections/L0SM9cOFvHcCIhw%3D"
        with on_core(core):
            done = subprocess.run([*command, url], check=True, capture_output=True, text=True)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if found is None or "Non-2xx" in done.stdout:
        raise RuntimeError(f"wrk says: {done.stdout[:300]}")
    return float(found[1])


def free_ports(count: int) -> list[int]:
    """A number of free ports."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
