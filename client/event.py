"""The event of a match, as its frames carry it."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Event(TypedDict):
    """One thing that happened in a match: a dict with the fields of docs/api.md, whose ``kind`` says which it has.

    It is a dict and no object with attributes because an absent field and one that is None differ: an amendment
    with ``"player": None`` takes the name away, one without ``player`` leaves it alone. A kind that you do not know is
    one of a newer server: show nothing for it.
    """

    seq: int
    """Number of the event in its match, from 1 and without holes."""
    kind: str
    """Such as ``goal``, ``yellow_card``, ``substitution``, ``kick_off``, ``full_time``, ``cancellation``."""
    event_id: NotRequired[str]
    at: NotRequired[int]
    """When it was accepted, ms since the epoch by the server's clock."""
    score: NotRequired[list[int]]
    """Goals after it: home, away. Of kind ``awarded``: the score that counts from then on."""
    team: NotRequired[Literal["home", "away"]]
    """The side whose line it belongs on; of every kind of goal the side whose score goes up."""
    minute: NotRequired[int]
    stoppage: NotRequired[int | None]
    """Minutes of stoppage time after a period's last minute."""
    late: NotRequired[Literal[True]]
    """It was entered late, so the match's clock does not go by its minute."""
    player: NotRequired[str | None]
    assist: NotRequired[str | None]
    player_on: NotRequired[str | None]
    player_off: NotRequired[str | None]
    no_replacement: NotRequired[Literal[True]]
    """Of a substitution: nobody comes on."""
    bench: NotRequired[Literal[True]]
    """Of a card: it is for a coach or a player on the bench."""
    scored: NotRequired[bool]
    """Of a kick of the shoot-out."""
    decision: NotRequired[str]
    """Of the video assistant, such as ``checking`` or ``goal_disallowed``."""
    about: NotRequired[str | None]
    """Of a decision: the id of the event under review."""
    reason: NotRequired[str | None]
    cancels: NotRequired[str]
    """Of a cancellation: the id of the event that it takes back."""
    cancels_seq: NotRequired[int]
    cancelled_by: NotRequired[int]
    """The seq of the cancellation that took this event back. Only an event that is read later has it."""
    amends: NotRequired[str]
    """Of an amendment: the id of the event that it corrects."""
    amends_seq: NotRequired[int]
    amended_by: NotRequired[int]
    """The seq of the last amendment of this event, whose fields are as they should be."""
