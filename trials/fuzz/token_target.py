"""Pure: fuzzes the reader of viewers' tokens (subscriptions/token_verification.py) with real tokens that were damaged.

The keys are no secrets: the EC key is a small number, and of the RSA key there are only the public half and one
signature.
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from subscriptions.token_verification import (
    LEEWAY_SECONDS,
    TOKEN_BYTES,
    Expected,
    HandshakeRefusedError,
    key_id,
    read_keys,
    verify,
)
from trials.fuzz.fuzz_target import hold
from trials.fuzz.mutate import as_json, damaged_bytes, damaged_json

if TYPE_CHECKING:
    from random import Random

_ISSUER, _AUDIENCE = "https://issuer.example/pool", "viewers"
_CLAIMS: dict[str, Any] = {
    "iss": _ISSUER, "aud": _AUDIENCE, "sub": "ann", "iat": 1_700_000_000, "exp": 2**33, "scope": "a/b c",
    "competitions": ["cup", "league"],
}  # fmt: skip
_OTHERS: tuple[dict[str, Any], ...] = (
    _CLAIMS,
    {**_CLAIMS, "aud": ["others", _AUDIENCE], "nbf": 1_700_000_000, "competitions": "cup league"},
    {**{name: value for name, value in _CLAIMS.items() if name != "aud"}, "client_id": _AUDIENCE},
)
_RSA_HEAD = {"alg": "RS256", "kid": "rsa", "typ": "JWT"}
_EC_HEAD = {"alg": "ES256", "kid": "ec", "typ": "JWT"}
_RSA_MODULUS = (
    "umh802vmvD_7i31gwn-W0QLqqVnSoaMoqQW2hfCktPuOZvudv4bPXWa8nwAXpfrL8cPKehEMhIkEeNMMzxCq9PNRQK-"
    "til0px9dL_E_9cx2I9D4-TrHtY7qytMMqFBh-Ye1kKDVFHhH-pEj1UePw7sXbKbE33NYgosiDqFeBPyc0XCm5o5m1uYr6wESwMAHrE6_At2aVp"
    "ZUIS2-"
    "fIgZwfYRRpNCWH4xabXhJb0pmL3sUXIv00Zbjnjsd9SzIv8YdxcGtXLsGutzRPXK4PcMTVhBm4fMNy8BXqPzY2PUb8V_l3QTz8xpUU6PSO7Ro1"
    "seqFsQDvDXRbuq9I6XfjgYNHw"
)
_RSA_SIGNATURE = (
    "Mq38UJ2AT-4C_Azz0Qes6dpm-jxY9shQ-"
    "8s1u2vuaOnChNxrL0shWJvbBfGPZNqDXwehRdBHcVL4TjRkL_baBYuOxT04AxmALyF2edQoZEI_4MSmErxX6wkEnB-"
    "0FUHeEPVxFjAJQNEnewjSs5HCCpBaBESR24_yvKBkqKqCrXfgP9BK--nAsSz-UP-xCvZ-efmps-BQayvOXLZE-gm6lSFm7PUuljn5niebSEr6R"
    "k9uzf6jmRllpyS2XJw_8LXkw82AaDlBUfDJnld2BSuDx4mqvaulotUcqMMnlfceH8ldcfmn8vo0jYhIDFo3LgoALs_FoMaNNyaL2_mo4EKG9Q"
)
_EC_KEY = ec.derive_private_key(7, ec.SECP256R1())
_HASH = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_WORDS = [b".", b"..", b"=", b"e30", b"bnVsbA", b"eyJhbGciOiJub25lIn0", b"W10", b"%2e", b"\xc4\xb0", b"A" * TOKEN_BYTES]

_REASONS = frozenset({
    "The token is too long.", "The token is malformed.", "The token names no key.", "The token names no subject.",
    "The token is for another audience.", "The token is from another issuer.", "The token is not valid yet.",
    "The token has expired.", "The algorithm is not allowed.", "The algorithm does not fit the key.",
    "The signature of the token is wrong.", "A required claim is missing.",
})  # fmt: skip
"""Every reason with which ``key_id`` and ``verify`` refuse a token."""


def _text(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _content(header: Any, claims: Any) -> bytes:
    return _text(as_json(header)) + b"." + _text(as_json(claims))


def _signed(content: bytes) -> bytes:
    """The token of a content, signed with the EC key (RFC 7518, section 3.4)."""
    r, s = decode_dss_signature(_EC_KEY.sign(content, _HASH))
    return content + b"." + _text(r.to_bytes(32) + s.to_bytes(32))


def _key_set() -> dict[str, Any]:
    point = _EC_KEY.public_key().public_numbers()
    x, y = (_text(each.to_bytes(32)).decode() for each in (point.x, point.y))
    return {
        "keys": [
            {"kty": "RSA", "kid": "rsa", "n": _RSA_MODULUS, "e": "AQAB"},
            {"kty": "EC", "kid": "ec", "crv": "P-256", "x": x, "y": y},
        ]
    }


_KEYS = read_keys(_key_set())
_EXPECTED = Expected(_ISSUER, frozenset({_AUDIENCE}))
_TOKENS = [
    _content(_RSA_HEAD, _CLAIMS) + b"." + _RSA_SIGNATURE.encode(),
    *(_signed(_content(_EC_HEAD, claims)) for claims in _OTHERS),
]
_CONTENTS = frozenset(token.rpartition(b".")[0] for token in _TOKENS)
VALID = [b"\n" + token for token in _TOKENS]


class TokenTarget:
    """An input is the signed text (empty for the usual tokens), a line's end, and the token."""

    name = "tokens"

    def make(self, chance: Random) -> bytes:
        """A token with wrong bytes, or one that the issuer has signed with a wrong header or wrong claims."""
        kind = chance.randrange(5)
        if kind < 2:
            return b"\n" + damaged_bytes(chance, _TOKENS, _WORDS)
        header: Any = chance.choice((_EC_HEAD, _EC_HEAD, _RSA_HEAD))
        claims: Any = chance.choice(_OTHERS)
        if kind == 2:
            header = damaged_json(chance, header)
        else:
            header = _EC_HEAD
            for _ in range(chance.choice((1, 1, 2, 3))):
                claims = damaged_json(chance, claims)
        content = _content(header, claims)
        return content + b"\n" + _signed(content)

    def check(self, data: bytes) -> bool:
        """A token is accepted only if exactly its text was signed, by its key, for our audience, and is valid now."""
        content, _, raw = data.partition(b"\n")
        token = raw.decode(errors="surrogateescape")
        try:
            kid = key_id(token)
            if kid not in _KEYS:
                return False
            who = verify(token, _KEYS[kid], _EXPECTED)
        except HandshakeRefusedError as error:
            hold("a reason is a fixed sentence, so it repeats nothing of the token", true=str(error) in _REASONS)
            return False
        stated = raw.rpartition(b".")[0]
        hold("what is accepted is what was signed", true=stated in _CONTENTS or stated == content)
        header, claims = (json.loads(base64.urlsafe_b64decode(part + b"==")) for part in stated.split(b"."))
        hold("the algorithm is the key's", true=header["alg"] == {"rsa": "RS256", "ec": "ES256"}[kid])
        hold("the key is the one that is named", true=header["kid"] == kid)
        hold("the subject is that of the token", true=who.subject == claims["sub"])
        hold("the issuer is ours", true=claims["iss"] == _ISSUER)
        audience = claims.get("aud", claims.get("client_id"))
        hold("it is for us", true=audience == _AUDIENCE or (isinstance(audience, list) and _AUDIENCE in audience))
        hold("it has not expired", true=int(claims["exp"]) > time.time() - LEEWAY_SECONDS)
        hold("an accepted token is not too long", true=len(raw) <= TOKEN_BYTES)
        return True
