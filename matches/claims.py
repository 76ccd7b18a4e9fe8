"""Pure: the rights in the claims of a token that has been verified.

Competitions are named in claims by their key: the name in small letters, words joined by hyphens, so ``World Cup 2022``
is ``world-cup-2022``. A key has no space, because a list of keys travels as text: HTTP APIs hand a list claim to a
function as ``[a b]``, and a WebSocket authorizer's context takes no lists
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EVERY = "*"
"""Stands for all competitions."""

_SUBJECT_LENGTH = 200


class ClaimsError(BadInputError):
    """The claims name no subject."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A token's subject and its rights. ``competitions`` is None when the token does not name any."""

    subject: str
    scopes: frozenset[str]
    competitions: frozenset[str] | None
    client: str | None = None
    expires: int | None = None
    """When the token ends, in whole seconds since 1970; None when the token does not say it as a number."""


def identity(claims: Mapping[str, Any]) -> Identity:
    """The identity that verified claims state.

    Raises ClaimsError without a subject: a printable text of at most 200 characters.
    """
    subject, client, named = claims.get("sub"), claims.get("client_id"), claims.get("competitions")
    ends = claims.get("exp")
    if not isinstance(subject, str) or not subject.isprintable() or not 0 < len(subject) <= _SUBJECT_LENGTH:
        raise ClaimsError("The token names no subject.")
    return Identity(
        subject=subject,
        scopes=frozenset(_words(claims.get("scope"))),
        competitions=None if named is None else read_competitions(named),
        client=client if isinstance(client, str) else None,
        expires=int(ends) if isinstance(ends, int | float) else None,
    )


def read_competitions(claim: Any) -> frozenset[str]:
    """The keys in a claim: a list of them, or text with spaces or commas between them."""
    return frozenset(EVERY if word == EVERY else competition_key(word) for word in _words(claim)) - {""}


def write_competitions(competitions: Iterable[str]) -> str:
    """Keys as text that ``read_competitions`` reads."""
    return " ".join(sorted(competitions))


def competition_key(name: str) -> str:
    """The key of a competition's name: ``world-cup-2022``.

    A combining mark belongs to its letter's word, so names that differ in such marks have different keys.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "-".join("".join(each if _is_of_a_word(each) else " " for each in text).split())


def _is_of_a_word(character: str) -> bool:
    return character == "_" or character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")


def covers(competitions: Iterable[str], competition: str | None) -> bool:
    """Whether these keys cover a match of a competition. A match without one is open to all."""
    return competition is None or not {EVERY, competition_key(competition)}.isdisjoint(competitions)


def _words(claim: Any) -> list[str]:
    if isinstance(claim, list):
        return [each for each in claim if isinstance(each, str) and not re.search(r"[\s,]", each)]
    if isinstance(claim, str):
        return [word for word in re.split(r"[\s,]+", claim.strip().removeprefix("[").removesuffix("]")) if word]
    return []
