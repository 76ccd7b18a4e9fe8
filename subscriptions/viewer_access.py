"""Decides what one viewer may watch, by the viewer's token. The authorizer of each transport asks here.

One rule holds on every transport: a token that is there must be valid, even where viewers need none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from matches.claims import EVERY
from subscriptions.issuer_keys import KeySet, fetch
from subscriptions.protocol import ANONYMOUS
from subscriptions.token_verification import Expected, HandshakeRefusedError, key_id, verify

if TYPE_CHECKING:
    from subscriptions.viewer_settings import TokenSettings

logger = Logger(service="authorizer")


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer, and the competitions that it may watch."""

    subject: str
    competitions: frozenset[str]
    """Keys of competitions (matches/claims.py). Matches without a competition are open to every viewer."""
    expires: int | None
    """When the token ends, in seconds since 1970; None for a viewer without a token."""

    @property
    def own_subject(self) -> str | None:
        """The subject of the token; None for a viewer without a token. A token may have the subject ``anonymous``."""
        return None if self.expires is None else self.subject


def viewer_of(token: str | None, own: TokenSettings) -> Viewer:
    """The viewer with this token; None is a viewer without a token. Raises HandshakeRefusedError."""
    anonymous = own.anonymous == "on"
    # Where viewers need no token, a token without competitions must not give its viewer less than no token gives.
    unsaid = frozenset({EVERY} if anonymous else ())
    if token is None:
        if not anonymous:
            raise HandshakeRefusedError("There is no token.")
        return Viewer(ANONYMOUS, unsaid, None)
    audiences = frozenset(own.viewer_audience.split(",")) - {""}
    key = issuer_keys(own).key(key_id(token))
    who = verify(token, key, Expected(own.issuer, audiences))
    return Viewer(who.subject, unsaid if who.competitions is None else who.competitions, who.expires or 0)


def token_or_none(sent: str | None) -> str | None:
    """The token that a viewer has sent to a service; None if it is empty or the word ``anonymous``."""
    return None if sent in (None, "", ANONYMOUS) else sent


@cache
def _keys(url: str) -> KeySet:
    return KeySet(lambda: fetch(url), lambda reason: logger.warning("issuer_keys_unfetched", reason=reason))


def issuer_keys(own: TokenSettings) -> KeySet:
    """The keys of the issuer. The process keeps them."""
    return _keys(own.jwks_url)


def fetch_keys_early(own: TokenSettings) -> None:
    """Fetch the issuer's keys before the first token needs them, where viewers have tokens."""
    if own.jwks_url:
        issuer_keys(own).fetch_early()
