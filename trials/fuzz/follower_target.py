"""Pure: fuzzes a viewer's half of the protocol (client/follower.py) with streams of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from client.follower import Follower
from trials.fuzz.fuzz_target import hold
from trials.fuzz.mutate import as_json, damaged_bytes, damaged_json

if TYPE_CHECKING:
    from random import Random

_KEPT = 64
"""The most frames in a follower's buffer."""

_WORDS = [b'"seq"', b'"prev"', b'"events"', b'"epoch"', b'"snapshot"', b'"update"', b"null", b"-1"]


def _frame(kind: str, prev: int, seq: int, epoch: str = "k3") -> dict[str, Any]:
    common = {
        "type": kind, "match": "m", "epoch": epoch, "seq": seq, "status": "first_half", "score": [seq, 0],
        "events": [{"seq": each, "kind": "goal", "score": [each, 0]} for each in range(prev + 1, seq + 1)],
    }  # fmt: skip
    more: dict[str, Any] = (
        {"prev": prev, "at": 1} if kind == "update" else {"home": "A", "away": "B", "shootout": [1, 2]}
    )
    return common | more


VALID = tuple(
    [_frame("snapshot", since, seq, epoch) for epoch in ("k3", "k4") for since, seq in ((0, 0), (0, 3), (2, 5), (0, 9))]
    + [_frame("update", prev, prev + step, epoch) for epoch in ("k3", "k4") for prev in range(9) for step in (1, 2)]
)
_TEXTS = [as_json(each) for each in VALID]


class FollowerTarget:
    """An input is frames of a viewer, one in each line."""

    name = "follower"

    def make(self, chance: Random) -> bytes:
        """Up to twelve frames in any order, some of them damaged; sometimes very many updates."""
        if chance.random() < 0.01:
            return b"\n".join([chance.choice(_TEXTS[8:])] * (2 * _KEPT))
        return b"\n".join(_line(chance) for _ in range(chance.randint(1, 12)))

    def check(self, data: bytes) -> bool:
        """Each event comes once and in order within an epoch, and the buffer is bounded."""
        follower, shown, taken = Follower("m"), 0, False
        for line in data.split(b"\n"):
            try:
                frame = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if not isinstance(frame, dict):
                continue
            epoch, seq = follower.epoch, follower.seq
            events = follower.take(frame)
            taken = taken or bool(events)
            if follower.epoch == epoch:
                hold("a position never goes back", true=follower.seq >= seq)
            else:
                shown = 0
            for event in events:
                hold("an event is shown once, and in order", true=shown < event["seq"])
                shown = event["seq"]
            hold("no event is above the position", true=shown <= follower.seq)
            hold("what waits is bounded", true=len(follower._buffer) <= _KEPT)  # noqa: SLF001
            hold("a score is two counts", true=all(type(each) is int and each >= 0 for each in follower.score))
            hold("names and status are text", true=all(map(_is_text, (follower.home, follower.away, follower.status))))
        return taken


def _line(chance: Random) -> bytes:
    match chance.randrange(6):
        case 0:
            return damaged_bytes(chance, _TEXTS, _WORDS).replace(b"\n", b"")
        case 1 | 2:
            return as_json(damaged_json(chance, chance.choice(VALID)))
    return chance.choice(_TEXTS)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
