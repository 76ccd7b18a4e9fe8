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
from typing import Any

from runtime.errors import BadInputError

VERSION = 2
"""Version of the payloads; release 0.1.0 had 1. During a deployment, two releases may meet in one broadcast."""


class UnknownVersionError(BadInputError):
    """A payload of another release. The state machine tries again, perhaps with a newer function, and then gives up."""


class PayloadError(BadInputError):
    """A damaged payload: a key is missing, unknown, or has an impossible value. The text names the key."""


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
        read = _Reader(cls, payload)
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
    """Milliseconds since 1970, 0 before the first invocation."""
    ended: int = 0
    """Milliseconds since 1970, 0 before the first lap."""

    @classmethod
    def parse(cls, payload: Any) -> Counts:
        """From JSON. Raises PayloadError."""
        read = _Reader(cls, payload)
        return cls(**{each.name: read.number(each.name) for each in fields(cls)})

    def dump(self) -> dict[str, int]:
        """For JSON."""
        return _flat(self)


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
        read = _Reader(cls, payload)
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
    previous_owner: str | None
    """The execution that handed over to this one and gives it the lease; None if the starter started it."""
    broadcast: str
    """The name of the broadcast: that of its first execution."""
    round: int
    """The number of the round, from 1."""
    batches: tuple[Batch, ...]

    @classmethod
    def parse(cls, payload: Any) -> ExecutionInput:
        """From JSON. Raises UnknownVersionError and PayloadError."""
        check_version(payload)
        read = _Reader(cls, payload, versioned=True)
        return cls(
            match=read.text("match"),
            due_seq=read.number("due_seq"),
            previous_owner=read.text_or_none("previous_owner"),
            broadcast=read.text("broadcast"),
            round=read.number("round", least=1),
            batches=tuple(Batch.parse(each) for each in read.objects("batches")),
        )

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return {"v": VERSION, **_flat(self), "batches": [each.dump() for each in self.batches]}


@dataclass(frozen=True, slots=True)
class SenderTask:
    """The input of one invocation of a sender: one batch in one round."""

    match: str
    owner: str
    """The execution that has the lease."""
    broadcast: str
    round: int
    batch: Batch

    @classmethod
    def parse(cls, payload: Any) -> SenderTask:
        """From JSON. Raises UnknownVersionError and PayloadError."""
        check_version(payload)
        read = _Reader(cls, payload, versioned=True)
        return cls(
            match=read.text("match"),
            owner=read.text("owner"),
            broadcast=read.text("broadcast"),
            round=read.number("round", least=1),
            batch=Batch.parse(payload["batch"]),
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
    batches: tuple[Batch | DamagedBatch, ...]

    @classmethod
    def parse(cls, payload: Any) -> RoundEnd:
        """From JSON. Raises UnknownVersionError and PayloadError."""
        check_version(payload)
        read = _Reader(cls, payload, versioned=True)
        return cls(
            match=read.text("match"),
            owner=read.text("owner"),
            broadcast=read.text("broadcast"),
            round=read.number("round", least=1),
            due_seq=read.number("due_seq"),
            batches=tuple(_ended(each) for each in read.objects("batches")),
        )

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return {"v": VERSION, **_flat(self), "batches": [each.dump() for each in self.batches]}

    @property
    def lease_lost(self) -> bool:
        """Whether a sender found that another execution has the lease, or that no execution has it."""
        return any(each.lease_lost for each in self.batches)

    @property
    def unreached_batches(self) -> int:
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
        read = _Reader(cls, payload)
        batches = tuple(Batch.parse(each) for each in read.objects("batches"))
        return cls(another_round=read.flag("another_round"), batches=batches)

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return {"another_round": self.another_round, "batches": [each.dump() for each in self.batches]}


def check_version(payload: Any) -> None:
    """Refuse a payload of another release before anything is made of it.

    Raises UnknownVersionError, and PayloadError if the payload is no JSON object.
    """
    if not isinstance(payload, dict):
        raise PayloadError(f"A payload is {payload!r:.60}, not an object.")
    if payload.get("v") != VERSION:
        raise UnknownVersionError(f"a payload of version {payload.get('v')!r}; this release knows version {VERSION}")


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


class _Reader:
    """Reads the values of one JSON object, whose keys are exactly the fields of a dataclass. Raises PayloadError."""

    def __init__(self, kind: type, payload: Any, *, versioned: bool = False) -> None:
        self._kind = kind.__name__
        if not isinstance(payload, dict):
            raise PayloadError(f"{self._kind} is {payload!r:.60}, not an object.")
        self._payload = payload
        expected = {each.name for each in fields(kind)} | ({"v"} if versioned else set())
        if missing := expected - payload.keys():
            raise PayloadError(f"{self._kind} lacks {', '.join(sorted(missing))}.")
        if unknown := payload.keys() - expected:
            raise PayloadError(f"{self._kind} has the unknown key {', '.join(sorted(unknown))}.")

    def number(self, key: str, *, least: int = 0) -> int:
        """A whole number."""
        value = self._payload[key]
        if type(value) is not int or value < least:
            raise self._damaged(key, f"a whole number from {least}")
        return value

    def number_or_none(self, key: str) -> int | None:
        """A whole number, or null."""
        return None if self._payload[key] is None else self.number(key)

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._payload[key]
        if not isinstance(value, str) or not value:
            raise self._damaged(key, "a text")
        return value

    def text_or_none(self, key: str) -> str | None:
        """A text that is not empty, or null."""
        return None if self._payload[key] is None else self.text(key)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._payload[key]
        if not isinstance(value, bool):
            raise self._damaged(key, "true or false")
        return value

    def objects(self, key: str) -> list[Any]:
        """A list; its elements are not checked yet."""
        value = self._payload[key]
        if not isinstance(value, list):
            raise self._damaged(key, "a list")
        return value

    def _damaged(self, key: str, expected: str) -> PayloadError:
        return PayloadError(f"{self._kind}: {key} is {self._payload[key]!r:.60}, not {expected}.")


def _flat(payload: Any) -> dict[str, Any]:
    """The fields of a dataclass by their names; nested values stay as they are."""
    return {each.name: getattr(payload, each.name) for each in fields(payload)}
