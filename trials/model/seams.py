"""Patches the code under test to use the model's clock, clients and small sizes."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import api.operators
import api.readers
import broadcaster.control.plan
import broadcaster.control.receipt
import broadcaster.control.starter
import broadcaster.home.cells
import broadcaster.home.fanout
import broadcaster.home.watchdog
import broadcaster.send.sender_store
import broadcaster.transports.publisher
import client.transports.broadcast_connection
import client.transports.snapshots
import matches.ledger
import matches.numbering
import runtime.brief_cache
import runtime.environment
import subscriptions.routes
import subscriptions.shards
import subscriptions.store
import subscriptions.viewer_counts
from api import resources
from runtime import aws
from subscriptions.connection_meter import ConnectionMeter
from subscriptions.viewer_changes import ViewerChanges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broadcaster.home.cells import Cells
    from devstack.system import System
    from matches.ledger import Ledger

TIMED = (
    broadcaster.home.cells,
    broadcaster.control.receipt, broadcaster.control.starter, broadcaster.send.sender_store,
    broadcaster.transports.publisher, client.transports.broadcast_connection, client.transports.snapshots,
    api.operators, api.readers, runtime.brief_cache, matches.ledger, matches.numbering, subscriptions.viewer_counts,
    subscriptions.store,
)  # fmt: skip
"""Modules that read the clock."""

KEEPING = (broadcaster.home.fanout, subscriptions.viewer_counts, subscriptions.routes)
"""Modules with values that are valid for some seconds, by the clock of runtime.thaw."""

SMALL = 2
"""The number of rows that fill a shard, a sender and a page, so that six viewers are a crowd."""

SCOPE = "score:write"

_LOGGERS = ("sender", "receipt", "cells", "starter", "publisher", "watchdog", "fanout", "api", "routes", "viewers")


@contextmanager
def on(system: System, clock: Any, db: Any, stream: Any, set_aside: Any) -> Iterator[None]:
    """Patch the code under test for the length of the block."""
    kept: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, value: Any) -> None:
        kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    environment = dict(os.environ)
    levels = [(logging.getLogger(name), logging.getLogger(name).level) for name in _LOGGERS]
    for logger, _ in levels:
        logger.setLevel(logging.CRITICAL + 1)
    routes = subscriptions.routes
    cached = (
        resources.ledger, resources.recent_events, resources.viewer_counts, resources.shared_reads,
        routes._ledger, routes._recent_events, routes._shard_counts, routes._subscriptions, routes._viewer_counts,  # noqa: SLF001
        routes._listeners,  # noqa: SLF001
        runtime.environment.settings,
    )  # fmt: skip
    try:
        for module in TIMED:
            put(module, "time", clock)
        for module in KEEPING:
            put(module, "seconds", clock.monotonic)
        put(aws, "dynamodb", lambda *_, **__: db)
        put(aws, "region", lambda: system.region)
        put(aws, "kinesis", lambda: stream)
        put(aws, "sqs", lambda *_: set_aside)
        put(subscriptions.shards, "ROWS_PER_SHARD", SMALL)
        put(broadcaster.control.plan, "ROWS_PER_SENDER", SMALL)
        for function in cached:
            function.cache_clear()
        subscriptions.routes._match_facts.clear()  # noqa: SLF001
        put(subscriptions.routes, "_meter", ConnectionMeter(rate=1e9, burst=1e9))
        put(subscriptions.routes, "_changes", ViewerChanges())
        functions = [system.environment(function) for function in ("api", "routes", "watchdog")]
        os.environ.update(
            {
                **functions[0], **functions[1], **functions[2], "STREAM": "events", "OPERATOR_SCOPE": SCOPE,
                "DEPLOYMENT": "model", "CELLS": "{}", "CONNECTIONS_URL": "http://127.0.0.1:1/live",
                "POWERTOOLS_METRICS_DISABLED": "true",
            }
        )  # fmt: skip
        yield
    finally:
        for owner, name, value in reversed(kept):
            setattr(owner, name, value)
        for function in cached:
            function.cache_clear()
        for logger, level in levels:
            logger.setLevel(level)
        os.environ.clear()
        os.environ.update(environment)


@contextmanager
def watching(cells: Cells, ledger: Ledger) -> Iterator[None]:
    """Give the watchdog's function these clients, for the length of the block."""
    watchdog: Any = broadcaster.home.watchdog
    kept = watchdog.cells, watchdog._ledger  # noqa: SLF001
    try:
        watchdog.cells, watchdog._ledger = lambda: cells, lambda: ledger  # noqa: SLF001
        yield
    finally:
        watchdog.cells, watchdog._ledger = kept  # noqa: SLF001
