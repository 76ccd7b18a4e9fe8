"""A service that takes frames or does not, and events of a match, for the tests of the publisher."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from broadcaster.transports.description import CellDescription
from devstack.system import REGION
from tests.channel_names import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from matches.event_types import BroadcastReceipt
    from matches.ledger import Ledger

DESCRIPTION = CellDescription("events", REGION, "appsync-events")
KICK_OFF: dict[str, Any] = {"kind": "kick_off"}
GOAL: dict[str, Any] = {"kind": "goal", "team": "home", "minute": 3}
CARD: dict[str, Any] = {"kind": "yellow_card", "team": "away", "minute": 5, "player": "Ann"}
Play = Any


def refusal(code: str, status: int) -> ClientError:
    """The answer of a service that refuses a frame."""
    response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Publish")


@dataclass
class FakeService:
    """Takes frames, and keeps them by channel; the next publishes fail with ``errors``, or after they were taken."""

    frame_bytes: int = 240_000
    frames: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    lost_answers: list[Exception] = field(default_factory=list)
    refused: str = ""
    """The channel of which every frame is refused."""
    before: Callable[[], object] = lambda: None
    calls: Counter[str] = field(default_factory=Counter)

    def publish(self, channel: str, frame: bytes) -> None:
        """Take a frame."""
        self.calls[channel] += 1
        self.before()
        if self.errors or channel == self.refused:
            raise self.errors.pop() if self.errors else refusal("AccessDenied", 403)
        self.frames.setdefault(channel, []).append(json.loads(frame) | {"bytes": len(frame)})
        if self.lost_answers:
            raise self.lost_answers.pop()

    def seqs(self, match: str, feed: Any = "all") -> list[tuple[int, int]]:
        """``prev`` and ``seq`` of each frame that a feed of a match without a competition has."""
        return [(each["prev"], each["seq"]) for each in self.frames.get(CHANNELS.feed(None, match, feed), [])]


def receipts(ledger: Ledger, match: str) -> list[BroadcastReceipt]:
    """The receipts of a match, all of broadcasting cells."""
    return [each for each in ledger.receipts(match) if "published" in each]
