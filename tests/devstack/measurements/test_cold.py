"""Functions in new processes for one call each: the cold bench measures them, and their metrics are right."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.client import connect

from devstack.measurements.bench_runs import functions_of, target_of
from devstack.operator.local_tokens import tokens_of
from loadtest.bench import cold
from loadtest.bench.functions import WrongAnswerError, start
from matches.events import EVENT, AcceptedEvent
from runtime.lifecycle import KIND, PROVISIONED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System
    from loadtest.bench.functions import Functions
    from loadtest.bench.target import Target

Log = list[dict[str, Any]]


@pytest.fixture(scope="module")
def functions(system: System) -> Iterator[Functions]:
    """The functions of the running system, unpacked."""
    with functions_of(system) as functions:
        yield functions


@pytest.fixture(scope="module")
def target(system: System) -> Target:
    """The running system."""
    return target_of(system)


@pytest.fixture(scope="module")
def clients_made() -> dict[str, float]:
    """Function -> the number of AWS clients that its first call made."""
    return {}


@pytest.fixture(scope="module")
def logs(system: System, target: Target, functions: Functions, clients_made: dict[str, float]) -> dict[str, Log]:
    """The log of each function with provisioned concurrency: one match has gone through their first calls."""
    with connect(target.websocket_url) as socket:
        one = cold.ColdRun(
            target, functions, tokens_of(system, "viewer").token(), "cold-logs", socket, kind=PROVISIONED
        )
        for name in cold.ORDER:
            found = one.measure(name)
            assert found["total_ms"] > 0
            clients_made[name] = found["clients_made"]
        return one.logs


def metrics(log: Log) -> dict[str, Any]:
    """The values of the only line of metrics, by name."""
    [line] = [line for line in log if "_aws" in line]
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("livescore", [["deployment", "service"]])
    return {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}


def units(log: Log) -> set[str]:
    """The units of a line of metrics."""
    return {
        metric["Unit"] for line in log if "_aws" in line for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


def test_every_function_is_measured(system: System, target: Target, functions: Functions) -> None:
    """The cold bench measures every function of the description, and has the two functions with a time limit."""
    assert set(cold.ORDER) == set(system.raw["functions"])
    result = cold.run(target, functions, tokens_of(system, "viewer"), lambda _: None, runs=1)
    assert {(row["name"], row["kind"]) for row in result.rows} == {
        (name, kind) for name in cold.ORDER for kind in cold.KINDS
    }
    assert all(row[figure] > 0 for row in result.rows for figure in cold.FIGURES)
    assert set(cold.FLOORS) <= set(result.figures)


def test_a_first_call_that_fails_is_not_measured(functions: Functions) -> None:
    """A wrong answer of a function is raised, because a function that fails fast would look fast."""
    with pytest.raises(WrongAnswerError, match="release knows version"):
        start(functions, "sender", {"v": 99})


@pytest.mark.usefixtures("logs")
def test_the_first_call_makes_no_client(functions: Functions, clients_made: dict[str, float]) -> None:
    """Promise: with provisioned concurrency INIT makes all AWS clients; otherwise the first call makes them."""
    assert clients_made == dict.fromkeys(cold.ORDER, 0)
    about = {"connectionId": "x=", "eventType": "MESSAGE"}
    ask = {"requestContext": about, "body": '{"action":"unsubscribe","match":"nobody-knows-it"}'}
    assert start(functions, "routes", ask).figures["clients_made"] > 0


UNSIGNED = {"AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_DISABLED": "true"}
"""An environment without credentials, so that every call fails."""


@pytest.mark.parametrize(
    ("name", "event", "answer", "broken"),
    [
        ("watchdog", {"Records": []}, {"batchItemFailures": []}, UNSIGNED),
        ("fanout", {"Records": []}, None, UNSIGNED),
    ],
)
def test_an_init_that_fails_is_survived(
    functions: Functions, name: str, event: dict[str, Any], answer: Any, broken: dict[str, str]
) -> None:
    """Promise: an INIT whose calls all fail writes one warning, and the function still answers."""
    started = start(functions, name, event, **{KIND: PROVISIONED}, **broken)
    assert said(started.log, "preparation_failed")["level"] == "WARNING"
    assert started.answer == answer


@pytest.mark.parametrize("kind", [PROVISIONED, "on-demand"])
def test_an_init_with_a_wrong_setting_says_which(functions: Functions, kind: str) -> None:
    """Promise: a function with a malformed setting does not start, and the error of its INIT names the variable."""
    with pytest.raises(WrongAnswerError, match="SEND_RATE in the function's environment is 'many', not a whole number"):
        start(functions, "watchdog", {"Records": []}, **{KIND: kind}, SEND_RATE="many")


def test_the_sender_tells_what_it_sent(logs: dict[str, Log]) -> None:
    """The sender's metrics count one told and one gone viewer, the delay since the POST, and the used budget."""
    told = metrics(logs["sender"])
    assert {name: told[name] for name in ("Accepted", "Gone", "Failed", "Throttled")} == {
        "Accepted": [1.0], "Gone": [1.0], "Failed": [0.0], "Throttled": [0.0],
    }  # fmt: skip
    [since] = told["GoalToGateway"]
    # The bench numbers its event as if it had been posted in 1970.
    assert abs(since - time.time() * 1000) < 120_000
    [used] = told["BudgetUsed"]
    assert 0 < used <= 100
    assert units(logs["sender"]) == {"Count", "Milliseconds", "Percent"}


