"""Pure: the amounts that one match day uses, by transport. docs/deploy.md, "What it costs", is written from them.

The amounts of a viewer are those of our page and our functions: ``tests/web/cost.test.mjs`` plays such viewers in
virtual time. Sizes of messages, times of calls and lines of logs are estimates, because nothing was measured in an
account.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal

from matches.channels import FEEDS

if TYPE_CHECKING:
    from forecast.question import Question

Group = Literal[
    "connections", "messages", "functions", "reads", "writes", "state_machine", "cdn", "logs", "tracing", "idle"
]
Page = Literal["match", "scoreboard", "none"]
"""The page of our site that viewers have open, or none: viewers with an app of their own."""

CONNECTION_MINUTES = 110
"""A viewer renews its connection after 105 to 115 minutes (client/viewer.py, web/livescore.js)."""

SNAPSHOTS_AN_HOUR, LISTS_AN_HOUR, SIGNS_AN_HOUR = 21.5, 60, 6
"""Asked by a viewer in an hour: snapshots by a match page, lists of two days by a scoreboard, signs of life."""

FILES = 28
"""Files of a page that nobody has cached."""

FILES_KB, SNAPSHOT_KB, LIST_KB, MESSAGE_KB, LOG_KB = 60, 1.0, 0.467, 0.5, 1.2
CALL_S, CALL_GB = 0.015, 0.5
TRACED = 0.05
"""X-Ray samples one call in twenty (https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html)."""

SENDER_GB = 1769 / 1000
ROW_BYTES, READ_BYTES = 64, 4096
POLL_READS = 3 * 4
"""Reads of a sender in a second: of the match, of the cell's row and of the rate shares, four times."""
COUNTING_PROCESSES, COUNTING_SECONDS = 50, 3
EDGE_CACHES, POSITIONS = 12, 2
EVENT_CALLS = 4
"""Calls of functions for an event: api, fan-out, receipt, watchdog."""

EXECUTION_GB = 64 / 1024
"""Memory of an Express execution, in the steps in which AWS counts it (https://aws.amazon.com/step-functions/pricing/)."""

ALARMS, MONTH_HOURS = 60, 730


@dataclass(frozen=True, slots=True)
class Use:
    """An amount of one thing. ``price`` is a name of forecast.prices; None: the thing has no public price."""

    group: Group
    text: str
    price: str | None
    amount: float
    least: float | None = None
    """The least amount, where the amount is an upper bound; None: the amount itself."""
    a_viewer: float | None = None
    """The number of them for each viewer, if the docs name it."""
    is_keepalive: bool = False
    """Whether these are frames of which nobody knows whether the service bills them."""


