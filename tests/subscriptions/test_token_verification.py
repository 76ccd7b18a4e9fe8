"""Tokens that are accepted, and a table of those that must not be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from subscriptions.token_verification import TOKEN_BYTES, Expected, HandshakeRefusedError, key_id, read_keys, verify
from tests.issuer import AUDIENCE, FORGED, ISSUER, REASONS, Issuer, public

if TYPE_CHECKING:
    from matches.claims import Identity

EXPECTED = Expected(ISSUER, frozenset({AUDIENCE, "also"}))


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    """The issuer."""
    return Issuer()


def check(issuer: Issuer, token: str, expected: Expected = EXPECTED) -> Identity:
    """Verify a token with the issuer's keys."""
    kid = key_id(token)
    keys = read_keys(issuer.key_set())
    if kid not in keys:
        raise HandshakeRefusedError("The issuer has no such key.")
    return verify(token, keys[kid], expected)


@pytest.mark.parametrize(
    ("kid", "claims"),
    [
        ("rsa", {}),
        ("ec", {}),
        ("rsa", {"aud": ["others", "also"]}),
        ("rsa", {"aud": None, "client_id": AUDIENCE}),
        ("rsa", {"exp": -20, "iat": -99}),
        ("rsa", {"iat": 20, "nbf": 20}),
    ],
)
def test_a_good_token_says_who_it_is(issuer: Issuer, kid: str, claims: dict[str, Any]) -> None:
    """Signed with either kind of key, for us by ``aud`` or ``client_id``, its times right within the leeway."""
    now = int(time.time())
    given: dict[str, Any] = {name: now + value if isinstance(value, int) else value for name, value in claims.items()}
    who = check(issuer, issuer.token(kid, scope="a/b c", **(given | {"competitions": "cup league"})))
    assert who.subject == "ann"
    assert who.scopes == {"a/b", "c"}
    assert who.competitions == frozenset({"cup", "league"})
    assert who.client == claims.get("client_id")


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused(issuer: Issuer, name: str) -> None:
    """Every one of the table, for the reason that it was made for, which repeats nothing of the token."""
    make, reason = FORGED[name]
    with pytest.raises(HandshakeRefusedError) as refused:
        check(issuer, make(issuer))
    assert str(refused.value) == reason
    assert reason in REASONS


def test_no_audience_lets_nobody_in(issuer: Issuer) -> None:
    """A function that was given no audience accepts no token: nothing is open because a setting is missing."""
    for token in (issuer.token(), issuer.token(aud=None), issuer.token(aud="")):
        with pytest.raises(HandshakeRefusedError):
            check(issuer, token, Expected(ISSUER, frozenset()))


def test_the_longest_token(issuer: Issuer) -> None:
    """8 KB are read, a byte more is not."""
    room = TOKEN_BYTES - len(issuer.token(padding=""))
    for size in range(room * 3 // 4 - 4, room * 3 // 4 + 4):
        token = issuer.token(padding="x" * size)
        if len(token) <= TOKEN_BYTES:
            assert check(issuer, token).subject == "ann"
        else:
            with pytest.raises(HandshakeRefusedError, match="The token is too long"):
                check(issuer, token)
    assert len(token) > TOKEN_BYTES


def test_only_keys_that_may_sign_are_read(issuer: Issuer) -> None:
    """Keys for encryption, of other types, curves and algorithms, without an id or damaged are left out."""
    good = issuer.key_set()["keys"]
    wrong: list[Any] = [
        {**good[0], "kid": "enc", "use": "enc"},
        {**good[0], "kid": "rs512", "alg": "RS512"},
        {**good[0], "kid": 7},
        {**good[0], "kid": "no modulus", "n": "!"},
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
        {**public(ec.generate_private_key(ec.SECP256R1())), "kid": "curve", "crv": "P-384"},
        "not a key",
    ]
    assert set(read_keys({"keys": wrong + good})) == {"rsa", "ec"}
    no_sets: list[Any] = [None, [], {}, {"keys": {}}]
    for document in no_sets:
        with pytest.raises(ValueError, match="not a key set"):
            read_keys(document)


def test_a_token_of_nobody_is_refused(issuer: Issuer) -> None:
    """A signed token with an empty subject names nobody."""
    with pytest.raises(HandshakeRefusedError, match="no subject"):
        check(issuer, issuer.token("rsa", sub=""))
