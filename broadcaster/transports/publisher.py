"""Tells a cell whose service carries a frame to all viewers itself: the match's frames are published once.

The match is told in the cell as soon as the service has taken the frames, so there are no rows of viewers, no execution
and no lease. Three calls of the cell lie in a row:

1. One write makes the event due (control/cell_state.py). If it has been told already, nothing is published. As long
   as nothing of the match has been told in the cell, home is asked whether the match still has this epoch.
2. The frame of all events and the frame of the score are published side by side.
3. One write says that the match is told. Beside it the receipt goes home.

If a publish fails, or its answer is lost, the match stays untold, and the error is raised: the watchdog tries again
(home/cells.py). Two tellings at once publish twice, and viewers drop the second frame. A telling that an operator has
stopped, or that a newer one has overtaken, changes nothing when it ends.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from broadcaster.send.update_frames import build, covers
from matches.ledger import UnknownMatchError
from matches.snapshot import EVENTS_PER_FRAME, FRAME_BYTES
from runtime.metrics import note
from runtime.refusals import AWS_ERRORS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor, Future

    from broadcaster.control.cell_state import CellState, CellStates
    from broadcaster.control.payload import CarriedEvent
    from broadcaster.send.update_frames import Frames
    from broadcaster.transports.description import CellDescription
    from broadcaster.transports.transport import Clients, Service
    from matches.channels import Channels, Feed
    from matches.event_types import BroadcastReceipt, PublishedFeed, RefusedFeed
    from matches.ledger import Ledger
    from matches.match_state import MatchState

RECEIPT_SECONDS = 2.0
"""Seconds that a telling waits at its end for the write of its receipt. The write goes on after them."""

MOST_REFUSED = 20
"""The newest refusals of an event's frames that the cell's row keeps for the receipt."""

logger = Logger(service="publisher")


@dataclass(frozen=True, slots=True)
class Publisher:
    """Tells one cell through a service that carries frames to all who hear a channel.

    Raises AWS_ERRORS if a frame is not taken, and DamagedRowError for a damaged row of the cell.
    """

    description: CellDescription
    cell_states: CellStates
    ledger: Ledger
    """At home."""
    service: Service
    threads: Executor
    channels: Channels

    def begin(
        self,
        match_state: MatchState,
        events: Sequence[CarriedEvent] = (),
        *,
        watchdog_message: Future[None] | None = None,
        delivered_before: bool = False,
    ) -> CellState:
        """Publish the frames after ``told_seq``, unless the cell has told them; returns the cell's row afterwards.

        ``events``: the newest events; those that are missing are read at home. A publish ends within this call, so it
        waits for no ``watchdog_message`` and nothing changes if the record of the event was ``delivered_before``.
        """
        del watchdog_message, delivered_before
        match, seq, epoch = match_state.match, match_state.newest_seq, match_state.epoch
        is_present = partial(self._is_present, match, epoch)
        present = self.cell_states.mark_due(match, seq, epoch, now_ms=_now_ms(), is_present=is_present)
        if present.ended_seq >= seq or present.epoch != epoch:
            return present
        # A telling that a reset has overtaken finds no row, and would turn the viewers of the new match back.
        if not present.told_seq and not is_present():
            logger.warning("match_created_again", match=match, seq=seq, cell=self.description.name)
            return present
        frames = self._frames(match_state, present.told_seq, events)
        if frames is None:
            return present
        published = self._publish(match_state, frames, present)
        receipt = self._receipt(match_state, present, published)
        written = self.threads.submit(self._put_receipt, match, receipt)
        told = self.cell_states.mark_told(match, seq, epoch)
        _wait(written, match)
        return self.cell_states.read(match) if told is None else told

    def _is_present(self, match: str, epoch: str) -> bool:
        try:
            return self.ledger.state(match).epoch == epoch
        except UnknownMatchError:
            return False

    def _frames(self, match_state: MatchState, told_seq: int, events: Sequence[CarriedEvent]) -> Frames | None:
        if covers(events, told_seq, match_state.newest_seq):
            stored = [(each.event, each.score_prev) for each in events]
        else:
            stored = self.ledger.events_with_score_prev(match_state.match, told_seq, EVENTS_PER_FRAME)
        return build(match_state, told_seq, stored, min(FRAME_BYTES, self.service.frame_bytes))

    def _publish(self, match_state: MatchState, frames: Frames, present: CellState) -> list[PublishedFeed]:
        """Publish each feed's frame; returns what the service has taken. Raises the first feed's error."""
        feeds: dict[Feed, tuple[bytes, int]] = {"all": (frames.everything_frame, frames.events)}
        if frames.score_frame is not None:
            feeds["score"] = (frames.score_frame, frames.score_events)
        submit = self.threads.submit
        taken = {feed: submit(self._publish_one, match_state, feed, *frame) for feed, frame in feeds.items()}
        errors = {feed: error for feed, sent in taken.items() if (error := sent.exception()) is not None}
        if not errors:
            return [sent.result() for sent in taken.values()]
        refused = [_refusal(feed, error) for feed, error in errors.items() if isinstance(error, ClientError)]
        if refused:
            self._note_refusals(present, refused)
        for feed, error in errors.items():
            note("FramesUnpublished")
            logger.warning(
                "frame_not_published", match=match_state.match, seq=match_state.newest_seq, cell=self.description.name,
                feed=feed, exc_info=error,
            )  # fmt: skip
        raise next(iter(errors.values()))

    def _publish_one(self, match_state: MatchState, feed: Feed, frame: bytes, events: int) -> PublishedFeed:
        self.service.publish(self.channels.feed(match_state.competition, match_state.match, feed), frame)
        return {"feed": feed, "bytes": len(frame), "events": events, "taken_at": _now_ms()}

    def _note_refusals(self, present: CellState, refused: list[RefusedFeed]) -> None:
        """Keep what the service has refused for the receipt of the telling that succeeds. A failure is only logged."""
        kept = [*present.refused, *refused][-MOST_REFUSED:]
        try:
            self.cell_states.note_refused(present.match, present.epoch or "", kept)
        except AWS_ERRORS as error:
            logger.warning("refusals_unwritten", match=present.match, cell=self.description.name, exc_info=error)

    def _receipt(self, match_state: MatchState, present: CellState, published: list[PublishedFeed]) -> BroadcastReceipt:
        return {
            "cell": self.description.name,
            "transport": self.description.transport,
            "broadcast": f"{match_state.match}-{match_state.newest_seq}-{secrets.token_hex(4)}",
            "prev": present.told_seq,
            "seq": match_state.newest_seq,
            "due_at": present.due_at,
            "published": published,
            "refused": list(present.refused),
            "at": _now_ms(),
        }

    def _put_receipt(self, match: str, receipt: BroadcastReceipt) -> None:
        """Write the receipt at home. If that fails, the receipt is only in the log, as in control/receipt.py."""
        try:
            self.ledger.put_receipt(match, receipt["seq"], receipt["broadcast"], receipt)
        except AWS_ERRORS:
            logger.exception("receipt_unwritten", match=match, seq=receipt["seq"], receipt=receipt)
        logger.info("receipt", match=match, seq=receipt["seq"], receipt=receipt)


def make_publisher(
    description: CellDescription, cell_states: CellStates, clients: Clients, service: Service
) -> Publisher:
    """The Publisher of a cell that has this service."""
    return Publisher(description, cell_states, clients.ledger, service, clients.threads, clients.channels)


def _refusal(feed: Feed, error: ClientError) -> RefusedFeed:
    return {"feed": feed, "reason": error.response["Error"]["Code"], "at": _now_ms()}


def _wait(written: Future[None], match: str) -> None:
    try:
        written.result(RECEIPT_SECONDS)
    except TimeoutError:
        logger.warning("receipt_late", match=match)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
