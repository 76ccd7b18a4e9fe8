"""The reference: accepted events, the ledger, the frames of each connection, and the events that viewers showed.

``broken`` gets a sentence for each violation. A violation raises nothing, because the code under test could catch it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from broadcaster.control.lease import START
from matches.amendments import with_changes
from matches.scoreboard import GOALS, Applied, Board, apply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matches.event_types import StoredEvent
    from matches.events import AcceptedEvent

AGE_SECONDS = 7200.0
"""The longest life of a connection of API Gateway, in seconds
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html)."""


@dataclass(slots=True)
class Connection:
    """A viewer's connection at the gateway. ``opened`` is by the true clock."""

    name: str
    match: str
    opened: float
    open: bool = True
    awake: bool = True
    row: bool = False
    """Its last request was a subscribe, which has been answered."""
    snapshot: int | None = None
    """The seq of its newest snapshot, None before the first one."""
    sent: list[tuple[int, int]] = field(default_factory=list)
    """(prev, seq] of each frame that the gateway accepted for it."""
    refused: bool = False
    """A POST to it has failed since its last request for a snapshot: one failed POST does not hold back ``told``."""

    def position(self) -> int:
        """The seq up to which it has been sent every event that it follows."""
        return reached(self.snapshot or 0, self.sent)


@dataclass(slots=True)
class CellProgress:
    """The newest values of a match's row in a cell."""

    told_seq: int = 0
    ended_seq: int = 0
    owner: str | None = None
    round_name: str | None = None
    """The round for which the owner acquired or renewed the lease last."""


