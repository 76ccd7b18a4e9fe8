"""The planner: seconds, limits, raises, dollars, and one recommendation."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from broadcaster.send import carousel, connection_pool, gateway
from forecast import account, sender_curve
from forecast.asking import ask, ground, transports
from forecast.bill import GROUPS, Options
from forecast.planner import report
from forecast.question import Question, QuestionError

MILLION = Question(1_000_000, 25, 2.0)
KNOWN = transports()
NOBODY_KNOWS = Options()


def rows(question: Question, options: Options = NOBODY_KNOWS) -> dict[str, Any]:
    """The answer for each transport, as JSON."""
    return {each["name"]: each for each in report(ask(question, KNOWN, options))["transports"]}


def test_the_planner_knows_the_senders_limits() -> None:
    """The planner computes with as many connections as a sender opens, and with the sender's first poll."""
    assert (account.CONNECTIONS, account.MOST_OPENING) == (gateway.CONNECTIONS, connection_pool.MOST_OPENING)
    assert sender_curve.FIRST_POLL_SECONDS == carousel.FIRST_POLL_SECONDS


def test_a_million_viewers_at_default_quotas() -> None:
    """The figures are those that docs/deploy.md and docs/choosing.md state."""
    found = rows(MILLION)
    assert found["api-gateway"]["last_viewer_s"] == pytest.approx(133.5, abs=1)
    assert found["api-gateway"]["join_s"] == 2_000
    assert found["appsync-events"]["last_viewer_s"] == pytest.approx(1.15, abs=0.1)
    assert found["iot-core"]["last_viewer_s"] == pytest.approx(50, abs=1)
    assert found["api-gateway"]["usd"]["high"] == pytest.approx(199, abs=1)


@pytest.mark.parametrize("within", [0.5, 1, 5, 60])
@pytest.mark.parametrize("viewers", [1_000, 1_000_000, 10_000_000])
def test_a_raise_does_what_it_promises(viewers: int, within: float) -> None:
    """With the raised quotas, settings and cells the last viewer has the goal in time; with a little less, not."""
    question = replace(MILLION, viewers=viewers, within_s=within)
    for name, row in rows(question).items():
        if not row["raise"] or not row["possible"] or name == "momento":
            continue
        raised = replace(question, quotas=row["raise"], cells=row["cells_needed"])
        assert rows(raised)[name]["last_viewer_s"] <= within * 1.01, (name, row)


