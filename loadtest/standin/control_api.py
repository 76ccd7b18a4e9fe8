"""The stand-in's own paths under ``/_standin/``: health, counters, limits. AWS has no such paths."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from loadtest.standin import http_answers
from loadtest.standin.gateway_limits import LimitError, changed

if TYPE_CHECKING:
    from loadtest.standin.core import Core


def answer(core: Core, method: str, path: str, body: bytes) -> bytes:
    """Serve a request of the control API."""
    match method, path.removeprefix("/_standin/"):
        case "GET", "health":
            return http_answers.answer(200, {"status": "ok", "stage": core.api.stage})
        case "GET", "stats":
            return http_answers.answer(200, stats(core))
        case "POST", "reset":
            core.reset()
            return http_answers.answer(200, stats(core))
        case "GET", "limits":
            return http_answers.answer(200, asdict(core.limits))
        case "PATCH", "limits":
            try:
                core.set_limits(changed(core.limits, orjson.loads(body)))
            except orjson.JSONDecodeError:
                return http_answers.answer(400, {"message": "The body is not JSON."})
            except LimitError as error:
                return http_answers.answer(400, {"message": str(error)})
            return http_answers.answer(200, asdict(core.limits))
    return http_answers.answer(404, {"message": f"There is no {method} {path}."})


def stats(core: Core) -> dict[str, Any]:
    """The counters, the number of connections, and the lateness of the loop: last and worst, in milliseconds."""
    counters = asdict(core.stats)
    lag = {"last": round(counters.pop("lag_last") * 1000, 1), "max": round(counters.pop("lag_max") * 1000, 1)}
    return {**counters, "connections": len(core.sockets), "loop_lag_ms": lag}
