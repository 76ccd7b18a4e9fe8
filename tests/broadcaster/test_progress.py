"""The progress of a broadcast, as operators see it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import httpx
import orjson
import pytest

from api import resources
from broadcaster.control.cell_state import CellState, CellStates, cell_state_key
from broadcaster.control.progress import cell_progress, progress_item, round_name, total
from devstack.operator.api_client import ApiError
from runtime.cell_calls import CellCalls
from subscriptions.shard_counts import broadcast_key
from tests.api_call import asked
from tests.silent_service import silent_service
from tests.support import given

if TYPE_CHECKING:
    from devstack.operator.api_client import Operator
    from devstack.system import System
    from matches.event_types import Receipt
    from matches.ledger import Ledger

SCOPE = "livescore/score:write"


def row(batch: int, *, seq: int = 3, started: int = 1_000, ended: int = 2_000, **counts: int) -> dict[str, Any]:
    """The report of a batch."""
    names = ("rows", "accepted", "gone", "failed", "skipped", "closed", "throttled", "queries", "invocations")
    return {
        "batch": batch,
        "lap_seq": seq,
        "started": started,
        "first_post": started,
        "ended": ended,
        **dict.fromkeys(names, 0),
        **counts,
    }


def plant(system: System, dynamodb: Any, match: str, name: str, *rows: dict[str, Any]) -> None:
    """The rows of a round's batches."""
    for each in rows:
        item = broadcast_key(match, progress_item(name, each["batch"])) | {"body": {"S": orjson.dumps(each).decode()}}
        dynamodb.put_item(TableName=system.name("broadcasts"), Item=item)


def run(system: System, dynamodb: Any, match: str, name: str, seconds: int = 60) -> None:
    """A broadcast takes the lease for its round, as the state machine's first state does."""
    dynamodb.update_item(
        TableName=system.name("broadcasts"),
        Key=cell_state_key(match),
        UpdateExpression="SET lease_owner = :owner, lease_until = :until, round_name = :round",
        ExpressionAttributeValues={
            ":owner": {"S": "o"}, ":until": {"N": str(int(time.time()) + seconds)}, ":round": {"S": name},
        },
    )  # fmt: skip


def test_batches_are_summed() -> None:
    """Counts add up; the round lasts from the first batch's start to the last one's end."""
    sums = total([row(0, accepted=5, rows=6, gone=1), row(1, accepted=2, rows=2, started=900, ended=1_500)])
    assert (sums["accepted"], sums["rows"], sums["gone"], sums["batches"]) == (7, 8, 1, 2)
    assert (sums["started"], sums["ms"]) == (900, 1_100)
    assert (total([])["batches"], total([])["ms"]) == (0, 0)


@pytest.mark.parametrize(
    ("owner", "until", "running"), [(None, 0, False), ("o", 99, False), ("o", 101, True), (None, 101, False)]
)
def test_a_broadcast_runs_while_it_has_the_lease(owner: str | None, until: int, running: bool) -> None:
    """Only a broadcast that runs shows counts; after its end or death the receipt has them."""
    seen = cell_progress(CellState("m", due_seq=3, told_seq=2, owner=owner, lease_until=until), [row(0)], 100)
    assert (seen["seq"], seen["told"], seen["running"]) == (3, 2, running)
    assert (seen["broadcast"] is not None) is running


