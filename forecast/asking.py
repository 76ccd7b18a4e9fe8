"""The facts that an answer needs, from this checkout's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.quotas import quotas, requests_of
from devstack.system import System
from forecast.latencies import Latencies
from forecast.planner import Ground, answer, check
from forecast.price_file import prices, regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.bill import Options
    from forecast.planner import Plan
    from forecast.question import Question


def transports() -> list[str]:
    """The names of all transports."""
    return System(1).transports


def ground(region: str, options: Options, latencies: Latencies | None = None) -> Ground:
    """The facts for a region. Raises PriceFileError."""
    described = System(1).raw
    defaults: dict[str, float] = {key: each.default for key, each in quotas().items()}
    small = requests_of(region)
    defaults["requests"] = small.rate
    return Ground(described, defaults, prices(), options, latencies or Latencies())


def ask(question: Question, wanted: Sequence[str], options: Options, latencies: Latencies | None = None) -> Plan:
    """Answer a question for the ``wanted`` transports. Raises QuestionError and PriceFileError."""
    check(question, wanted, quotas(), regions(), opens_page=options.page != "none")
    return answer(question, wanted, ground(question.region, options, latencies))
