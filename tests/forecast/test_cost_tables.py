"""The tables of costs and waits in the docs are those of the planner."""

from __future__ import annotations

from dataclasses import replace

from devstack.system import ROOT
from forecast import cost_tables
from forecast.asking import ask
from forecast.bill import Options

DEPLOY = (ROOT / "docs/deploy.md").read_text("utf-8")
CHOOSING = (ROOT / "docs/choosing.md").read_text("utf-8")
HEAD = "| | how much | at | |"


def table(page: str, head: str, number: int = 0) -> list[str]:
    """The rows of a table of a page, by its first line; ``number`` counts tables with the same one."""
    lines = page.split(head)[number + 1].strip("\n").splitlines()
    end = next(index for index, line in enumerate(lines) if not line.startswith("|"))
    return lines[1:end]


def test_the_bill_of_a_match_is_the_planners() -> None:
    """Each line of docs/deploy.md, its amount, its price with its source, and its dollars come from the planner."""
    assert table(DEPLOY, HEAD) == cost_tables.match_rows()
    assert f"The sum is about **{cost_tables.match_sum()}**" in DEPLOY


def test_the_bill_of_a_scoreboard_is_the_planners() -> None:
    """So do the lines for viewers of the scoreboard."""
    assert table(DEPLOY, HEAD, 1) == cost_tables.scoreboard_rows()


def test_the_costs_of_the_transports_are_the_planners() -> None:
    """docs/choosing.md compares the transports with the planner's figures."""
    head, *rows = cost_tables.transport_rows()
    assert table(CHOOSING, head) == rows[1:]


def test_the_waits_are_the_planners() -> None:
    """The seconds of docs/choosing.md for API Gateway, AppSync and IoT Core are the planner's."""
    lines = CHOOSING.splitlines()
    for row in cost_tables.wait_rows():
        name, *cells = (each.strip() for each in row.strip("|").split("|"))
        [stated] = [line for line in lines if line.startswith(f"| {name} |")]
        assert [each.strip().partition(",")[0] for each in stated.strip("|").split("|")][1:4] == cells, name


def test_ten_million_are_answered_by_the_planner() -> None:
    """The table of docs/scale.md, and the two raises that it names, are the planner's."""
    page = (ROOT / "docs/scale.md").read_text("utf-8")
    head = next(line for line in page.splitlines() if line.startswith("| transport |"))
    assert table(page, head) == cost_tables.scale_rows()
    for within, cells in ((60, 1), (10, 2)):
        question = replace(cost_tables.TEN_MILLION, within_s=within)
        [row] = ask(question, ["api-gateway"], Options()).rows
        assert row.raised.cells == cells
        assert f"{row.raised.quotas['requests']:,}" in page


def test_the_quotas_mean_what_the_planner_computes() -> None:
    """The seconds beside the default quotas in docs/deploy.md are the planner's: for connecting, and for a frame."""
    for name, viewers, text in (("appsync-events", 1_000_000, "a million"), ("iot-core", 500_000, "500,000")):
        [row] = ask(replace(cost_tables.QUESTION, viewers=viewers), [name], Options()).rows
        assert f"{text} viewers come in within {row.join_s:.0f} s" in DEPLOY
        seconds = row.alone.last_s - row.alone.first_s
        assert any(f"{text} viewers hear a frame{of} within {seconds:.0f} s" in DEPLOY for of in ("", " of 5 KB"))


def test_the_send_budget_is_the_planners() -> None:
    """docs/send-budget.md says how long a million viewers wait at the usual quota: the planner says the same."""
    [row] = ask(cost_tables.QUESTION, ["api-gateway"], Options()).rows
    page = (ROOT / "docs/send-budget.md").read_text("utf-8")
    assert f"instead of {row.alone.last_s - row.alone.first_s:.0f} s" in page
