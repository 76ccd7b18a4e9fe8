"""Pure: whether a frame is one that the protocol knows, before a viewer relies on what is in it."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_whole(frame: dict[str, Any]) -> bool:
    """Whether a snapshot or an update has all that a follower reads, each of its kind and in order.

    Seqs of events rise, up to the frame's own at most. False for every other type of frame.
    """
    seq, kind = frame.get("seq"), frame.get("type")
    if kind == "update":
        if not (_is_count(frame.get("prev")) and _is_count(seq) and frame["prev"] <= seq):
            return False
    elif kind != "snapshot" or not (_is_count(seq) and _is_text(frame.get("home")) and _is_text(frame.get("away"))):
        return False
    if not (_is_text(frame.get("epoch")) and frame["epoch"] and _is_text(frame.get("status"))):
        return False
    if not _is_pair(frame.get("score")) or not (frame.get("shootout") is None or _is_pair(frame["shootout"])):
        return False
    events = frame.get("events")
    return type(events) is list and _rise(events, seq)


def is_page(page: dict[str, Any]) -> bool:
    """Whether a page of the history has all that a follower reads: its epoch, and events in order with their scores."""
    events = page.get("events")
    return (
        _is_text(page.get("epoch"))
        and _is_count(page.get("seq"))
        and type(events) is list
        and _rise(events, page["seq"])
        and all(_is_pair(event.get("score")) for event in events)
    )


def _rise(events: list[Any], last: int) -> bool:
    before = 0
    for event in events:
        if type(event) is not dict or type(event.get("seq")) is not int or not before < event["seq"] <= last:
            return False
        before = event["seq"]
    return True


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and value >= 0


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_pair(value: Any) -> bool:
    return type(value) in (list, tuple) and len(value) == 2 and _is_count(value[0]) and _is_count(value[1])
