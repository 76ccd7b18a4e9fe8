"""Pure: an endless series of events of a match, for an operator to post."""

from __future__ import annotations

from typing import Any

_PLAY: tuple[dict[str, Any], ...] = (
    {"kind": "goal", "team": "home", "player": "Lionel Messi"},
    {"kind": "yellow_card", "team": "away", "player": "Adrien Rabiot"},
    {"kind": "goal", "team": "away", "player": "Kylian Mbappé"},
    {"kind": "substitution", "team": "home", "player_on": "Marcos Acuña", "player_off": "Ángel Di María"},
    {"kind": "penalty_goal", "team": "away", "player": "Kylian Mbappé"},
)

LAST = ("half_time", "second_half", "full_time")
"""The phases that end a match. All other events are in the first half."""


class Script:
    """Gives the next event of a match. The rules allow its events between the phases in any order."""

    def __init__(self, match: str) -> None:
        self._match = match
        self._count = 0

    def next(self) -> dict[str, Any]:
        """The next event: first the kick-off, then events of play."""
        self._count += 1
        if self._count == 1:
            return self.phase("kick_off")
        play = _PLAY[self._count % len(_PLAY)]
        return {**play, "minute": min(45, self._count), "event_id": f"{self._match}-{self._count}"}

    def goal(self) -> dict[str, Any]:
        """The next goal; the events before it are left out."""
        while not (event := self.next())["kind"].endswith("goal"):
            pass
        return event

    def phase(self, kind: str) -> dict[str, Any]:
        """A phase of the match."""
        return {"kind": kind, "event_id": f"{self._match}-{kind}"}
