"""Pure: verifies viewers' tokens: JWTs signed with RS256 or ES256 by the keys of one issuer (RFC 7519, RFC 8725).

Only ``kid`` chooses the key, among the issuer's own keys. ``jku``, ``x5u``, ``jwk`` and ``x5c`` of a token are not
read. The key decides the algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt

from matches.claims import ClaimsError, identity
from runtime.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matches.claims import Identity

ALGORITHMS: Final = {"RS256": "RSA", "ES256": "EC"}
"""Algorithms that may sign a token, each with the type of its key (RFC 7518, section 6.1)."""

TOKEN_BYTES = 8 * 1024
"""A longer token is refused unread. API Gateway takes 10 KB of headers and request line in all
(https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html)."""

LEEWAY_SECONDS = 60
"""Seconds by which the issuer's clock and ours may differ."""

_REASONS: Final[dict[type[Exception], str]] = {
    jwt.ExpiredSignatureError: "The token has expired.",
    jwt.ImmatureSignatureError: "The token is not valid yet.",
    jwt.InvalidIssuerError: "The token is from another issuer.",
    jwt.InvalidSignatureError: "The signature of the token is wrong.",
    jwt.MissingRequiredClaimError: "A required claim is missing.",
    jwt.InvalidAlgorithmError: "The algorithm does not fit the key.",
}


class HandshakeRefusedError(BadInputError):
    """A viewer is refused at the handshake. The text is the reason, for the log only: the viewer never gets it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The issuer that a token must have, and the audiences of which it must have one."""

    issuer: str
    audiences: frozenset[str]


def key_id(token: str) -> str:
    """The ``kid`` of a token. This verifies nothing.

    Raises HandshakeRefusedError if the token has the wrong form or an algorithm that is not allowed.
    """
    if len(token.encode("utf-8", "surrogatepass")) > TOKEN_BYTES:
        raise HandshakeRefusedError("The token is too long.")
    try:
        header: Any = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise HandshakeRefusedError("The token is malformed.") from None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise HandshakeRefusedError("The algorithm is not allowed.")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise HandshakeRefusedError("The token names no key.")
    return kid


def verify(token: str, key: jwt.PyJWK, expected: Expected) -> Identity:
    """The identity in a token. Checks the signature with ``key``, the times, the issuer and the audience.

    Raises HandshakeRefusedError.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=expected.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "sub"], "verify_aud": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise HandshakeRefusedError(_REASONS.get(type(error), "The token is malformed.")) from None
    if expected.audiences.isdisjoint(_audience(claims)):
        raise HandshakeRefusedError("The token is for another audience.")
    try:
        return identity(claims)
    except ClaimsError as error:
        raise HandshakeRefusedError(str(error)) from None


def read_keys(document: Any) -> dict[str, jwt.PyJWK]:
    """The keys of a key set (RFC 7517, section 5) that may sign tokens, by their ids.

    Leaves out keys of another type, keys for encryption and keys without an id. Raises ValueError for anything else
    than a key set.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("not a key set")  # noqa: TRY004  # the document is wrong, not the call
    found: dict[str, jwt.PyJWK] = {}
    for each in listed:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig" or not isinstance(each.get("kid"), str):
            continue
        algorithm = next((name for name, kind in ALGORITHMS.items() if kind == each.get("kty")), None)
        if algorithm is None or each.get("alg", algorithm) != algorithm:
            continue
        try:
            # Read only the public half, even if the issuer publishes the private one by mistake.
            found[each["kid"]] = jwt.PyJWK({name: each[name] for name in each if name in _PUBLIC}, algorithm)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    return found


_PUBLIC: Final = frozenset({"kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"})


def _audience(claims: Mapping[str, Any]) -> set[str]:
    """The audiences of a token.

    Cognito's access tokens have no ``aud``, but the ``client_id`` they were issued to
    (https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html).
    """
    stated = claims.get("aud", claims.get("client_id"))
    listed = stated if isinstance(stated, list) else [stated]
    return {each for each in listed if isinstance(each, str)}