def test_a_raise_never_makes_a_sender_slower() -> None:
    """The setting of a sender's rate follows a raise only where forty senders would not carry it."""
    [few] = report(ask(replace(MILLION, viewers=100_000, within_s=10), ["api-gateway"], NOBODY_KNOWS))["transports"]
    assert few["settings"].keys() == {"send_rate"}
    [many] = report(ask(replace(MILLION, viewers=10_000_000, within_s=60), ["api-gateway"], NOBODY_KNOWS))["transports"]
    assert many["settings"]["sender_rate"] == -(-many["settings"]["send_rate"] // 40) > 3_000


def test_without_an_aim_nothing_is_raised() -> None:
    """An asker who names no seconds is told how long it takes, and raises nothing but what refuses the audience."""
    found = rows(replace(MILLION, viewers=100))
    assert all(each["raise"] == {} and each["refuses"] is None for each in found.values())
    assert rows(MILLION)["iot-core"]["raise"] == {"iot_connections": 1_000_000}


def test_the_recommendation_is_the_cheapest_that_manages() -> None:
    """A transport that is too slow, or whose price nobody knows, is not recommended while another one manages."""
    found = ask(replace(MILLION, within_s=5), KNOWN, Options(keepalives_billed=False))
    assert found.recommended == "appsync-events"
    assert "cheapest that tells the last viewer within 5 s" in found.reason
    unsure = ask(replace(MILLION, within_s=5), KNOWN, NOBODY_KNOWS)
    assert (unsure.recommended, "appsync-events costs $131" in unsure.reason) == ("appsync-graphql", True)


def test_an_unknown_price_is_not_recommended() -> None:
    """Momento serves a hundred viewers, and is recommended only if somebody states its price, and it is the lowest."""
    hundred = replace(MILLION, viewers=100)
    unknown, free = ask(hundred, KNOWN, NOBODY_KNOWS), ask(hundred, KNOWN, Options(momento_usd=(0.0, 0.0)))
    assert all(each.manages(None) for each in unknown.rows)
    assert (unknown.recommended != "momento", free.recommended) == (True, "momento")


def test_a_quota_that_a_contract_raises_comes_last() -> None:
    """Momento's quotas are raised by contract only, so a larger raise of another transport goes before."""
    question = Question(150, 25, 2.0, quotas={"appsync_outbound": 100, "momento_operations": 1_000_000}, within_s=0.5)
    found = ask(question, ["momento", "appsync-events"], NOBODY_KNOWS)
    momento, events = found.rows
    assert 1 < momento.factor < events.factor
    assert found.recommended == "appsync-events"


def test_a_small_raise_goes_before_a_large_one() -> None:
    """If no transport manages, the one with the smallest raise is named, with its raise."""
    found = ask(replace(MILLION, viewers=10_000_000, within_s=5), ["api-gateway", "appsync-events"], NOBODY_KNOWS)
    assert found.recommended == "appsync-events"
    assert "appsync_outbound to 2," in found.reason


def test_more_cells_where_a_limit_of_ours_binds() -> None:
    """Forty senders carry so many POSTs a second; beyond that the answer names cells."""
    [row] = report(ask(replace(MILLION, viewers=10_000_000, within_s=5), ["api-gateway"], NOBODY_KNOWS))["transports"]
    assert row["cells_needed"] > 1
    found = ask(replace(MILLION, viewers=10_000_000, within_s=5), ["api-gateway"], NOBODY_KNOWS)
    assert f"{row['cells_needed']} cells" in found.reason


def test_no_more_cells_than_are_needed() -> None:
    """The answer is the same number of cells from whichever number the question begins."""
    question = replace(MILLION, viewers=10_000_000, within_s=5)
    needed = [rows(replace(question, cells=cells))["api-gateway"]["cells_needed"] for cells in (1, 2, 4, 5)]
    assert needed == [5, 5, 5, 5]


def test_nothing_helps_before_the_first_viewer() -> None:
    """An aim below the time to the first viewer cannot be reached by any quota, and the answer says so."""
    found = ask(replace(MILLION, within_s=0.01), KNOWN, NOBODY_KNOWS)
    assert (found.recommended, "no transport manages it: 0.15 s pass" in found.reason) == ("none", True)
    assert not any(each["possible"] for each in report(found)["transports"])


def test_cells_and_matches_divide_the_audience() -> None:
    """Two cells halve the time; of two matches one alone needs half, and both together as long as one of that size."""
    one = rows(MILLION)["api-gateway"]
    assert rows(replace(MILLION, cells=2))["api-gateway"]["last_viewer_s"] == pytest.approx(
        one["last_viewer_s"] / 2, rel=0.02
    )
    two = rows(replace(MILLION, matches=2))["api-gateway"]
    assert two["last_viewer_s"] == pytest.approx(one["last_viewer_s"] / 2, rel=0.02)
    assert two["together_last_viewer_s"] == pytest.approx(one["last_viewer_s"], rel=0.02)


def test_a_raised_quota_makes_the_senders_faster() -> None:
    """The send rate is the quota without the throttles of the routes, as Terraform computes it."""
    [row] = report(ask(replace(MILLION, quotas={"requests": 60_000}), ["api-gateway"], NOBODY_KNOWS))["transports"]
    assert row["last_viewer_s"] == pytest.approx(1_000_000 / 57_500, rel=0.05)


def test_a_small_region_has_a_quarter() -> None:
    """In a region that begins with 2,500 requests a second, the senders have 1,875."""
    row = rows(replace(MILLION, region="eu-south-1"))["api-gateway"]
    assert row["last_viewer_s"] == pytest.approx(1_000_000 / 1_875, rel=0.02)


def test_every_line_has_a_group_and_a_price() -> None:
    """The groups of each transport add up to its sum, and every amount is 0 or more."""
    for row in rows(MILLION, Options(momento_usd=(0.5, 0.9))).values():
        assert sum(row["usd"][name][1] for name in GROUPS) == pytest.approx(row["usd"]["high"], abs=0.02)
        assert all(each["amount"] >= 0 and each["usd"] is not None for each in row["lines"])


def test_unknown_figures_are_a_range() -> None:
    """Without an option, keep-alive frames make a range, and Momento has no sum."""
    found = rows(MILLION)
    assert found["momento"]["usd"]["total"] is None
    usd = found["appsync-events"]["usd"]
    assert usd["high"] - usd["low"] == pytest.approx(124, abs=0.5)
    billed = rows(MILLION, Options(keepalives_billed=True))["appsync-events"]["usd"]
    assert billed["low"] == pytest.approx(billed["high"] - 4, abs=0.5)


def test_the_page_and_tracing_are_choices() -> None:
    """Viewers with an app of their own cost no files; a scoreboard costs more reads; tracing can be off."""
    own = rows(MILLION, Options(page="none", tracing=False))["api-gateway"]["usd"]
    assert own["cdn"][1] < 1
    assert own["tracing"] == [0, 0]
    assert rows(MILLION, Options(page="scoreboard"))["api-gateway"]["usd"]["cdn"][1] > 120


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"viewers": 0}, "--viewers"), ({"viewers": -5}, "--viewers"), ({"viewers": 10**10}, "--viewers"),
        ({"events": 0}, "--events"), ({"matches": 0}, "--matches"), ({"cells": 0}, "--cells"),
        ({"hours": 0}, "--hours"), ({"hours": -1}, "--hours"), ({"hours": float("nan")}, "--hours"),
        ({"hours": 25}, "--hours"), ({"within_s": 0}, "--within"), ({"within_s": float("inf")}, "--within"),
        ({"within_s": float("nan")}, "--within"),
        ({"viewers": 2, "matches": 3}, "more matches than viewers"), ({"viewers": 2, "cells": 3}, "more cells"),
        ({"region": "mars-north-1"}, "mars-north-1"), ({"quotas": {"requestz": 1}}, "no quota requestz"),
        ({"quotas": {"shards": 9}}, "No answer depends"), ({"quotas": {"connections": 1e-320}}, "quota connections"),
        ({"quotas": {"requests": 0}}, "quota requests"), ({"quotas": {"requests": float("nan")}}, "quota requests"),
        ({"quotas": {"requests": 10}}, "leaves nothing for a sender"),
    ],
)  # fmt: skip
def test_a_question_without_an_answer_gets_a_sentence(change: dict[str, Any], says: str) -> None:
    """Each bad figure is named."""
    with pytest.raises(QuestionError, match=says):
        ask(replace(MILLION, **change), KNOWN, NOBODY_KNOWS)


