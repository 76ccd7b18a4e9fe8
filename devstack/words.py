"""Pure: events in words, for people at a terminal."""

from __future__ import annotations

from typing import Any

from loadtest.shown import plain
from matches.amending import changes_of


def describe(event: dict[str, Any]) -> str:
    """An event in words: ``penalty goal, Lionel Messi``."""
    if event["kind"] == "amendment":
        return plain(f"correction of {event.get('amends')}: {_changes(event)}")
    who = event.get("player") or event.get("player_on") or event.get("decision") or event.get("cancels")
    what = event["kind"].replace("_", " ")
    if event["kind"] == "shootout_kick":
        what += " scored" if event["scored"] else " missed"
    return plain(f"{what}, {str(who).replace('_', ' ')}" if who else what)


def _changes(amendment: dict[str, Any]) -> str:
    """What an amendment corrects: ``player Lionel Messi, no assist, minute 45+2'``."""
    changes = changes_of(amendment)
    if "minute" in changes:
        del changes["minute"], changes["stoppage"]
        changes["minute"] = minute(amendment)
    return ", ".join(
        f"no {name}" if value is None else f"{name.replace('_', ' ')} {value}" for name, value in changes.items()
    )


def minute(event: dict[str, Any]) -> str:
    """The minute as it is written: ``45+7'``, empty for what has none."""
    if event.get("minute") is None:
        return ""
    return f"{event['minute']}{'+' + str(event['stoppage']) if event.get('stoppage') else ''}'"


def score(event: dict[str, Any]) -> str:
    """The score after an event: ``3–3 (4–2)``."""
    text = "–".join(map(str, event["score"]))
    return f"{text} ({'–'.join(map(str, event['shootout']))})" if event.get("shootout") else text
