"""Pure: the payloads that the starter, the state machine, the sender and the receipt exchange.

| payload | written by | read by |
| --- | --- | --- |
| ExecutionInput | the starter; state HandOver of an execution | the state machine |
| SenderTask | state Send | the sender, which answers with its Batch |
| RoundEnd | state Finish | the receipt, which answers with a RoundAnswer |

Every payload is complete: it has all of its keys from the starter on, with null, 0 or false for what is not known yet.
So the state machine (broadcast.asl.json) passes batches on and never has to ask whether a key exists. ``parse`` reads
a payload from JSON, ``dump`` gives it back. ``parse`` raises UnknownVersionError for a payload of another release, and
PayloadError for a damaged payload.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, cast

import orjson

from broadcaster.control.payload_reader import VERSION, PayloadError, PayloadReader, check_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matches.event_types import StoredEvent

EVENTS_BYTES = 16_384
"""The most bytes of events, as JSON, that a payload carries: as many as a frame has at most."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place where a sender stands in its lap, as an invocation leaves it to the next one."""

    lap_seq: int
    """The newest event in the frame that this lap sends."""
    shards: int
    """Shards of the match when the lap began."""
    begin_shard_index: int
    """The lap began in this one of the batch's shards."""
    begin_after: str | None
    """The lap began after the row of this connection; None: before the first row of the shard."""
    range_index: int
    """The index of the row range in which the sender is (broadcaster/send/lap.py)."""
    after: str | None
    """The connection of the last row taken in this row range; None: no row yet."""
    rows_read: int
    """Rows taken in this lap."""

    @classmethod
    def parse(cls, payload: Any) -> Cursor:
        """From JSON. Raises PayloadError."""
        read = PayloadReader(cls, payload)
        return cls(
            lap_seq=read.number("lap_seq"),
            shards=read.number("shards", least=1),
            begin_shard_index=read.number("begin_shard_index"),
            begin_after=read.text_or_none("begin_after"),
            range_index=read.number("range_index"),
            after=read.text_or_none("after"),
            rows_read=read.number("rows_read"),
        )

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return _flat(self)


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one batch in one round, summed over its invocations."""

    rows: int = 0
    """Rows of the batch's last complete lap."""
    accepted: int = 0
    gone: int = 0
    failed: int = 0
    skipped: int = 0
    closed: int = 0
    throttled: int = 0
    queries: int = 0
    invocations: int = 0
    started: int = 0
    """When the first invocation began, in milliseconds since 1970; 0 before it."""
    first_post: int = 0
    """When the first POST was sent, in milliseconds since 1970; 0 before it."""
    ended: int = 0
    """When the last answer of the last lap came, in milliseconds since 1970; 0 before the first lap."""

    @classmethod
    def parse(cls, payload: Any) -> Counts:
        """From JSON. Raises PayloadError."""
        read = PayloadReader(cls, payload)
        return cls(**{each.name: read.number(each.name) for each in fields(cls)})

    def dump(self) -> dict[str, int]:
        """For JSON."""
        return _flat(self)


@dataclass(frozen=True, slots=True)
class CarriedEvent:
    """An event that was numbered just before the broadcast began, so that the senders need not read it."""

    event: StoredEvent
    """As the ledger stores it (matches/event_types.py)."""
    score_prev: int | None
    """The seq of the score event before it, if the event changes a plain scoreboard; otherwise None."""

    @classmethod
    def parse(cls, payload: Any) -> CarriedEvent:
        """From JSON. Raises PayloadError."""
        read = PayloadReader(cls, payload)
        event = read.object("event")
        if any(type(event.get(name)) is not int or event[name] < 0 for name in ("seq", "at")):
            raise read.damaged("event", "an event with seq and at")
        return cls(event=cast("StoredEvent", event), score_prev=read.number_or_none("score_prev"))

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return _flat(self)


def carried(events: Sequence[CarriedEvent]) -> tuple[CarriedEvent, ...]:
    """The events that a payload carries: all, or none if they need more than ``EVENTS_BYTES``. Then senders read."""
    return tuple(events) if len(orjson.dumps([each.dump() for each in events])) <= EVENTS_BYTES else ()