class Reference:
    """The promises, checked after every side effect."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.accepted: dict[tuple[str, str, str], None] = {}
        """(match, event id, request) of each event that was answered 202."""
        self.streamed: set[tuple[str, str]] = set()
        """The events on the stream, answered or not."""
        self.ledger: dict[str, list[dict[str, Any]]] = {}
        """Per match, its events in order as the ledger's transactions wrote them."""
        self.connections: dict[str, Connection] = {}
        self.rows: dict[tuple[str, str], bool] = {}
        """(pk, connection) of each subscription: whether it is for the score only."""
        self.cell_progress: dict[str, CellProgress] = {}
        """Per match, its row in the cell of API Gateway."""
        self.channel_progress: dict[str, CellProgress] = {}
        """Per match, its row in the cell that broadcasts."""
        self.feeds: dict[tuple[str, str], list[tuple[int, int]]] = {}
        """Per match and feed, (prev, seq] of each frame that the service of the cell that broadcasts has taken."""
        self.predecessors: dict[str, str] = {}
        """By execution: the owner from which it takes the lease over."""
        self.lost_leases: set[tuple[str, str | None]] = set()
        """Execution and round from which another execution has taken the lease without a hand-over."""
        self.shown: dict[str, list[int]] = {}
        """Per viewer and match, the seqs it has shown."""

    def breaks(self, sentence: str) -> None:
        """Add a violation."""
        self.broken.append(sentence)

    def numbered(self, match: str, event: dict[str, Any], *, scores: bool) -> None:
        """The ledger has written an event."""
        events = self.ledger.setdefault(match, [])
        if event["seq"] != len(events) + 1:
            self.breaks(f"{match}: seq {event['seq']} was written after {len(events)}")
        if any(each["event_id"] == event["event_id"] for each in events):
            self.breaks(f"{match}: {event['event_id']} was counted twice")
        if (match, event["event_id"]) not in self.streamed:
            self.breaks(f"{match}: nobody posted {event['event_id']}")
        events.append({**event, "scores": scores})

    def settled(self, match: str, row: dict[str, Any], actor: str | None) -> None:
        """The match's row in the cell of API Gateway was updated by ``actor``: an execution, or a function's name."""
        before, now = self._moved(self.cell_progress, match, row)
        may_release = actor == before.owner or (
            # The starter, which could not start the execution.
            (before.owner or "").startswith(START) and (actor or "").startswith(("fan-out", "watchdog"))
        )
        if before.owner is not None and now.owner is None and not may_release:
            self.breaks(f"{match}: {actor} gave back the lease of {before.owner}")
        handed_over = self.predecessors.get(now.owner or "") == before.owner
        if before.owner is not None and now.owner not in (None, before.owner) and not handed_over:
            self.lost_leases.add((before.owner, before.round_name))
        if (now.told_seq, now.ended_seq) != (before.told_seq, before.ended_seq) and actor != before.owner:
            self.breaks(f"{match}: {actor} settled what {before.owner} has the lease of")
        if now.told_seq > before.told_seq:
            self._every_row_was_sent(match, now.told_seq)

    def published(self, match: str, feed: str, frame: tuple[int, int]) -> None:
        """The service has taken a frame, (prev, seq], for everyone who hears the feed."""
        self.feeds.setdefault((match, feed), []).append(frame)
        if frame[1] > len(self.ledger.get(match, [])):
            self.breaks(f"{match}: {frame} was published, which does not exist")

    def told_by_channels(self, match: str, row: dict[str, Any]) -> None:
        """The match's row in the cell that broadcasts was updated."""
        before, now = self._moved(self.channel_progress, match, row)
        if now.owner is not None:
            self.breaks(f"{match}: {now.owner} has a lease in a cell that broadcasts")
        if now.told_seq != now.ended_seq:
            self.breaks(f"{match}: {now} in a cell that broadcasts, where a broadcast that ends has told everyone")
        if now.told_seq == before.told_seq:
            return
        for feed in ("all", "score"):
            at = reached(before.told_seq, self.feeds.get((match, feed), []))
            if missed := self._missed(match, at, now.told_seq, score_only=feed == "score"):
                self.breaks(f"{match}: {now.told_seq} counts as told, but {missed} was never published for {feed}")

    def _moved(
        self, known: dict[str, CellProgress], match: str, row: dict[str, Any]
    ) -> tuple[CellProgress, CellProgress]:
        """The values of a cell's row before an update and after it."""
        before = known.setdefault(match, CellProgress())
        now = known[match] = CellProgress(
            int(row["told_seq"]["N"]),
            int(row["ended_seq"]["N"]),
            row["lease_owner"]["S"] if "lease_owner" in row else None,
            row["round_name"]["S"] if "round_name" in row else None,
        )
        if now.told_seq < before.told_seq or now.ended_seq < before.ended_seq:
            self.breaks(f"{match}: told_seq and ended_seq went back from {before} to {now}")
        if now.told_seq > len(self.ledger.get(match, [])):
            self.breaks(f"{match}: told {now.told_seq}, which does not exist")
        return before, now

    def _missed(self, match: str, at: int, told: int, *, score_only: bool) -> list[int]:
        """The seqs after ``at`` up to ``told`` that a follower of everything, or of the score, is to see."""
        events = self.ledger.get(match, [])[:told]
        return [each["seq"] for each in events if each["seq"] > at and (each["scores"] or not score_only)]

    def answered(self, connection: Connection, seq: int, *, subscribes: bool) -> None:
        """A snapshot was made for a connection. It counts from now on, even if the viewer never gets it."""
        connection.snapshot = max(connection.snapshot or 0, seq)
        if subscribes:
            connection.row = True
            if connection.match in self.cell_progress:
                self._every_row_was_sent(connection.match, self.cell_progress[connection.match].told_seq)

    def _every_row_was_sent(self, match: str, told: int) -> None:
        for (pk, name), score_only in self.rows.items():
            connection = self.connections[name]
            if pk.rpartition("#")[0] != match or not connection.open or not connection.row or connection.refused:
                continue
            if missed := self._missed(match, connection.position(), told, score_only=score_only):
                self.breaks(f"{match}: {told} counts as told, but {name} was never sent {missed}")

    def row_written(self, pk: str, connection: str, *, score_only: bool) -> None:
        """A subscription was written."""
        self.rows[pk, connection] = score_only

    def row_deleted(self, pk: str, name: str, *, pruned: bool) -> None:
        """A subscription was deleted, by a sender (``pruned``) or because the viewer left."""
        self.rows.pop((pk, name), None)
        if pruned and name in self.connections and self.connections[name].open:
            self.breaks(f"the row of {name} was pruned, and it is connected")

    def showed(self, viewer: str, match: str, event: Mapping[str, Any]) -> None:
        """A viewer has shown an event."""
        shown = self.shown.setdefault(viewer, [])
        if shown and event["seq"] <= shown[-1]:
            self.breaks(f"{viewer} showed {event['seq']} after {shown[-1]}")
        shown.append(event["seq"])
        events = self.ledger.get(match, [])
        if event["seq"] > len(events) or events[event["seq"] - 1]["event_id"] != event["event_id"]:
            self.breaks(f"{viewer} showed {event['event_id']} as {event['seq']}, which is not in the ledger")

    def complete(self, viewer: str, match: str, told: int, *, score_only: bool) -> None:
        """A viewer that has missed nothing has shown every event up to ``told`` that it follows."""
        shown = set(self.shown.get(viewer, []))
        missed = [seq for seq in self._missed(match, 0, told, score_only=score_only) if seq not in shown]
        if missed:
            self.breaks(f"{viewer} never showed {missed} of {match}")

    def score(self, match: str) -> tuple[int, int]:
        """The number of goals that are not cancelled: home, away."""
        events = self.ledger.get(match, [])
        back = {each["cancels"] for each in events if each["kind"] == "cancellation"}
        goals = [each["team"] for each in events if each["kind"] in GOALS and each["event_id"] not in back]
        return goals.count("home"), goals.count("away")


def reached(at: int, frames: Iterable[tuple[int, int]]) -> int:
    """The seq that a viewer reaches from ``at`` with these frames, (prev, seq], whatever order they came in."""
    for prev, seq in sorted(frames, key=lambda each: each[1]):
        at = max(at, seq) if prev <= at else at
    return at


def replayed(accepted: list[AcceptedEvent]) -> Board:
    """The board after these events, by the pure rules alone."""
    board = Board()
    history: list[StoredEvent] = []
    for each in accepted:
        ruling = apply(board, each.event, each.at, history)
        if isinstance(ruling, Applied):
            board = ruling.board
            add(history, each, ruling)
    return board


def add(history: list[StoredEvent], accepted: AcceptedEvent, ruling: Applied) -> None:
    """Add an applied event to the history of its match, and mark or correct the event that it is about."""
    seq, target = len(history) + 1, ruling.target
    if target is not None:
        at = target["seq"] - 1
        if accepted.event.kind == "amendment":
            history[at] = {**with_changes(history[at], accepted.event.changes()), "amended_by": seq}
        else:
            history[at] = {**history[at], "cancelled_by": seq}
    history.append(cast("StoredEvent", {"seq": seq, **accepted.event.content(), "at": accepted.at}))
