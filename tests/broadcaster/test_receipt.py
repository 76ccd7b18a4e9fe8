"""The end of a round: receipts, what is told, and the lease."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.receipt import Receipts, Round
from matches.events import EVENT, Accepted
from tests.broadcaster.conftest import OWNER

if TYPE_CHECKING:
    from devstack.system import System
    from matches.ledger import Ledger
    from matches.telling import Tellings

BATCH = {"v": 1, "batch": 0, "first": 0, "last": 1, "of": 1, "senders": 1, "done": True}


@pytest.fixture
def receipts(ledger: Ledger, system: System, dynamodb: Any) -> Receipts:
    """Receipts in the real tables."""
    return Receipts(ledger, system.name("broadcasts"), dynamodb, 60)


def ended(match: str, *reached: int | None, lost: bool = False) -> Round:
    """A round whose batches have reached so much; None for one that was set aside."""
    results = tuple({**BATCH, "reached": each, "lost": lost} for each in reached)
    return Round(match, OWNER, "test", 1, 2, results)


def stand(tellings: Tellings, match: str) -> tuple[int, int, str | None]:
    """What is told and tried of a match, and who holds its lease."""
    telling = tellings.read(match)
    return telling.told, telling.tried, telling.owner


def test_a_whole_round_tells_and_gives_the_lease_back(
    receipts: Receipts, tellings: Tellings, numbered: str, take_lease: Any
) -> None:
    """When every batch has reached the newest event, that is told, and nobody holds the lease."""
    take_lease(numbered)
    assert receipts.finish(ended(numbered, 2, 2)) is False
    assert stand(tellings, numbered) == (2, 2, None)


def test_a_newer_event_keeps_the_lease_for_another_round(
    receipts: Receipts, ledger: Ledger, tellings: Tellings, numbered: str, take_lease: Any
) -> None:
    """Promise 8: an event numbered during the round is told in the next, by the same execution."""
    take_lease(numbered)
    goal = {"kind": "goal", "team": "home", "minute": 4, "event_id": "late"}
    ledger.record(Accepted(numbered, 1, EVENT.validate_python(goal)))
    tellings.hand(numbered, 3)
    assert receipts.finish(ended(numbered, 3, 2)) is True
    assert stand(tellings, numbered) == (2, 2, OWNER)
    assert tellings.read(numbered).round == "test#2"


def test_told_is_only_what_every_batch_reached(
    receipts: Receipts, tellings: Tellings, numbered: str, take_lease: Any
) -> None:
    """With a batch set aside nothing is told: the next frame carries what its rows have missed."""
    take_lease(numbered)
    assert receipts.finish(ended(numbered, 2, None)) is False
    assert stand(tellings, numbered) == (0, 2, None)


def test_a_round_that_reached_nobody_settles_nothing(
    receipts: Receipts, ledger: Ledger, tellings: Tellings, numbered: str, take_lease: Any
) -> None:
    """When every batch failed, only the lease is given back: fan-out and watchdog still see the event untold."""
    take_lease(numbered)
    assert receipts.finish(ended(numbered, None, None)) is False
    assert stand(tellings, numbered) == (0, 0, None)
    assert [each["set_aside"] for each in ledger.receipts(numbered)] == [2]


def test_who_lost_the_lease_settles_nothing(
    receipts: Receipts, tellings: Tellings, numbered: str, take_lease: Any
) -> None:
    """An execution that was taken for dead does not touch what its successor holds."""
    take_lease(numbered, owner="successor")
    assert receipts.finish(ended(numbered, 2)) is False
    assert receipts.finish(ended(numbered, 2, lost=True)) is False
    assert stand(tellings, numbered) == (0, 0, "successor")


def test_a_repeated_end_leaves_the_first_receipt(
    receipts: Receipts, ledger: Ledger, tellings: Tellings, numbered: str, take_lease: Any
) -> None:
    """A receipt says where its frames began, also when its end is repeated after others have told more."""
    take_lease(numbered)
    receipts.finish(ended(numbered, 2, None))
    take_lease(numbered)
    receipts.finish(ended(numbered, 2, 2))
    assert tellings.read(numbered).told == 2
    receipts.finish(ended(numbered, 2, None))
    assert [each["prev"] for each in ledger.receipts(numbered)] == [0]
