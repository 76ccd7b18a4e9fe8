"""Pure: Signature Version 4 for one frame that goes to very many connections.

Two POSTs of a frame differ only in the path. So everything else is prepared once: the payload's hash, the headers, the
scope, the HMAC key and the bytes of the request around the path and the signature. Each connection then needs one
SHA-256 of the canonical request and one HMAC. Both come from copies of hash objects, which are cheaper than new ones.

The steps: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. The path of the
canonical request is encoded twice, as for every service but S3.
"""

from __future__ import annotations

import hashlib
import hmac
from binascii import hexlify
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    Signer = Callable[[str], bytes]
    MakeSigner = Callable[..., Signer]

SERVICE = "execute-api"

_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials that sign requests. Those of a Lambda function always have a session token."""

    access_key: str
    secret_key: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r})"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The @connections API of one stage, by its URL: ``https://{api}.execute-api…/{stage}``."""

    tls: bool
    host: str
    port: int
    path: str
    region: str

    @classmethod
    def parse(cls, url: str, region: str) -> Endpoint:
        """Raises ValueError if ``url`` is no http or https URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not the URL of an @connections API")
        tls = parts.scheme == "https"
        return cls(tls, parts.hostname, parts.port or (443 if tls else 80), parts.path.rstrip("/"), region)

    @property
    def authority(self) -> str:
        """The Host header: with the port only if it is not the default port of the scheme."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def prepare(endpoint: Endpoint, frame: bytes, credentials: Credentials, now: float, *, method: str = "POST") -> Signer:
    """Prepare the requests of a frame; returns a function from connection id to the bytes of its signed request.

    ``now`` is in seconds since 1970. AWS accepts a signature for five minutes. So prepare again well before that,
    and whenever the credentials change.
    """
    at = datetime.fromtimestamp(now, UTC)
    stamp, scope = f"{at:%Y%m%dT%H%M%SZ}", f"{at:%Y%m%d}/{endpoint.region}/{SERVICE}/aws4_request"
    headers = {"host": endpoint.authority, "x-amz-date": stamp}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    signed = ";".join(headers)
    canonical_head = "".join(f"{name}:{value}\n" for name, value in headers.items())
    base = quote(endpoint.path, safe="/%~")
    before_canonical = f"{method}\n{quote(base, safe='/~')}/%40connections/"
    after_canonical = f"\n\n{canonical_head}\n{signed}\n{hashlib.sha256(frame).hexdigest()}"
    before = f"{method} {base}/@connections/"
    after = (
        " HTTP/1.1\r\n"
        + "".join(f"{name.title()}: {value}\r\n" for name, value in headers.items())
        + f"Authorization: AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        + f"SignedHeaders={signed}, Signature="
    )
    # Latin-1 keeps every byte as it is, there and back.
    last = f"\r\nContent-Length: {len(frame)}\r\n\r\n" + frame.decode("latin-1")
    inner, outer = _hmac_halves(_key(credentials.secret_key, scope))
    inner.update(f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n".encode())
    inner_copy, outer_copy, new_copy = inner.copy, outer.copy, hashlib.sha256().copy

    def request(connection: str) -> bytes:
        # Ids of API Gateway are URL-safe base64 that ends in one equals sign. For them, quote() is not needed.
        stem = connection[:-1]
        if connection[-1:] == "=" and not stem.encode().translate(None, _PLAIN):
            once, twice = f"{stem}%3D", f"{stem}%253D"
        else:
            once = quote(connection, safe="~")
            twice = quote(once, safe="~")
        canonical = new_copy()
        canonical.update(f"{before_canonical}{twice}{after_canonical}".encode())
        half = inner_copy()
        half.update(hexlify(canonical.digest()))
        whole = outer_copy()
        whole.update(half.digest())
        return f"{before}{once}{after}{whole.hexdigest()}{last}".encode("latin-1")

    return request


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _hmac_halves(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The two SHA-256 of an HMAC (RFC 2104), each after the pad of ``key``, which has 32 bytes."""
    block = key.ljust(64, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))