def test_the_receipt_tells_of_the_broadcast(logs: dict[str, Log]) -> None:
    """The receipt's metrics count one broadcast, no batch set aside, and its duration."""
    told = metrics(logs["receipt"])
    assert (told["Broadcasts"], told["BatchesSetAside"]) == ([1.0], [0.0])
    assert 0 < told["BroadcastTook"][0] < 60_000


def test_the_door_tells_who_came(logs: dict[str, Log]) -> None:
    """The metrics count one accepted viewer and one subscription."""
    assert metrics(logs["authorizer"]) == {"LetIn": [1.0]}
    assert metrics(logs["routes"]) == {"Subscribed": [1.0]}


def test_the_fan_out_tells_how_long_numbering_took(logs: dict[str, Log]) -> None:
    """The fan-out's metrics count one applied event, and the time from the POST to its seq."""
    told = metrics(logs["fanout"])
    assert told["EventsApplied"] == [1.0]
    assert 0 < told["NumberedAfter"][0] < 60_000


def test_an_event_can_be_followed_by_its_id(logs: dict[str, Log]) -> None:
    """From the fan-out to the sender, lines and metrics carry match, seq and event id, and every line the trace."""
    assert {"match": "cold-logs", "seq": 2, "event_id": "fanned"}.items() <= said(
        logs["fanout"], "event_applied"
    ).items()
    assert {"match": "cold-logs", "seq": 1, "event_id": "kick-off"}.items() <= said(logs["sender"], "sent").items()
    assert {"match": "cold-logs", "seq": 1}.items() <= said(logs["receipt"], "receipt").items()
    for name, event in (
        ("fanout", {"match": "cold-logs", "seq": 2, "event_id": "fanned"}),
        ("sender", {"match": "cold-logs", "seq": 1, "event_id": "kick-off"}),
        ("receipt", {"match": "cold-logs", "seq": 1}),
    ):
        assert [line["events"] for line in logs[name] if "_aws" in line] == [[event]]
    lines = [line for log in logs.values() for line in log if "_aws" not in line]
    assert lines
    assert {line["xray_trace_id"] for line in lines} == {cold.TRACE.partition(";")[0].removeprefix("Root=")}


def said(log: Log, message: str) -> dict[str, Any]:
    """The only line with that message."""
    [line] = [line for line in log if line.get("message") == message]
    return line


def record(match: str, event: dict[str, Any]) -> dict[str, Any]:
    """A record of the stream as Lambda gets it."""
    data = AcceptedEvent(match, time.time_ns() // 1_000_000, EVENT.validate_python(event)).to_record()
    return {"kinesis": {"partitionKey": match, "sequenceNumber": "1", "data": base64.b64encode(data).decode()}}


def test_refused_and_poison_events_are_counted(functions: Functions, match: str) -> None:
    """A refused goal and a record of an unknown match are counted; delivered again, only the poison counts again."""
    goal = {"kind": "goal", "team": "home", "minute": 1, "event_id": "early"}
    batch = {"Records": [record(match, goal), record("nobody-knows-it", goal)]}
    log = start(functions, "fanout", batch).log
    assert metrics(log) == {"EventsRefused": [1.0], "RecordsSetAside": [1.0]}
    assert said(log, "record_set_aside")["match"] == "nobody-knows-it"
    assert metrics(start(functions, "fanout", batch).log) == {"RecordsSetAside": [1.0]}


def test_refused_viewers_are_counted(functions: Functions) -> None:
    """The metrics count a refused token, and a request for an unknown match."""
    handshake = {
        "methodArn": "arn", "headers": {}, "requestContext": {"connectionId": "x="},
        "multiValueQueryStringParameters": {"token": ["wrong"]},
    }  # fmt: skip
    assert metrics(start(functions, "authorizer", handshake).log) == {"Refused": [1.0]}
    about = {"connectionId": "x=", "eventType": "MESSAGE"}
    ask = {"requestContext": about, "body": '{"action":"sync","match":"nobody-knows-it"}'}
    assert metrics(start(functions, "routes", ask).log) == {"Refused": [1.0]}


def test_a_restart_is_counted(functions: Functions, target: Target) -> None:
    """The watchdog restarts a dead broadcast and counts that; if it has nothing to report, it prints no line."""
    target.numbered("cold-died", 1)
    epoch = target.ledger().state("cold-died").epoch
    body = json.dumps({"match": "cold-died", "seq": 1, "cell": "us-east-1", "tries": 0, "epoch": epoch})
    records = {"Records": [{"messageId": "1", "body": body}]}
    assert metrics(start(functions, "watchdog", records).log) == {"Restarted": [1.0]}
    assert not units(start(functions, "watchdog", {"Records": []}).log)


def test_senders_and_routes_load_no_pydantic() -> None:
    """Senders and routes import no pydantic through the ledger and the rules, so they start fast."""
    code = "import sys, matches.ledger, broadcaster.send.sender_store; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