def test_a_plan_needs_a_transport() -> None:
    """An empty list of transports has no answer."""
    with pytest.raises(QuestionError, match="no transport"):
        ask(MILLION, [], NOBODY_KNOWS)


def test_a_raised_quota_of_connections_needs_raised_throttles() -> None:
    """The routes pass 500 new connections a second, whatever the quota: the answer names that limit of ours."""
    row = rows(replace(MILLION, quotas={"connections": 3_000}))["api-gateway"]
    assert (row["join_s"], row["join_binds"]) == (2_000, "connect_throttle")
    small = rows(replace(MILLION, region="eu-south-1"))["api-gateway"]
    assert small["join_s"] == 8_000


def test_viewers_of_momento_wait_for_their_tokens() -> None:
    """With a contract for any number of viewers, the route of tokens passes 300 of them a second, for all cells."""
    contract = {"momento_subscribers": 1e9, "momento_operations": 1e9}
    found = [rows(replace(MILLION, viewers=10_000, cells=cells, quotas=contract))["momento"] for cells in (1, 4)]
    assert [(each["join_s"], each["join_binds"]) for each in found] == [(33.3, "tokens_throttle")] * 2


def test_subscribes_write_four_units_each() -> None:
    """A table that takes 1,000 write units a second lets in 250 viewers."""
    row = rows(replace(MILLION, quotas={"table_writes": 1_000}))["api-gateway"]
    assert (row["join_s"], row["join_binds"]) == (4_000, "table_writes")


