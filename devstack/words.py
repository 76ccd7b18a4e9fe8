"""Pure: events in words, for people at a terminal."""

from __future__ import annotations

from typing import Any

from loadtest.shown import plain


def describe(event: dict[str, Any]) -> str:
    """An event in words: ``penalty goal, Lionel Messi``."""
    who = event.get("player") or event.get("player_on") or event.get("decision") or event.get("cancels")
    what = event["kind"].replace("_", " ")
    if event["kind"] == "shootout_kick":
        what += " scored" if event["scored"] else " missed"
    return plain(f"{what}, {str(who).replace('_', ' ')}" if who else what)


def minute(event: dict[str, Any]) -> str:
    """The minute as it is written: ``45+7'``, empty for what has none."""
    if "minute" not in event:
        return ""
    return f"{event['minute']}{'+' + str(event['stoppage']) if 'stoppage' in event else ''}'"


def score(event: dict[str, Any]) -> str:
    """The score after an event: ``3–3 (4–2)``."""
    text = "–".join(map(str, event["score"]))
    return f"{text} ({'–'.join(map(str, event['shootout']))})" if event.get("shootout") else text
