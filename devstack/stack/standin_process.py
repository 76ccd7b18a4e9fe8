"""Runs the stand-in for API Gateway (``loadtest/standin/server.py``), to which viewers connect, as a process."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from devstack.child_process import ChildProcess
from devstack.system import STATE

if TYPE_CHECKING:
    from devstack.system import System


class StandIn(ChildProcess):
    """One stand-in on 127.0.0.1, from ``start`` to ``stop``. It runs the routes' functions, on MiniStack's tables.

    ``system`` is the view of a cell, and has a ``gateway_port``; its provisioning has added the issuer of tokens.
    ``limits``: see loadtest/standin/gateway_limits.py. ``handler`` replaces the handler of the described function.
    Without ``throttled``, the described throttles of routes do not hold.
    """

    def __init__(
        self,
        system: System,
        limits: dict[str, Any] | None = None,
        *,
        handler: str | None = None,
        threads: int = 8,
        throttled: bool = True,
    ) -> None:
        self._system = system
        port = urlsplit(system.websocket_url).port
        assert port is not None  # noqa: S101
        described = system.raw["websocket_api"] | ({} if throttled else {"throttles": {}})
        function = described["function"]
        command = [sys.executable, "-m", "loadtest.standin.server", "--port", str(port), "--with-parent"]
        command += ["--api", json.dumps(described), "--limits", json.dumps(limits or {})]
        command += ["--handler", handler or system.raw["functions"][function]["handler"]]
        command += ["--threads", str(threads), "--origins", system.resolve("setting.origins")]
        functions = [function]
        if "authorizer" in described:
            # The authorizer comes first, so that the variables of the routes win.
            functions.insert(0, described["authorizer"])
            command += ["--authorizer", system.raw["functions"][described["authorizer"]]["handler"]]
        given = {name: value for each in functions for name, value in system.environment(each).items()}
        # Log only warnings: nobody reads a line for each of 10,000 viewers.
        quiet = {
            "POWERTOOLS_LOG_LEVEL": "WARNING", "POWERTOOLS_METRICS_DISABLED": "true",
            "POWERTOOLS_SERVICE_NAME": function,
        }  # fmt: skip
        env = {**quiet, **{name: os.environ[name] for name in quiet if name in os.environ}}
        env |= {**system.credentials(), **given}
        super().__init__("The gateway", command, env, port=port, log=STATE / "logs" / f"gateway-{port}.log")