def test_progress_is_that_of_the_round_that_runs(
    system: System, dynamodb: Any, ledger: Ledger, cell_states: CellStates, operator: Operator, match: str
) -> None:
    """Neither an earlier round nor an earlier broadcast is in it; before a batch has reported there is none."""
    assert operator.progress(match) == {
        "match": match,
        "seq": 0,
        "cells": {system.region: {"seq": 0, "told": 0, "running": False, "broadcast": None}},
    }
    cell_states.mark_due(match, 3, ledger.state(match).epoch)
    plant(system, dynamodb, match, round_name("early", 1), row(0, accepted=9))
    plant(system, dynamodb, match, round_name("now", 1), row(0, accepted=9))
    run(system, dynamodb, match, round_name("now", 2))
    cell = operator.progress(match)["cells"][system.region]
    assert (cell["running"], cell["broadcast"]) == (True, None)
    plant(system, dynamodb, match, round_name("now", 2), row(0, accepted=4, rows=5), row(1, accepted=2, rows=2, seq=2))
    cell = operator.progress(match)["cells"][system.region]
    assert cell["broadcast"] == {
        "seq": 3, "started": 1_000, "ms": 1_000, "accepted": 6, "gone": 0, "failed": 0, "skipped": 0, "throttled": 0,
        "rows": 7, "batches": 2,
    }  # fmt: skip
    run(system, dynamodb, match, round_name("now", 2), -1)
    assert operator.progress(match)["cells"][system.region]["broadcast"] is None


def test_progress_is_for_operators(system: System, operator: Operator, match: str) -> None:
    """Without a token the gateway refuses; an operator is told of an unknown match in a sentence."""
    assert httpx.get(f"{system.api_url}/matches/{match}/progress", timeout=20).status_code == 401
    with pytest.raises(ApiError, match="no match nobody"):
        operator.progress("nobody")


@pytest.mark.parametrize(
    "claims", [None, {"sub": "a", "competitions": "*"}, {"sub": "a", "scope": "x", "competitions": "*"}]
)
def test_progress_without_its_authorizer_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, match: str, claims: dict[str, Any] | None
) -> None:
    """The handler checks the token itself."""
    given(monkeypatch, "api", OPERATOR_SCOPE=SCOPE)
    monkeypatch.setattr(resources, "ledger", lambda: ledger)
    status, body = asked(f"/matches/{match}/progress", claims)
    assert (status, body["error"]["code"]) == (403, "forbidden")


def test_a_cell_that_does_not_answer_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, system: System, ledger: Ledger, cell_states: CellStates, match: str
) -> None:
    """It is said to be unreached, the others are as ever; and when it answers again it is asked again."""
    cell_states.mark_due(match, 2, ledger.state(match).epoch)
    operator = {"sub": "ann", "scope": SCOPE, "competitions": "*"}
    here = {"seq": 2, "told": 0, "running": False, "broadcast": None}
    given(monkeypatch, "api", OPERATOR_SCOPE=SCOPE)
    monkeypatch.setattr(resources, "ledger", lambda: ledger)
    calls = CellCalls(2)
    monkeypatch.setattr(resources, "cell_calls", lambda: calls)
    with silent_service() as silent:
        cells = {system.region: cell_states, "eu-west-1": CellStates(cell_states.table, silent.client("dynamodb"))}
        monkeypatch.setattr(resources, "cells", lambda: cells)
        status, body = asked(f"/matches/{match}/progress", operator)
        assert (status, body["cells"]) == (200, {system.region: here, "eu-west-1": {"unreached": True}})
        assert silent.waiting == 1
    cells["eu-west-1"] = cell_states
    assert asked(f"/matches/{match}/progress", operator)[1]["cells"]["eu-west-1"] == here


def test_receipts_after_a_seq(operator: Operator, system: System, ledger: Ledger, match: str) -> None:
    """A client that polls gets the new receipts only; an impossible position is refused."""
    for seq in (1, 2, 10):
        ledger.put_receipt(match, seq, "b#1", cast("Receipt", {"seq": seq}))
    assert [each["seq"] for each in operator.receipts(match)] == [1, 2, 10]
    assert [each["seq"] for each in operator.receipts(match, 0)] == [1, 2, 10]
    assert [each["seq"] for each in operator.receipts(match, 1)] == [2, 10]
    assert operator.receipts(match, 10) == []
    assert operator.receipts(match, 10**30) == []
    for wrong in ("-1", "ten", "1.5"):
        answer = httpx.get(f"{system.api_url}/matches/{match}/receipts?after={wrong}", timeout=20)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
