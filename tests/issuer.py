"""An issuer of tokens with keys of its own, its key set on a real HTTP server, and those who forge its tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ISSUER, AUDIENCE = "https://issuer.example/pool", "viewers"
REASONS = {
    "There is no token.",
    "The token is too long.",
    "The token is malformed.",
    "The algorithm is not allowed.",
    "The algorithm does not fit the key.",
    "The token names no key.",
    "The issuer has no such key.",
    "The signature of the token is wrong.",
    "The token has expired.",
    "The token is not valid yet.",
    "A required claim is missing.",
    "The token is from another issuer.",
    "The token is for another audience.",
}


def new_key(kind: str = "RSA") -> Any:
    """A private key."""
    return rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json(value: Any) -> str:
    return _text(json.dumps(value).encode())


def assemble(header: Any, claims: Any, sign: Callable[[bytes], bytes]) -> str:
    """A token as it is said to be, however wrong that is."""
    signed = f"{_json(header)}.{_json(claims)}"
    return f"{signed}.{_text(sign(signed.encode()))}"


class Issuer:
    """Two keys, ``rsa`` and ``ec``, and whatever is signed with them."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"rsa": new_key(), "ec": new_key("EC")}

    def key_set(self) -> dict[str, Any]:
        """The public keys (RFC 7517)."""
        return {"keys": [{**self.public(kid), "kid": kid, "use": "sig"} for kid in self.keys]}

    def public(self, kid: str) -> dict[str, Any]:
        """A public key."""
        return public(self.keys[kid])

    def pem(self, kid: str) -> bytes:
        """A public key as everybody has it."""
        pem: bytes = self.keys[kid].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Good claims but for what is changed; None takes one out."""
        now = int(time.time())
        good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 300, "competitions": "*"}
        return {name: value for name, value in (good | changed).items() if value is not None}

    def token(
        self, kid: str = "rsa", *, alg: str | None = None, key: Any = None, header: Any = None, **changed: Any
    ) -> str:
        """A token signed with a key, by default with the one that it names."""
        signer = key or self.keys[kid]
        algorithm = "ES256" if isinstance(signer, ec.EllipticCurvePrivateKey) else "RS256"
        head = {"alg": alg or algorithm, "kid": kid, "typ": "JWT", **(header or {})}
        given = {name: value for name, value in head.items() if value is not None}
        signs: Any = jwt.get_algorithm_by_name(algorithm)
        return assemble(given, self.claims(**changed), lambda data: bytes(signs.sign(data, signer)))


def public(key: Any) -> dict[str, Any]:
    """The public half of a key as a JWK."""
    of: Any = jwt.get_algorithm_by_name("ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256")
    found: dict[str, Any] = of.to_jwk(key.public_key(), as_dict=True)
    return {name: value for name, value in found.items() if name != "key_ops"}


def _hs256(issuer: Issuer) -> str:
    """Signed with the public key as if it were a secret (RFC 8725, section 2.1)."""
    return assemble(
        {"alg": "HS256", "kid": "rsa"}, issuer.claims(),
        lambda data: hmac.new(issuer.pem("rsa"), data, hashlib.sha256).digest(),
    )  # fmt: skip


def _another_subject(issuer: Issuer) -> str:
    head, _, signature = issuer.token().split(".")
    return ".".join((head, _json(issuer.claims(sub="bob")), signature))


def _unsigned(alg: str) -> Callable[[Issuer], str]:
    return lambda issuer: assemble({"alg": alg, "kid": "rsa"}, issuer.claims(), lambda _: b"")


def _own(name: str) -> Callable[[Issuer], str]:
    """A token that brings a key of its own, or says where one is."""
    key = new_key()
    value: Any = {**public(key), "kid": "rsa"} if name == "jwk" else "http://127.0.0.1:9/keys.json"
    return lambda issuer: issuer.token(key=key, header={name: [value] if name == "x5c" else value})


def _now() -> int:
    return int(time.time())


FORGED: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "empty": (lambda _: "", "The token is malformed."),
    "alg none": (_unsigned("none"), "The algorithm is not allowed."),
    "alg None": (_unsigned("None"), "The algorithm is not allowed."),
    "RS256 without a signature": (_unsigned("RS256"), "The signature of the token is wrong."),
    "alg that is a list": (lambda issuer: issuer.token(header={"alg": []}), "The algorithm is not allowed."),
    "alg that is an object": (lambda issuer: issuer.token(header={"alg": {}}), "The algorithm is not allowed."),
    "HS256 with the public key": (_hs256, "The algorithm is not allowed."),
    "RS512": (lambda issuer: issuer.token(alg="RS512"), "The algorithm is not allowed."),
    "wrong key": (lambda issuer: issuer.token(key=new_key()), "The signature of the token is wrong."),
    "another subject than was signed": (_another_subject, "The signature of the token is wrong."),
    "expired": (lambda issuer: issuer.token(exp=_now() - 61, iat=_now() - 999), "The token has expired."),
    "never expires": (lambda issuer: issuer.token(exp=None), "A required claim is missing."),
    "not yet valid": (lambda issuer: issuer.token(nbf=_now() + 120), "The token is not valid yet."),
    "from the future": (lambda issuer: issuer.token(iat=_now() + 120), "The token is not valid yet."),
    "no time of issue": (lambda issuer: issuer.token(iat=None), "A required claim is missing."),
    "wrong audience": (lambda issuer: issuer.token(aud="others"), "The token is for another audience."),
    "wrong client": (lambda issuer: issuer.token(aud=None, client_id="others"), "The token is for another audience."),
    "right client, wrong audience": (
        lambda issuer: issuer.token(aud="others", client_id=AUDIENCE),
        "The token is for another audience.",
    ),
    "no audience": (lambda issuer: issuer.token(aud=None), "The token is for another audience."),
    "other issuer": (
        lambda issuer: issuer.token(iss="https://other.example/pool"),
        "The token is from another issuer.",
    ),
    "no issuer": (lambda issuer: issuer.token(iss=None), "A required claim is missing."),
    "no subject": (lambda issuer: issuer.token(sub=None), "A required claim is missing."),
    "key id that is a path": (lambda issuer: issuer.token(header={"kid": "../../rsa"}), "The issuer has no such key."),
    "key id that is a URL": (
        lambda issuer: issuer.token(header={"kid": "http://127.0.0.1:9/rsa"}),
        "The issuer has no such key.",
    ),
    "key id that is a list": (lambda issuer: issuer.token(header={"kid": ["rsa"]}), "The token is malformed."),
    "no key id": (lambda issuer: issuer.token(header={"kid": None}), "The token names no key."),
    "oversized": (lambda issuer: issuer.token(padding="x" * 8192), "The token is too long."),
    "jku": (_own("jku"), "The signature of the token is wrong."),
    "jwk": (_own("jwk"), "The signature of the token is wrong."),
    "x5u": (_own("x5u"), "The signature of the token is wrong."),
    "x5c": (_own("x5c"), "The signature of the token is wrong."),
    "truncated": (lambda issuer: issuer.token()[:-6], "The signature of the token is wrong."),
    "two parts": (lambda issuer: issuer.token().rpartition(".")[0], "The token is malformed."),
    "not base64": (lambda _: "no.base64.here", "The token is malformed."),
    "not a token": (lambda _: "letmein", "The token is malformed."),
    "ES256 with the RSA key": (
        lambda issuer: issuer.token("ec", header={"kid": "rsa"}),
        "The algorithm does not fit the key.",
    ),
    "RS256 with the EC key": (
        lambda issuer: issuer.token("rsa", header={"kid": "ec"}),
        "The algorithm does not fit the key.",
    ),
    "unknown critical header": (lambda issuer: issuer.token(header={"crit": ["x"], "x": 1}), "The token is malformed."),
    "a header that is no object": (
        lambda issuer: assemble([], issuer.claims(), lambda _: b"x"),
        "The token is malformed.",
    ),
    "a subject that is a number": (lambda issuer: issuer.token(sub=7), "The token is malformed."),
}
"""Tokens that must be refused, by name: a function that makes the token, and the reason that belongs in the log."""


class KeyServer:
    """An HTTP server on loopback that answers with the issuer's keys, or as the test says, and counts."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.asked = 0
        self.status = 200
        self.body: bytes | None = None
        self.location = "/elsewhere"
        self.url = ""

    def answer(self) -> bytes:
        """The present answer."""
        self.asked += 1
        return json.dumps(self.issuer.key_set()).encode() if self.body is None else self.body


@contextmanager
def serving_keys(issuer: Issuer) -> Iterator[KeyServer]:
    """A server of the issuer's keys while the block runs."""
    keys = KeyServer(issuer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self) -> None:
            body = keys.answer()
            self.send_response(keys.status)
            self.send_header("Location", keys.location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        keys.url = f"http://127.0.0.1:{server.server_address[1]}/keys.json"
        with serving(server):
            yield keys
