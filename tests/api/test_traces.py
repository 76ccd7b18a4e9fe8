"""The trace of an event, as the API gives it to operators."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from api import resources
from broadcaster.control.cell_state import CellStates, cell_state_key
from devstack.operator.api_client import ApiError
from devstack.operator.waterfall import PUBLISHED, STAGES
from matches.match_rows import LAST_SEQ, event_item, row_key
from runtime.cell_calls import CellCalls
from tests.api_call import asked
from tests.broadcaster.test_pipeline import watching
from tests.silent_service import silent_service
from tests.support import eventually, given, until

if TYPE_CHECKING:
    from devstack.operator.api_client import Operator
    from devstack.system import System
    from matches.event_types import Receipt
    from matches.ledger import Ledger

SCOPE = "livescore/score:write"
OPERATOR = {"sub": "ann", "scope": SCOPE, "competitions": "*"}


async def test_a_goal_has_every_stage_in_order(system: System, operator: Operator, match: str) -> None:
    """The trace leads from the API to the viewer and the receipt, and no stage is before the stage that it follows."""
    async with watching(system, match):
        await asyncio.to_thread(operator.play, match, {"kind": "kick_off"})
        await eventually(lambda: operator.receipts(match, 0), "there is no receipt of the kick-off")
        await asyncio.to_thread(operator.play, match, {"kind": "goal", "team": "home", "minute": 3})
        await eventually(lambda: operator.receipts(match, 1), "there is no receipt of the goal")
    found = await asyncio.to_thread(operator.trace, match, 2)
    assert (found["kind"], found["team"], found["complete"]) == ("goal", "home", True)
    assert found["cells"] == {system.region: {"told": True}}
    assert found["accepted"] == (await asyncio.to_thread(operator.events, match))[1]["at"]
    assert [each["stage"] for each in found["stages"]] == [each for each in STAGES if each not in PUBLISHED]
    assert [each["after_ms"] for each in found["stages"]] == sorted(each["after_ms"] for each in found["stages"])


def test_an_event_of_an_older_release_has_the_stages_that_are_known(
    system: System, operator: Operator, match: str, dynamodb: Any
) -> None:
    """Rows without the times of today have the acceptance, the first sender and the end; a sentence says so."""
    operator.play(match, {"kind": "kick_off"})
    [receipt] = until(lambda: operator.receipts(match, 0), "there is no receipt of the kick-off")
    old = {name: value for name, value in receipt.items() if name not in ("due_at", "started_at", "posts", "at")}
    update = {"TableName": system.name("matches")}
    dynamodb.update_item(**update, Key=row_key(match, event_item(1)), UpdateExpression="REMOVE streamed, numbered")
    dynamodb.update_item(
        **update, Key=row_key(match, f"receipt#00000001#{receipt['broadcast']}"),
        UpdateExpression="SET body = :old", ExpressionAttributeValues={":old": {"S": json.dumps(old)}},
    )  # fmt: skip
    found = operator.trace(match, 1)
    assert [each["stage"] for each in found["stages"]] == ["accepted", "sender_started", "last_post"]
    assert found["notes"] == ["An older release numbered or told this event, and did not record every stage."]


def test_an_event_that_is_still_being_told_has_its_stages_so_far(
    system: System, ledger: Ledger, operator: Operator, match: str, dynamodb: Any
) -> None:
    """The receipt of the cell makes the trace complete."""
    operator.play(match, {"kind": "kick_off"})
    [receipt] = until(lambda: operator.receipts(match, 0), "there is no receipt of the kick-off")
    dynamodb.delete_item(
        TableName=system.name("matches"),
        Key=row_key(match, f"receipt#00000001#{receipt['broadcast']}"),
    )
    dynamodb.update_item(
        TableName=system.name("broadcasts"), Key=cell_state_key(match),
        UpdateExpression="SET ended_seq = :none, told_seq = :none", ExpressionAttributeValues={":none": {"N": "0"}},
    )  # fmt: skip
    before = operator.trace(match, 1)
    assert (before["complete"], before["cells"]) == (False, {system.region: {"told": False}})
    assert f"{system.region} has not told every viewer yet: these are its stages so far." in before["notes"]
    assert {"accepted", "sender_started"} <= {each["stage"] for each in before["stages"]}
    ledger.put_receipt(match, 1, receipt["broadcast"], cast("Receipt", receipt))
    assert operator.trace(match, 1)["complete"]


def test_an_unknown_match_or_event_is_a_sentence(system: System, operator: Operator, match: str) -> None:
    """A match and an event that do not exist are 404; a number that no event can have is 422."""
    for name, seq, says, code in (
        ("nobody", 1, "There is no match nobody.", "unknown_match"),
        (match, 1, f"Match {match} has no event 1: its newest event is 0.", "unknown_event"),
        (match, 0, "seq must be at least 1", "invalid"),
        (match, LAST_SEQ + 1, f"seq must be at most {LAST_SEQ}", "invalid"),
    ):
        with pytest.raises(ApiError) as refused:
            operator.trace(name, seq)
        assert (str(refused.value), refused.value.code) == (says, code)
    token = {"Authorization": f"Bearer {operator._tokens.token()}"}  # noqa: SLF001 - a path that the client cannot ask for
    answer = httpx.get(f"{system.api_url}/matches/{match}/trace/two", headers=token, timeout=20)
    assert (answer.status_code, answer.json()["error"]["message"]) == (422, "seq must be a whole number")


def test_a_trace_is_for_operators(monkeypatch: pytest.MonkeyPatch, system: System, ledger: Ledger, match: str) -> None:
    """Without a token the gateway refuses, and the handler checks the token itself."""
    assert httpx.get(f"{system.api_url}/matches/{match}/trace/1", timeout=20).status_code == 401
    given(monkeypatch, "api", OPERATOR_SCOPE=SCOPE)
    monkeypatch.setattr(resources, "ledger", lambda: ledger)
    for claims in (None, {"sub": "a", "competitions": "*"}, {"sub": "a", "scope": "x", "competitions": "*"}):
        status, body = asked(f"/matches/{match}/trace/1", claims)
        assert (status, body["error"]["code"]) == (403, "forbidden")


def test_a_cell_that_does_not_answer_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, system: System, ledger: Ledger, operator: Operator, match: str,
    cell_states: CellStates,
) -> None:  # fmt: skip
    """It is said to be unreached; a cell with a receipt is not asked at all."""
    operator.play(match, {"kind": "kick_off"})
    until(lambda: operator.receipts(match, 0), "there is no receipt of the kick-off")
    given(monkeypatch, "api", OPERATOR_SCOPE=SCOPE)
    monkeypatch.setattr(resources, "ledger", lambda: ledger)
    calls = CellCalls(2)
    monkeypatch.setattr(resources, "cell_calls", lambda: calls)
    with silent_service() as silent:
        cells = {
            region: CellStates(cell_states.table, silent.client("dynamodb")) for region in (system.region, "eu-west-1")
        }
        monkeypatch.setattr(resources, "cells", lambda: cells)
        status, body = asked(f"/matches/{match}/trace/1", OPERATOR)
        assert silent.waiting == 1
    assert (status, body["complete"]) == (200, False)
    assert body["cells"] == {system.region: {"told": True}, "eu-west-1": {"told": False, "unreached": True}}
    assert any(each["cell"] == system.region for each in body["stages"])


def test_a_damaged_row_of_a_cell_hides_no_stage_at_home(
    system: System, operator: Operator, match: str, dynamodb: Any
) -> None:
    """The cell's stages are missing, with a sentence, and the event's own are there."""
    operator.play(match, {"kind": "kick_off"})
    [receipt] = until(lambda: operator.receipts(match, 0), "there is no receipt of the kick-off")
    for table, key, name in (
        ("matches", row_key(match, f"receipt#00000001#{receipt['broadcast']}"), "body"),
        ("broadcasts", cell_state_key(match), "ended_seq"),
    ):
        dynamodb.update_item(
            TableName=system.name(table), Key=key, UpdateExpression="SET #name = :damaged",
            ExpressionAttributeNames={"#name": name}, ExpressionAttributeValues={":damaged": {"S": "{"}},
        )  # fmt: skip
    found = operator.trace(match, 1)
    assert found["cells"] == {system.region: {"told": False, "unreached": True}}
    assert found["stages"][0]["stage"] == "accepted"