def connections(question: Question) -> int:
    """The connections of one viewer, one after the other."""
    return 1 + int(question.hours * 60 // CONNECTION_MINUTES)


def site(question: Question, page: Page) -> list[Use]:
    """The page's files and its reads, over the CDN. They are the same on every transport."""
    viewers, hours = question.viewers, question.hours
    if page == "none":
        return []
    reads = (SNAPSHOTS_AN_HOUR if page == "match" else LISTS_AN_HOUR) * hours
    text = (
        "snapshots read by match pages, checks after silence and all"
        if page == "match"
        else "lists read by scoreboards, for each of the two UTC days that a local day covers"
    )
    kilobytes = SNAPSHOT_KB if page == "match" else LIST_KB
    shield = EDGE_CACHES * POSITIONS * hours * 3600 * question.matches
    return [
        Use("cdn", text, "cdn_request", viewers * reads, a_viewer=reads if page == "match" else reads / 2),
        Use("cdn", "requests to Origin Shield: of 12 other regional edge caches, for two positions a second",
            "shield_request", shield),
        Use("cdn", "files of the page", "cdn_request", viewers * FILES, a_viewer=FILES),
        Use("cdn", "data from CloudFront", "cdn_gb", viewers * (FILES_KB + reads * kilobytes) / 1e6),
    ]  # fmt: skip


def idle(question: Question, shards: int) -> list[Use]:
    """The parts that cost the same without a viewer, for the hours of the match. ``shards``: of the stream."""
    return [
        Use("idle", "shards of the stream", "shard_hour", shards * question.hours),
        Use("idle", "its consumer", "consumer_hour", shards * question.hours),
        Use("idle", "alarms, about", "alarm_month", ALARMS * question.cells * question.hours / MONTH_HOURS),
    ]


def home(question: Question) -> list[Use]:
    """Calls and writes for each event at home, whatever the transport."""
    events = question.events * question.matches
    return [
        Use("functions", "calls of functions for events", "function_call", events * EVENT_CALLS * question.cells),
        Use("writes", "rows of events, of the match and of the cells", "table_write", events * 8 * question.cells),
        Use(
            "messages", "the watchdog's messages: sent, received, deleted", "queue_request", events * 3 * question.cells
        ),
        Use("functions", "requests of operators", "http_request", events),
    ]


def api_gateway(question: Question, sending_s: float, senders: float) -> list[Use]:
    """API Gateway. ``sending_s``: seconds of one goal's broadcast in each cell. ``senders``: of all cells together."""
    viewers, events, hours = question.viewers, question.events, question.hours
    opened = viewers * connections(question)
    signs = SIGNS_AN_HOUR * hours
    deliveries = viewers * events
    calls = opened * 4 + viewers * signs
    goals = events * question.matches
    sender_s = goals * sending_s * senders
    executions = goals * question.cells * ceil(max(1.0, sending_s / 160))
    churn_s = opened / (500 * question.cells)
    return [
        Use("connections", "connection minutes", "websocket_minute", viewers * hours * 60),
        Use("messages", "messages to viewers", "websocket_message", deliveries),
        Use("messages", "signs of life asked of quiet connections, with their answers", "websocket_message",
            viewers * signs * 2, least=0, a_viewer=signs),
        Use("messages", "subscribes and their answers", "websocket_message", opened * 2),
        Use("messages", "data over the sockets", "data_gb", (deliveries + viewers * signs + opened) * MESSAGE_KB / 1e6),
        Use("functions", "calls of functions: authorizer, connect, subscribe, leave, and answers to signs of life",
            "function_call", calls),
        Use("functions", "their time: about 15 ms each with 512 MB", "function_gb_s", calls * CALL_S * CALL_GB),
        Use("functions", "senders of 1.77 GB", "function_gb_s", sender_s * SENDER_GB),
        Use("state_machine", "executions", "execution", executions),
        Use("state_machine", "their time", "execution_gb_s", goals * question.cells * sending_s * EXECUTION_GB),
        Use("logs", "logs: about 1.2 KB for each call, Lambda's own three lines included",
            "log_gb", calls * LOG_KB / 1e6),
        Use("tracing", "traces of one call in twenty, which X-Ray samples by default", "trace", calls * TRACED),
        Use("writes", "subscriptions written and deleted, row and index", "table_write", opened * 4),
        Use("writes", "connections noted as closed, row and index", "table_write", opened * 2),
        Use("writes", "counts of viewers: 50 processes, every 3 seconds, for as long as viewers come and leave",
            "table_write", COUNTING_PROCESSES / COUNTING_SECONDS * churn_s * question.cells),
        Use("reads", "reads of the senders' polls: three, four times a second", "table_read", sender_s * POLL_READS),
        Use("reads", "reads for a sign of life, two each", "table_read", viewers * signs * 2),
        Use("reads", "reads for a subscribe: the match at home, the note of a closed connection",
            "table_read", opened * 2),
        Use("reads", "subscriptions read for each event, rows of 64 bytes, consistently", "table_read",
            events * viewers * ROW_BYTES / READ_BYTES),
    ]  # fmt: skip


def broadcasting(question: Question, transport: str) -> list[Use]:
    """A transport that carries a frame to all viewers itself."""
    viewers, hours = question.viewers, question.hours
    opened, deliveries = viewers * connections(question), viewers * question.events
    publishes = question.events * question.matches * question.cells * len(FEEDS)
    minutes = viewers * hours * 60
    further = Use("cdn", "further reads over HTTP: three for each connection", "cdn_request", opened * 3)
    read = Use("cdn", "data of these reads", "cdn_gb", opened * 3 * SNAPSHOT_KB / 1e6)
    data = [
        Use("messages", "data over the sockets", "data_gb", deliveries * MESSAGE_KB / 1e6),
        further,
        read,
    ]
    if transport == "momento":
        return [
            Use(
                "messages", "Momento's operations: publishes and deliveries, for each KB", None, deliveries + publishes
            ),
            *_calls(question.matches * hours, "calls for shared tokens"),
            further,
            read,
        ]
    if transport == "iot-core":
        return [
            Use("connections", "connection minutes", "iot_minute", minutes),
            Use("messages", "deliveries", "iot_message", deliveries + publishes),
            Use("messages", "acknowledgements of viewers", "iot_message", deliveries),
            Use("messages", "connects and subscribes", "iot_message", opened * 2),
            *_calls(opened * 3, "calls of functions: authorizer, and two that count viewers"),
            Use("messages", "rules for lifecycle events, triggered", "iot_rule", opened * 2),
            Use("messages", "their actions", "iot_action", opened * 2),
            Use("writes", "rows of viewers, written and deleted", "table_write", opened * 2),
            *data,
        ]
    if transport == "appsync-graphql":
        return [
            Use("connections", "connection minutes", "appsync_minute", minutes),
            Use("messages", "deliveries", "graphql_update", deliveries),
            Use("messages", "mutations of ours", "graphql_operation", publishes),
            Use("messages", "connects and subscribes", "graphql_update", opened * 2),
            *_calls(opened * 2, "calls of the authorizer"),
            *data,
        ]
    return [
        Use("connections", "connection minutes", "appsync_minute", minutes),
        Use("messages", "deliveries", "events_operation", deliveries + publishes),
        Use("messages", "connects and subscribes", "events_operation", opened * 2),
        Use("messages", "signs of life", "events_operation", opened * 2, least=0),
        Use("messages", "frames ka, once a minute", "events_operation", minutes, least=0, is_keepalive=True),
        *_calls(opened * 2, "calls of the authorizer"),
        *data,
    ]


def _calls(calls: float, text: str) -> list[Use]:
    """Calls of small functions, with their time, logs and traces."""
    return [
        Use("functions", text, "function_call", calls),
        Use("functions", "their time: about 15 ms each with 512 MB", "function_gb_s", calls * CALL_S * CALL_GB),
        Use("logs", "their logs, about 1.2 KB each", "log_gb", calls * LOG_KB / 1e6),
        Use("tracing", "traces of one call in twenty", "trace", calls * TRACED),
    ]
