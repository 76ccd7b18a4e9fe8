"""Pure: a viewer's knowledge of its matches' channels that outlives a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .service import Outcome

REFUSED_SECONDS = 60.0
"""For so long a subscription that the service has refused is not sent again with the same token: the service may end
the connection of all matches for it (https://github.com/aws-amplify/amplify-js/issues/14947)."""

CUTS = 3
"""This many connections in a row that end at one match's subscription are a refusal, at a service that refuses so."""


class ChannelMemory:
    """Times are those of one clock that only goes forward, in seconds."""

    def __init__(self) -> None:
        self.channels: dict[str, str] = {}
        """Match -> its channel."""
        self._refused: dict[str, tuple[str | None, float]] = {}
        """Match -> the token with which its channel was refused, and until when that counts."""
        self._cuts: dict[str, int] = {}
        """Match -> connections in a row that ended while its subscription had no answer."""

    def may_ask(self, match: str, token: str | None, now: float) -> bool:
        """Whether a match's subscription may be sent; otherwise the service has refused it lately."""
        if self._cuts.get(match, 0) >= CUTS:
            del self._cuts[match]
            self._refused[match] = (token, now + REFUSED_SECONDS)
        refused_token, until = self._refused.get(match, (None, now))
        return refused_token != token or now >= until

    def answered(self, match: str, outcome: Outcome, token: str | None, now: float) -> None:
        """The service has answered a match's subscription."""
        self._cuts.pop(match, None)
        if outcome == "joined":
            self._refused.pop(match, None)
        elif outcome == "refused":
            # The match may have another competition, and so another channel.
            self.channels.pop(match, None)
            self._refused[match] = (token, now + REFUSED_SECONDS)

    def cut(self, match: str) -> None:
        """A connection has ended while a match's subscription had no answer."""
        self._cuts[match] = self._cuts.get(match, 0) + 1