@dataclass(frozen=True, slots=True)
class Batch:
    """One sender's part of a match, and its progress.

    The batch has the shards from ``first`` up to ``end`` (exclusive), of the ``planned_shards`` that the match had when
    the batches were planned. There is one batch for each of ``senders`` senders.
    """

    number: int
    first: int
    end: int
    planned_shards: int
    senders: int
    previous_rows: int = 0
    """Rows of the batch in the round before this one."""
    reached_seq: int | None = None
    """All rows of the batch have been sent everything up to this event; None while that is not known."""
    cursor: Cursor | None = None
    """Where the next invocation goes on; None at the start of a lap."""
    counts: Counts = field(default_factory=Counts)
    done: bool = False
    """No further invocation is needed in this round."""
    lease_lost: bool = False
    """The sender found that another execution has the lease, or that no execution has it."""
    set_aside: bool = False
    """The batch failed on every try."""

    @classmethod
    def parse(cls, payload: Any) -> Batch:
        """From JSON. Raises PayloadError."""
        read = PayloadReader(cls, payload)
        batch = cls(
            number=read.number("number"),
            first=read.number("first"),
            end=read.number("end", least=1),
            planned_shards=read.number("planned_shards", least=1),
            senders=read.number("senders", least=1),
            previous_rows=read.number("previous_rows"),
            reached_seq=read.number_or_none("reached_seq"),
            cursor=None if payload["cursor"] is None else Cursor.parse(payload["cursor"]),
            counts=Counts.parse(payload["counts"]),
            done=read.flag("done"),
            lease_lost=read.flag("lease_lost"),
            set_aside=read.flag("set_aside"),
        )
        if not batch.first < batch.end <= batch.planned_shards:
            raise PayloadError(f"Batch: the shards {batch.first} to {batch.end} of {batch.planned_shards} are none.")
        return batch

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        cursor = None if self.cursor is None else self.cursor.dump()
        return _flat(self) | {"cursor": cursor, "counts": self.counts.dump()}

    def for_next_round(self) -> Batch:
        """The same shards, not sent yet in the new round. The batch keeps what it has reached."""
        fresh = Batch(self.number, self.first, self.end, self.planned_shards, self.senders)
        return replace(fresh, previous_rows=self.counts.rows, reached_seq=self.reached_seq)


@dataclass(frozen=True, slots=True)
class DamagedBatch:
    """A batch that no sender can read, so it was set aside. A round ends all the same, and the next one tries it again.

    It stays in the payload, because the other batches do not cover its shards.
    """

    payload: dict[str, Any]

    reached_seq = None
    counts = Counts()
    lease_lost = False

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return self.payload

    def for_next_round(self) -> DamagedBatch:
        """The same batch, to be sent in the new round."""
        return DamagedBatch({**self.payload, "done": False, "set_aside": False})


@dataclass(frozen=True, slots=True)
class ExecutionInput:
    """The input of an execution of the state machine."""

    match: str
    due_seq: int
    """The newest event that was due when the broadcast's first execution started. Later events do not change it."""
    due_at: int
    """When the starter made that event due, in milliseconds since 1970."""
    previous_owner: str
    """The owner from which this execution takes the lease over: the starter, or the execution that handed over."""
    broadcast: str
    """The name of the broadcast: that of its first execution."""
    round: int
    """The number of the round, from 1."""
    batches: tuple[Batch, ...]
    events: tuple[CarriedEvent, ...] = ()
    """The newest events up to ``due_seq``, oldest first; empty if they are too long, and after a hand-over."""

    @classmethod
    def parse(cls, payload: Any) -> ExecutionInput:
        """From JSON. Raises UnknownVersionError and PayloadError."""
        check_version(payload)
        read = PayloadReader(cls, payload, versioned=True)
        return cls(
            match=read.text("match"),
            due_seq=read.number("due_seq"),
            due_at=read.number("due_at"),
            previous_owner=read.text("previous_owner"),
            broadcast=read.text("broadcast"),
            round=read.number("round", least=1),
            batches=tuple(Batch.parse(each) for each in read.objects("batches")),
            events=tuple(CarriedEvent.parse(each) for each in read.objects("events")),
        )

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return {"v": VERSION, **_flat(self)}


