"""The event of a match, as frames carry it."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Event(TypedDict):
    """One thing that happened in a match: a dict with the fields of docs/api.md.

    ``kind`` decides which fields it has. An event is a dict, because a field that is absent and a field that is None
    differ: an amendment with ``"player": None`` removes the name, and an amendment without ``player`` does not change
    it. A newer server may send a kind that you do not know: show nothing for it.
    """

    seq: int
    """The number of the event in its match: 1, 2, 3 …"""
    kind: str
    """Such as ``goal``, ``yellow_card``, ``substitution``, ``kick_off``, ``full_time``, ``cancellation``."""
    event_id: NotRequired[str]
    at: NotRequired[int]
    """When the server accepted the event: milliseconds since 1970 by the server's clock."""
    score: NotRequired[list[int]]
    """Goals after the event: home, away. Of kind ``awarded``: the score that counts from then on."""
    team: NotRequired[Literal["home", "away"]]
    """The side whose event it is. For every kind of goal, own goals too, the side whose score goes up."""
    minute: NotRequired[int]
    stoppage: NotRequired[int | None]
    """Minutes of stoppage time after a period's last minute."""
    late: NotRequired[Literal[True]]
    """The event was entered late, so the match's clock does not follow its minute."""
    player: NotRequired[str | None]
    assist: NotRequired[str | None]
    player_on: NotRequired[str | None]
    player_off: NotRequired[str | None]
    no_replacement: NotRequired[Literal[True]]
    """Of a substitution: no player comes on."""
    bench: NotRequired[Literal[True]]
    """Of a card: it is for a coach, or for a player on the bench."""
    scored: NotRequired[bool]
    """Of a kick of the shoot-out: whether it was a goal."""
    decision: NotRequired[str]
    """Of the video assistant, such as ``checking`` or ``goal_disallowed``."""
    about: NotRequired[str | None]
    """Of a decision: the id of the event under review."""
    reason: NotRequired[str | None]
    cancels: NotRequired[str]
    """Of a cancellation: the id of the event that it cancels."""
    cancels_seq: NotRequired[int]
    cancelled_by: NotRequired[int]
    """The seq of the cancellation of this event. Only an event that was read after its cancellation has it."""
    amends: NotRequired[str]
    """Of an amendment: the id of the event that it corrects."""
    amends_seq: NotRequired[int]
    amended_by: NotRequired[int]
    """The seq of the last amendment of this event, whose fields are already corrected."""
