"""The bench of the page, with little load: it measures what it reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.measurements.bench_runs import target_of
from loadtest.bench import web

if TYPE_CHECKING:
    from tests.web.conftest import Stage


async def test_everything_is_measured(stage: Stage) -> None:
    """Goals over the API and from the desk, first paints, bytes, and frames from the browser's own trace."""
    result = await web.run(target_of(stage.system), stage.site, lambda _: None, goals=1, paints=1, events=3, matches=2)
    assert result.missing == []
    assert set(web.FLOORS) <= set(result.figures)
    for screen in ("match", "scoreboard"):
        assert result.figures[f"bytes_{screen}"] > 10_000
        assert result.figures[f"frames_{screen}"]["frames"] > 0