@dataclass(frozen=True, slots=True)
class SenderTask:
    """The input of one invocation of a sender: one batch in one round."""

    match: str
    due_seq: int
    """As in ExecutionInput."""
    owner: str
    """The execution for which the sender takes the lease over."""
    previous_owner: str
    """As in ExecutionInput."""
    broadcast: str
    round: int
    batch: Batch
    events: tuple[CarriedEvent, ...] = ()
    """As in ExecutionInput; empty after the first round."""

    @classmethod
    def parse(cls, payload: Any) -> SenderTask:
        """From JSON. Raises UnknownVersionError and PayloadError."""
        check_version(payload)
        read = PayloadReader(cls, payload, versioned=True)
        return cls(
            match=read.text("match"),
            due_seq=read.number("due_seq"),
            owner=read.text("owner"),
            previous_owner=read.text("previous_owner"),
            broadcast=read.text("broadcast"),
            round=read.number("round", least=1),
            batch=Batch.parse(payload["batch"]),
            events=tuple(CarriedEvent.parse(each) for each in read.objects("events")),
        )

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return {"v": VERSION, **_flat(self), "batch": self.batch.dump()}


@dataclass(frozen=True, slots=True)
class RoundEnd:
    """The input of the receipt: a round whose batches are all done."""

    match: str
    owner: str
    broadcast: str
    round: int
    due_seq: int
    """As in ExecutionInput."""
    due_at: int
    """As in ExecutionInput."""
    started_at: int
    """When the execution that ends the round began, in milliseconds since 1970."""
    batches: tuple[Batch | DamagedBatch, ...]

    @classmethod
    def parse(cls, payload: Any) -> RoundEnd:
        """From JSON. Raises UnknownVersionError and PayloadError."""
        check_version(payload)
        read = PayloadReader(cls, payload, versioned=True)
        return cls(
            match=read.text("match"),
            owner=read.text("owner"),
            broadcast=read.text("broadcast"),
            round=read.number("round", least=1),
            due_seq=read.number("due_seq"),
            due_at=read.number("due_at"),
            started_at=read.number("started_at"),
            batches=tuple(_ended(each) for each in read.objects("batches")),
        )

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return {"v": VERSION, **_flat(self)}

    @property
    def lease_lost(self) -> bool:
        """Whether a sender found that another execution has the lease, or that no execution has it."""
        return any(each.lease_lost for each in self.batches)

    @property
    def failed_batches(self) -> int:
        """Batches that reached no event: set aside after their last try, or their execution lost the lease."""
        return sum(each.reached_seq is None for each in self.batches)

    @property
    def reached_seqs(self) -> list[int]:
        """The seqs that the batches have reached, without the batches that reached none."""
        return [each.reached_seq for each in self.batches if each.reached_seq is not None]

    @property
    def receipt_seq(self) -> int:
        """The seq of the receipt: the lowest that the batches have reached, or ``due_seq`` if none reached anything."""
        return min(self.reached_seqs, default=self.due_seq)

    @property
    def rows(self) -> int:
        """Rows of the last complete laps of all batches."""
        return sum(each.counts.rows for each in self.batches)

    def answer(self, *, another_round: bool) -> RoundAnswer:
        """The answer to the state machine: whether another round begins, and its batches."""
        return RoundAnswer(another_round, tuple(each.for_next_round() for each in self.batches))


@dataclass(frozen=True, slots=True)
class RoundAnswer:
    """The answer of the receipt: whether another round begins, and the batches of that round."""

    another_round: bool
    batches: tuple[Batch | DamagedBatch, ...]

    @classmethod
    def parse(cls, payload: Any) -> RoundAnswer:
        """From JSON. Raises PayloadError."""
        read = PayloadReader(cls, payload)
        batches = tuple(Batch.parse(each) for each in read.objects("batches"))
        return cls(another_round=read.flag("another_round"), batches=batches)

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return _flat(self)


def _ended(payload: Any) -> Batch | DamagedBatch:
    """A batch at the end of a round. Raises PayloadError if it has neither ended nor failed."""
    try:
        batch = Batch.parse(payload)
    except PayloadError:
        if not isinstance(payload, dict) or payload.get("set_aside") is not True:
            raise
        return DamagedBatch(payload)
    if not batch.done or (batch.reached_seq is None and not batch.lease_lost and not batch.set_aside):
        raise PayloadError(f"RoundEnd: batch {batch.number} has neither ended nor failed.")
    if batch.set_aside and batch.reached_seq is not None:
        raise PayloadError(f"RoundEnd: batch {batch.number} is set aside and has reached {batch.reached_seq}.")
    return batch


def _flat(payload: Any) -> dict[str, Any]:
    """The fields of a dataclass by their names: a tuple as a list for JSON, any other value as it is."""
    values = {each.name: getattr(payload, each.name) for each in fields(payload)}
    return {
        name: [each.dump() for each in value] if isinstance(value, tuple) else value for name, value in values.items()
    }