def test_the_narrower_of_two_throttles_counts() -> None:
    """A viewer passes ``$connect`` and ``subscribe``, so the lower throttle of both limits how fast viewers connect."""
    facts = ground("us-east-1", NOBODY_KNOWS)
    for route in ("$connect", "subscribe"):
        described = deepcopy(dict(facts.described))
        described["websocket_api"]["throttles"][route]["rate"] = 300
        assert replace(facts, described=described).account({}).connect_throttle == 300


@pytest.mark.parametrize("send_rate", [1_000, 1_875, 4_000, 7_499, 7_500, 60_000])
def test_a_quota_leaves_just_the_rate_that_is_wanted(send_rate: int) -> None:
    """The quota for a rate of the senders leaves that rate, and little more."""
    facts = ground("us-east-1", NOBODY_KNOWS)
    quota = facts.account({}).quota_for(send_rate)
    assert send_rate - 1 <= facts.account({"requests": quota}).send_rate <= send_rate + 25


def test_many_cells_wait_for_the_row_of_the_match() -> None:
    """Each subscribe reads the match's one row at home: more than six cells at their quota connect no faster."""
    found = [rows(replace(MILLION, viewers=10_000_000, cells=cells))["api-gateway"] for cells in (6, 13)]
    assert [each["join_s"] for each in found] == pytest.approx([10_000_000 / 3_000] * 2, rel=0.001)
    assert found[1]["join_binds"] == "match_row"
    two = rows(replace(MILLION, viewers=10_000_000, cells=13, matches=2))["api-gateway"]
    assert two["join_s"] == pytest.approx(10_000_000 / 6_000, rel=0.001)


def test_a_small_audience_waits_for_the_calls_in_a_row() -> None:
    """If more time passes before the first viewer than after it, no quota binds, and the answer says so."""
    found = rows(replace(MILLION, viewers=100))
    assert {found[name]["binds"] for name in ("api-gateway", "appsync-events", "iot-core")} == {"calls_in_a_row"}
    assert rows(MILLION)["api-gateway"]["binds"] == "requests"


def test_limits_of_ours_are_named() -> None:
    """With a very high quota the connections of the senders bind, or the forty senders of a match."""
    quotas = {"requests": 3_000_000}
    [row] = report(ask(replace(MILLION, viewers=10_000_000, quotas=quotas), ["api-gateway"], NOBODY_KNOWS))[
        "transports"
    ]
    assert row["binds"] == "map_iterations"
    found = [rows(replace(MILLION, viewers=each, quotas=quotas))["api-gateway"]["binds"] for each in (12_000, 60_000)]
    assert found == ["connections_of_a_sender"] * 2


@pytest.mark.parametrize("region", ["me-central-1", "us-east-1"])
@pytest.mark.parametrize("within", [2, 10, 40])
def test_a_raise_holds_in_small_regions_too(region: str, within: float) -> None:
    """The throttles of the routes grow with a quota below the usual one, and the raise counts that."""
    question = replace(MILLION, viewers=100_000, region=region, within_s=within)
    [row] = report(ask(question, ["api-gateway"], NOBODY_KNOWS))["transports"]
    raised = ask(replace(question, quotas=row["raise"]), ["api-gateway"], NOBODY_KNOWS)
    assert raised.rows[0].alone.last_s <= within * 1.01


def test_one_site_serves_all_cells() -> None:
    """The quota of CloudFront is that of one distribution, so more cells do not multiply it; no page, no such limit."""
    question = replace(MILLION, viewers=10_000_000, cells=10)
    row = rows(question)["appsync-events"]
    assert row["join_binds"] == "cdn_requests"
    assert row["join_s"] == pytest.approx(10_000_000 / (250_000 / 29), rel=0.001)
    assert rows(question, Options(page="none"))["appsync-events"]["join_s"] == 500
