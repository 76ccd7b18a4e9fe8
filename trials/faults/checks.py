"""Pure: compares the viewers' events and the receipts with the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Seen = tuple[int, str]
"""Seq and id of an event."""


@dataclass(frozen=True, slots=True)
class ViewerComparison:
    """The number of events that a viewer lacks, and of events that it has twice, out of order or wrongly."""

    lost: int
    duplicated: int

    @classmethod
    def compare(
        cls, seen: Sequence[Seen], history: Sequence[Seen], needed: Sequence[Seen] | None = None
    ) -> ViewerComparison:
        """``duplicated`` counts events that came twice or out of order, or that are not in the history.

        ``needed``: the events that the viewer must have, if these are not all of the history.
        """
        lost = len(set(history if needed is None else needed) - set(seen))
        if list(seen) == list(history):
            return cls(0, 0)
        in_order, wrong = 0, 0
        for seq, event_id in seen:
            if seq <= in_order or (seq, event_id) not in set(history):
                wrong += 1
            else:
                in_order = seq
        return cls(lost, wrong)


def ledger_trouble(history: Sequence[Mapping[str, Any]], outcomes: Mapping[str, str | None]) -> list[str]:
    """Sentences about faults in a match's history. ``outcomes`` has the outcome of each event with a 202."""
    trouble = []
    seqs = [event["seq"] for event in history]
    if seqs != list(range(1, len(seqs) + 1)):
        trouble.append(f"the ledger's seqs are {seqs}")
    ids = [event["event_id"] for event in history]
    trouble += [f"the ledger has {each} twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    for event_id, status in outcomes.items():
        if status not in ("applied", "refused"):
            trouble.append(f"{event_id} was answered 202 and is {status or 'unknown'}")
        elif status == "applied" and event_id not in ids:
            trouble.append(f"{event_id} is applied and not in the history")
        elif status == "refused" and event_id in ids:
            trouble.append(f"{event_id} is refused and in the history")
    return trouble + [f"nobody posted {each}" for each in ids if each not in outcomes]


def receipt_trouble(receipts: Iterable[Mapping[str, Any]], told: int, *, slack: int = 0) -> list[str]:
    """Sentences about faults in a match's receipts of one cell.

    A receipt of a broadcasting cell must have the frame of all events. In a cell with API Gateway the counts of a
    receipt must add up to its rows, unless batches were set aside. A newer event in the middle of a lap may cause more
    posts than rows. After a failed pruning, up to ``slack`` rows may be missing. Together the receipts must cover every
    seq up to ``told``.
    """
    trouble, reached = [], 0
    for receipt in sorted(receipts, key=lambda each: (each["seq"], each["prev"])):
        if receipt.get("set_aside"):
            continue
        if "published" in receipt:
            if not any(each["feed"] == "all" for each in receipt["published"]):
                trouble.append(f"the receipt of {receipt['seq']} has no frame of all events")
        else:
            sums = sum(receipt[name] for name in ("accepted", "gone", "failed", "skipped"))
            if sums < receipt["rows"] - slack or (receipt["seq"] == receipt["prev"] + 1 and sums > receipt["rows"]):
                trouble.append(f"the receipt of {receipt['seq']} has {receipt['rows']} rows and accounts for {sums}")
        if receipt["prev"] >= receipt["seq"]:
            trouble.append(f"the receipt of {receipt['seq']} begins at {receipt['prev']}")
        if receipt["prev"] > reached:
            trouble.append(f"no receipt says that {reached + 1} to {receipt['prev']} were told")
        reached = max(reached, receipt["seq"])
    if reached != told:
        trouble.append(f"told_seq is {told}, and the receipts reach {reached}")
    return trouble
