"""Helpers for tests of the fan-out: records as Kinesis delivers them, a starter that notes, a ledger that fails."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from broadcaster.transports.api_gateway import ApiGateway
from matches.events import EVENT, AcceptedEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.control.cell_state import CellState
    from matches.ledger import Ledger
    from matches.match_state import MatchState


class Started(ApiGateway):
    """A starter that keeps note of what it started, and can fail as Step Functions may."""

    started: list[tuple[str, int]]
    failures: int

    def begin(self, match_state: MatchState, *given: Any, **options: Any) -> CellState:
        """Begin, unless a failure is due."""
        if self.failures:
            object.__setattr__(self, "failures", self.failures - 1)
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "StartExecution")
        begun = super().begin(match_state, *given, **options)
        self.started.append((match_state.match, match_state.newest_seq))
        return begun


def accepted_event(match: str, event_id: str, kind: str = "goal", **fields: Any) -> AcceptedEvent:
    """An event that the API has accepted."""
    timed = {"team": "home", "minute": 23} if kind == "goal" else {}
    return AcceptedEvent(match, 1, EVENT.validate_python({"kind": kind, "event_id": event_id, **timed, **fields}))


def record(match: str, event_id: str, kind: str = "goal", data: bytes | None = None, **fields: Any) -> dict[str, Any]:
    """A record as Kinesis delivers it."""
    payload = accepted_event(match, event_id, kind, **fields).to_record() if data is None else data
    return {
        "kinesis": {"partitionKey": match, "sequenceNumber": "1", "data": base64.b64encode(payload).decode()},
        "eventID": "shardId-000000000000:1",
    }


def ids(ledger: Ledger, match: str) -> list[str]:
    """Ids of the events of a match, in order."""
    return [event["event_id"] for event in ledger.history(match, 0, 100)]


def fail_for(ledger: Ledger, event_id: str, error: Exception) -> Callable[[], None]:
    """Have the ledger's transaction for an event fail with this; returns what ends it."""

    def fail(params: dict[str, Any], **_: Any) -> None:
        if f'"id#{event_id}"' in json.dumps(params):
            raise error

    events = ledger._db.meta.events  # noqa: SLF001
    events.register("before-parameter-build.dynamodb.TransactWriteItems", fail, unique_id="fail")
    return lambda: events.unregister("before-parameter-build.dynamodb.TransactWriteItems", unique_id="fail")
