"""Each quota that an answer takes changes it, and no other one does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devstack.quotas import quotas
from forecast.asking import ask, ground, transports
from forecast.bill import Options
from forecast.planner import refusal, report
from forecast.question import Question, QuestionError
from forecast.quota_uses import UNUSED, check_quotas, goal_quotas, join_quotas
from forecast.times import join_rates, joining, outbound

FACTS = ground("us-east-1", Options())
VIEWERS = 100_000
LITTLE = {"requests": 2_000}
"""Values with which a quota binds; 1 for the others."""


@pytest.mark.parametrize("transport", transports())
@pytest.mark.parametrize("key", quotas())
def test_a_storm_and_a_service_take_the_quotas_that_count(transport: str, key: str) -> None:
    """A low quota changes how fast an audience connects, or how fast a service delivers, just if it is listed."""
    plain, low = FACTS.account({}), FACTS.account({key: LITTLE.get(key, 1)})
    for opens_page in (False, True):
        joins = [
            (join_rates(transport, each, opens_page=opens_page), refusal(transport, VIEWERS, each))
            for each in (plain, low)
        ]
        answers = [(joining(transport, VIEWERS, rates), refused) for rates, refused in joins]
        assert (answers[0] != answers[1]) == (key in join_quotas(transport, opens_page=opens_page))
    if transport != "api-gateway":
        told = [(outbound(transport, each), refusal(transport, 10, each)) for each in (plain, low)]
        assert (told[0] != told[1]) == (key in goal_quotas(transport))


@pytest.mark.parametrize("transport", transports())
@pytest.mark.parametrize("key", sorted(set(quotas()) - UNUSED))
def test_a_plan_takes_the_quotas_that_count(transport: str, key: str) -> None:
    """A low quota changes the plan of a transport, or is refused."""
    question = Question(VIEWERS, 25, 2.0)
    low = replace(question, quotas={key: LITTLE.get(key, 1)})
    if key in goal_quotas(transport) | join_quotas(transport, opens_page=True):
        assert report(ask(low, [transport], Options())) != report(ask(question, [transport], Options()))
    else:
        with pytest.raises(QuestionError, match=f"answer for {transport} does not depend on the quota {key}, only on"):
            ask(low, [transport], Options())


def test_without_a_page_the_cdn_does_not_count() -> None:
    """Viewers with an app of their own do not wait for the CDN, so its quota is refused."""
    with pytest.raises(QuestionError, match="does not depend on the quota cdn_requests"):
        ask(Question(10, 1, 1.0, quotas={"cdn_requests": 9}), transports(), Options(page="none"))


def test_a_quota_has_a_value() -> None:
    """A value below 1, or none that exists, is named."""
    with pytest.raises(QuestionError, match="The quota requests is a number from 1 to"):
        check_quotas({"requests": float("nan")}, quotas(), {"requests"}, "It")
