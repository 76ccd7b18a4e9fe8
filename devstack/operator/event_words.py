"""Pure: describes events and statuses in words, for people at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtest.terminal_text import printable
from matches.amendments import changes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KINDS = {
    "kick_off": "kick-off",
    "half_time": "half-time",
    "extra_half_time": "half-time of extra time",
    "extra_second_half": "second half of extra time",
    "shootout_kick": "shoot-out kick",
}
"""Kind of event -> its words, for kinds whose words differ from the kind."""

STATUSES = {
    "half_time": "half-time",
    "extra_half_time": "half-time of extra time",
    "extra_second_half": "second half of extra time",
    "shootout": "penalty shoot-out",
}
"""Status of a match -> its words, for statuses whose words differ from the status."""


def status(name: object) -> str:
    """A status in words: ``half-time of extra time``."""
    return printable(STATUSES.get(str(name), str(name).replace("_", " ")))


def describe(
    event: dict[str, Any], history: Iterable[dict[str, Any]] = (), teams: Mapping[str, str] | None = None
) -> str:
    """An event in words: ``Penalty goal, Lionel Messi``.

    A cancellation names the event that it takes back and the reason: ``Goal 23' Lionel Messi taken back: offside``. If
    that event is not in ``history``, its id stands instead. ``teams`` has the name of each side.
    """
    kind = str(event["kind"])
    if kind == "amendment":
        text = f"{_correction(event, history)}: {_changes(event)}"
    elif kind == "cancellation":
        text = f"{_cancelled(event, history, teams)} taken back{_why(event)}"
    elif kind == "var_decision":
        text = f"VAR: {_spaced(event.get('decision'))}"
    else:
        text = ", ".join(filter(None, (_what(event), _who(event)))) + _why(event)
    return printable(text[:1].upper() + text[1:])


def _what(event: Mapping[str, Any]) -> str:
    kind = str(event["kind"])
    what = KINDS.get(kind, _spaced(kind))
    if kind == "shootout_kick":
        return f"{what} {'scored' if event.get('scored') else 'missed'}"
    if kind == "awarded" and event.get("score"):
        return f"{what} {score(event)}"
    return f"{what} on the bench" if event.get("bench") else what


def _who(event: Mapping[str, Any]) -> str:
    """The players who took part: ``Leroy Sané for Serge Gnabry``."""
    on, off = event.get("player_on"), event.get("player_off")
    if event["kind"] != "substitution":
        return str(event.get("player") or "")
    if on and off:
        return f"{on} for {off}"
    if event.get("no_replacement"):
        return f"{off or 'a player'} goes off, no replacement"
    return f"{on} comes on" if on else f"{off} goes off" if off else "players not known"


def _why(event: Mapping[str, Any]) -> str:
    return f": {event['reason']}" if event.get("reason") else ""


def _cancelled(event: Mapping[str, Any], history: Iterable[Mapping[str, Any]], teams: Mapping[str, str] | None) -> str:
    """The event that a cancellation takes back: ``goal 23' Lionel Messi``; its id if it is not in ``history``."""
    history = list(history)
    found = _of_seq(event.get("cancels_seq"), history)
    return f"event {event.get('cancels')}" if found is None else _brief(found, history, teams)


def _correction(event: Mapping[str, Any], history: Iterable[Mapping[str, Any]]) -> str:
    """The event that an amendment corrects: ``correction of goal, seq 3``. That event already shows the new values."""
    found = _of_seq(event.get("amends_seq"), history)
    known = f"event {event.get('amends')}" if found is None else f"{_what(found)}, seq {found['seq']}"
    return f"correction of {known}"


def _of_seq(seq: object, history: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The event with a seq; None if it is not in the history."""
    return next((each for each in history if seq is not None and each.get("seq") == seq), None)


def _brief(event: Mapping[str, Any], history: Iterable[Mapping[str, Any]], teams: Mapping[str, str] | None) -> str:
    """An event in words, for a sentence about another event: its kind, its minute and its player or team."""
    kind = event["kind"]
    if kind == "amendment":
        return _correction(event, history)
    if kind == "cancellation":
        return "cancellation"
    what = f"VAR: {_spaced(event.get('decision'))}" if kind == "var_decision" else _what(event)
    known = event.get("player") or event.get("player_on") or event.get("player_off")
    side = str(event.get("team") or "")
    return " ".join(filter(None, (what, minute(event), str(known or (teams or {}).get(side, side)))))


def marks(event: Mapping[str, Any]) -> str:
    """The later events that changed an event: ``corrected by 4, taken back by 5``; empty if none did."""
    known = (("amended_by", "corrected"), ("cancelled_by", "taken back"))
    return printable(", ".join(f"{words} by {event[name]}" for name, words in known if name in event))


def _changes(amendment: dict[str, Any]) -> str:
    """The fields that an amendment corrects: ``player Lionel Messi, no assist, minute 45+2'``."""
    changes: dict[str, Any] = {**changes_of(amendment)}
    if "minute" in changes:
        del changes["minute"], changes["stoppage"]
        changes["minute"] = minute(amendment)
    return ", ".join(
        f"no {name}" if value is None else f"{name.replace('_', ' ')} {value}" for name, value in changes.items()
    )


def _spaced(name: object) -> str:
    return str(name or "").replace("_", " ")


def minute(event: Mapping[str, Any]) -> str:
    """The minute as people write it, such as ``45+7'``; empty for an event without a minute."""
    if event.get("minute") is None:
        return ""
    return f"{event['minute']}{'+' + str(event['stoppage']) if event.get('stoppage') else ''}'"


def score(event: Mapping[str, Any]) -> str:
    """The score after an event: ``3–3 (4–2)``."""
    text = "–".join(map(str, event["score"]))
    return f"{text} ({'–'.join(map(str, event['shootout']))})" if event.get("shootout") else text
