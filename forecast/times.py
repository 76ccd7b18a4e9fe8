"""Pure: how long the viewers of a goal wait, by transport. Tests compare the times with the simulation."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from broadcaster.control.plan import MAX_SENDERS, plan
from broadcaster.send.pacing import BURST_SECONDS
from broadcaster.send.polls import POLL_SECONDS
from devstack.stack_cells import API_GATEWAY
from forecast.account import CONNECTIONS, MOST_OPENING
from subscriptions.shards import initial_shards

if TYPE_CHECKING:
    from forecast.account import Account
    from forecast.latencies import Latencies

PAGE_ROWS = 16_384
"""Rows of a page of 1 MB, at 64 bytes (docs/rows.md)."""

STEP_S, RAMP_STEPS = 0.005, 200
"""Seconds of a step of a sender's beginning. After so many steps it has as many connections as it needs."""

FRAME_KB = 0.5
"""A frame with one event has about so many kilobytes (docs/bench.md, "transports")."""

CONNECT_CALLS_S = {API_GATEWAY: 0.045, "iot-core": 0.015, "momento": 0.0}
"""Seconds of functions for each viewer that connects: authorizer, connect and subscribe take about 15 ms each."""

APPSYNC_CALLS_S = 0.030
JOIN_WRITES = 4
"""Write units of one table for each viewer that subscribes and leaves."""

PAGE_REQUESTS = 29
"""Requests to the CDN of a viewer that opens the page: its files and a snapshot."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds after the operator's POST. ``binds``: the key of the quota, or the limit of ours, that sets the last."""

    first_s: float
    median_s: float
    last_s: float
    binds: str


def goal(transport: str, viewers: float, together: int, account: Account, latencies: Latencies) -> Times:
    """The times of a goal of a match that has ``viewers`` in the cell, while ``together`` such matches have a goal."""
    due = 6 * latencies.call_s + latencies.stream_s
    if transport == API_GATEWAY:
        return _by_posts(viewers, together, account, latencies, due)
    begun = due - latencies.call_s + latencies.publish_s
    quota, rate = outbound(transport, account)
    took = viewers * together / rate
    return Times(begun, begun + took / 2, begun + took, quota)


def outbound(transport: str, account: Account) -> tuple[str, float]:
    """The quota that limits a service's deliveries, and how many of our frames it carries in a second."""
    if transport == "iot-core":
        return "iot_outbound", account.quotas["iot_outbound"] / ceil(FRAME_KB / 5)
    if transport == "momento":
        return "momento_operations", account.quotas["momento_operations"] / ceil(FRAME_KB)
    return "appsync_outbound", account.quotas["appsync_outbound"] / ceil(FRAME_KB / 5)


def _by_posts(viewers: float, together: int, account: Account, latencies: Latencies, due: float) -> Times:
    shards = initial_shards(ceil(viewers))
    batches = plan(shards, ceil(viewers), account.budget)
    senders = len(batches)
    share = account.send_rate / together / senders
    page = min(viewers / shards, PAGE_ROWS) / PAGE_ROWS * latencies.page_s
    begun = due + latencies.start_s + latencies.invoke_s + latencies.call_s + page
    posts, seen = viewers / senders, latencies.post_s / 2
    # A sender whose batch is done leaves its part to the others, who see that at their next poll.
    largest = max(batch.end - batch.first for batch in batches) / shards * senders
    uneven = POLL_SECONDS / 2 if largest > 1.05 else 0.0
    first, middle, last = (
        begun + _sent_after(max(1, ceil(part)), share, account, latencies) + seen for part in (1, posts / 2, posts)
    )
    return Times(first, middle, last + uneven, _limit_of_posts(share, senders, account))


def _limit_of_posts(share: float, senders: int, account: Account) -> str:
    if share <= account.sender_most:
        return "requests"
    return "map_iterations" if senders == MAX_SENDERS else "connections_of_a_sender"


def _sent_after(posts: int, rate: float, account: Account, latencies: Latencies) -> float:
    """Seconds from a sender's first page until it has sent so many posts at ``rate``.

    The sender opens at most 32 connections at a time, 400 in all, and has one request on its way on each. Its bucket
    begins with the burst of a tenth of a second. After ``RAMP_STEPS`` it sends evenly.
    """
    opens, answers = (max(1, round(each / STEP_S)) for each in (latencies.open_s, account.post_s))
    burst = max(1.0, rate * BURST_SECONDS)
    tokens, idle, opened, opening, sent = burst, 0, 0, 0, 0
    coming: dict[int, tuple[int, int]] = {}
    for step in range(RAMP_STEPS):
        fresh, answered = coming.pop(step, (0, 0))
        tokens = min(burst, tokens + rate * STEP_S)
        idle, opening, opened = idle + fresh + answered, opening - fresh, opened + fresh
        now = min(idle, int(tokens), posts - sent)
        sent, idle, tokens = sent + now, idle - now, tokens - now
        if sent == posts:
            return step * STEP_S
        ahead = coming.get(step + answers, (0, 0))
        coming[step + answers] = (ahead[0], ahead[1] + now)
        if idle == 0 and tokens >= 1:
            more = min(MOST_OPENING - opening, CONNECTIONS - opened - opening, int(tokens), posts - sent - opening)
            ahead = coming.get(step + opens, (0, 0))
            coming[step + opens] = (ahead[0] + max(0, more), ahead[1])
            opening += max(0, more)
    return RAMP_STEPS * STEP_S + (posts - sent - int(tokens)) / min(rate, account.sender_most)


def connects_of(transport: str) -> str:
    """The quota that limits new connections a second."""
    names = {API_GATEWAY: "connections", "iot-core": "iot_connects", "momento": "momento_operations"}
    return names.get(transport, "appsync_connects")


def joining(transport: str, viewers: float, account: Account) -> tuple[float, str]:
    """Seconds until the audience of one cell is connected, and the key of the quota that binds."""
    quotas = account.quotas
    connects = connects_of(transport)
    rates = {connects: quotas[connects], "cdn_requests": quotas["cdn_requests"] / PAGE_REQUESTS}
    if seconds := CONNECT_CALLS_S.get(transport, APPSYNC_CALLS_S):
        rates["concurrency"] = quotas["concurrency"] / seconds
    if transport == API_GATEWAY:
        rates["table_writes"] = quotas["table_writes"] / JOIN_WRITES
    binds = min(rates, key=lambda name: rates[name])
    return viewers / rates[binds], binds
