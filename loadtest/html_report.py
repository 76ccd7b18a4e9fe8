"""The report of a load test, one HTML file that needs no other file.

``python -m loadtest.html_report RESULTS.json FILE`` writes it.
"""

from __future__ import annotations

import io
import shlex
import sys
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430 }
h1 { margin-bottom: 0 } .passed { color: #0a7d38 } .failed { color: #b3261e }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .2rem .9rem; text-align: right }
th:first-child, td:first-child { text-align: left; padding-left: 0 } tr + tr { border-top: 1px solid #dde2e8 }
.warn { background: #fff4d6; padding: .6rem 1rem; border-left: 4px solid #e0a100 } svg { width: 100%; height: auto }
code { background: #eef1f4; padding: .15rem .4rem; overflow-wrap: anywhere } .dim { color: #5b6672 }
"""

_BLUE, _ORANGE, _RED = "#1f6feb", "#d9822b", "#b3261e"


def render(result: dict[str, Any], repeat: str | None = None) -> str:
    """The page for a result of ``Results.to_dict``; ``repeat`` is the command that repeats the run."""
    about, goals, counts = result["about"], result["goals"], result["counts"]
    when = f"{datetime.fromtimestamp(about['begun'], UTC):%Y-%m-%d %H:%M} UTC"
    missed = "not counted" if result["missed"] is None else str(result["missed"])
    said = [about["trouble"] and f"The run was cut short: {about['trouble']}.", result["bottleneck"]]
    timed = {
        "goal to glass": result["goal_to_glass_ms"],
        **{name.replace("_", " "): figures for name, figures in result["times_ms"].items()},
        "own lag": result["own_lag_ms"],
    }
    facts = {
        "viewers": about["viewers"],
        "of them stayed to the end": result["stayed"],
        "goals posted": f"{goals['posted']} of {goals['wanted']}, in {about['matches']} matches",
        "events missed by those who stayed": missed,
        "deliveries timed": result["deliveries"],
        **{name.replace("_", " "): count for name, count in counts.items()},
        "swarm processes": result["swarms"],
        "busiest swarm, percent of a core": result["own_cpu_percent"],
    }
    plots = {
        "Latency over time": _over_time(result),
        "Histogram of goal to glass": _histogram(result),
        "Deliveries per second": _deliveries(result),
        "The load test's own lag": _own_lag(result),
    }
    verdict = "passed" if result["passed"] else "failed"
    body = [
        f"<h1>{escape(about['shape'].replace('-', ' '))}: <span class={verdict}>{verdict}</span></h1>",
        f"<p class=dim>{escape(about['api'])}</p>",
        *(f"<p class=warn>{escape(each)}</p>" for each in said if each),
        _table(["ms", *result["goal_to_glass_ms"]], [[name, *figures.values()] for name, figures in timed.items()]),
        (
            "<p>Goal to glass: from the operator's POST to the frame in the viewer's hands, for viewers that were "
            "subscribed when it was posted. Catch up: what came in a snapshot to those who were not.</p>"
        ),
        _table(["", ""], [[name, value] for name, value in facts.items()]),
        *(f"<h2>{escape(title)}</h2>{svg}" for title, svg in plots.items()),
        f"<h2>Again</h2><p><code>{escape(repeat or _command(about))}</code></p>",
        f"<p class=dim>{escape(about['machine'])}, Python {escape(about['python'])}, {when}, {about['seconds']} s.</p>",
    ]
    title = escape(f"livescore load test: {about['shape']}")
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _table(head: list[str], rows: list[list[Any]]) -> str:
    def row(cells: list[Any], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + row(head, "th") + "".join(row(each, "td") for each in rows) + "</table>"


def _command(about: dict[str, Any]) -> str:
    where = ("cell", "site") if about.get("site") or about.get("cell") else ("websocket",)
    names = ("shape", "viewers", "goals", "matches", "pace", "join_rate", "api", *where)
    options = [
        part for name in names for part in (f"--{name.replace('_', '-')}", str(about[name])) if about[name] != ""
    ]
    return shlex.join(["locust", "-f", "loadtest/locustfile.py", "--headless", *options])


def _over_time(result: dict[str, Any]) -> str:
    seconds = [each for each in result["seconds"] if each["goal_to_glass_ms"]]
    begun = result["seconds"][0]["second"] if result["seconds"] else 0

    def draw(axes: Axes) -> None:
        at = [each["second"] - begun for each in seconds]
        for name, colour in (("p50", _BLUE), ("p95", _ORANGE), ("max", _RED)):
            axes.plot(at, [each["goal_to_glass_ms"][name] for each in seconds], ".-", color=colour, label=name)
        axes.set(xlabel="seconds", ylabel="goal to glass, ms", ylim=(0, None))
        if seconds:
            axes.legend()

    return _svg(draw)


def _histogram(result: dict[str, Any]) -> str:
    def draw(axes: Axes) -> None:
        times = [int(ms) for ms in result["histogram"]]
        axes.hist(times, bins=60, weights=list(result["histogram"].values()), color=_BLUE)
        axes.set(xlabel="goal to glass, ms", ylabel="deliveries")

    return _svg(draw)


def _deliveries(result: dict[str, Any]) -> str:
    def draw(axes: Axes) -> None:
        seconds = result["seconds"]
        begun = seconds[0]["second"] if seconds else 0
        axes.bar([each["second"] - begun for each in seconds], [each["deliveries"] for each in seconds], color=_BLUE)
        axes.set(xlabel="seconds", ylabel="deliveries per second")

    return _svg(draw)


def _own_lag(result: dict[str, Any]) -> str:
    def draw(axes: Axes) -> None:
        seconds = [each for each in result["seconds"] if each["own_lag_ms"]]
        begun = result["seconds"][0]["second"] if seconds else 0
        at = [each["second"] - begun for each in seconds]
        for name, colour in (("p95", _ORANGE), ("max", _RED)):
            axes.plot(at, [each["own_lag_ms"][name] for each in seconds], color=colour, label=name)
        axes.set(xlabel="seconds", ylabel="own lag, ms", ylim=(0, None))
        if seconds:
            axes.legend()

    return _svg(draw)


def _svg(draw: Any) -> str:
    # Importing matplotlib takes a second, and most commands of this package do not draw.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
                     "grid.alpha": 0.3}):  # fmt: skip
        figure = Figure(figsize=(9, 3), layout="constrained")
        draw(figure.add_subplot())
        page = io.StringIO()
        figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    text = page.getvalue()
    return text[text.index("<svg") :]


def main() -> None:
    """Write the report of a result file."""
    source, target = map(Path, sys.argv[1:3])
    target.write_text(render(orjson.loads(source.read_bytes())))


if __name__ == "__main__":
    main()
