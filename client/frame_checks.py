"""Pure: checks that a frame has the shape that the protocol promises, before a follower relies on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from .frame_types import HistoryPage, RawFrame, Snapshot, Update

_MOST = 2**53 - 1
"""A larger number is none of ours. A browser would round it (https://tc39.es/ecma262/#sec-number.max_safe_integer)."""


def is_whole(frame: RawFrame) -> TypeGuard[Snapshot | Update]:
    """Whether a snapshot or an update has all that a follower reads, each value of its type and the events in order.

    The events' seqs rise, up to the frame's own seq at most. False for every other type of frame.
    """
    prev, seq, kind = frame.get("prev"), frame.get("seq"), frame.get("type")
    if not _is_count(seq):
        return False
    if kind == "update":
        if not (_is_count(prev) and prev <= seq):
            return False
    elif kind != "snapshot" or not (_is_text(frame.get("home")) and _is_text(frame.get("away"))):
        return False
    if not (_is_text(frame.get("epoch")) and frame["epoch"] and _is_text(frame.get("status"))):
        return False
    if not _is_pair(frame.get("score")) or not (frame.get("shootout") is None or _is_pair(frame["shootout"])):
        return False
    return _rise(frame.get("events"), seq)


def is_page(page: RawFrame) -> TypeGuard[HistoryPage]:
    """Whether a page of the history has all that a follower reads: its epoch, and events in order with their scores."""
    events, seq = page.get("events"), page.get("seq")
    return (
        _is_text(page.get("epoch"))
        and _is_count(seq)
        and _rise(events, seq)
        and all(_has_score(each) for each in events)
    )


def as_text(value: object) -> str:
    """A value of an error for people. Lists and objects are left out: they may be too deep to be written."""
    return "" if isinstance(value, (dict, list)) else str(value)


def _rise(events: object, last: int) -> TypeGuard[list[dict[str, Any]]]:
    if type(events) is not list:
        return False
    before = 0
    for event in events:
        if type(event) is not dict or type(event.get("seq")) is not int or not before < event["seq"] <= last:
            return False
        before = event["seq"]
    return True


def _has_score(event: dict[str, Any]) -> bool:
    return _is_pair(event.get("score"))


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= _MOST


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_pair(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and _is_count(value[0]) and _is_count(value[1])
