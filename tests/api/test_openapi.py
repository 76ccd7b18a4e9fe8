"""schemathesis against the running API and the document that it gives of itself."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from api.handler import openapi
from devstack.operator.local_tokens import tokens_of
from matches.events import MATCH_ID_BYTES
from tests.support import soak

if TYPE_CHECKING:
    from devstack.operator.api_client import Operator
    from devstack.system import System

EXAMPLES = soak(5, 60)
MATCH_ID = re.compile(rf"(?=.{{1,{MATCH_ID_BYTES}}}$)[a-z0-9](-?[a-z0-9])*")
UNKNOWN = "x-schemathesis-unknown-property"
"""A parameter that nobody knows is ignored, as on most of the web."""

NOT_OURS = [
    # A shape may be right and the match unknown, the id taken, the team another's.
    positive_data_acceptance,
    # API Gateway answers what it has no route for, before the function is asked.
    unsupported_method,
    missing_required_header,
]


@pytest.fixture(scope="session")
def operator_headers(system: System) -> dict[str, str]:
    """The headers that an operator's client sends with each request."""
    return {"Authorization": f"Bearer {tokens_of(system).token()}"}


@pytest.fixture(scope="session")
def messenger_headers(system: System) -> dict[str, str]:
    """The headers of a program that sends messages to single viewers."""
    return {"Authorization": f"Bearer {tokens_of(system, 'messenger').token()}"}


DOCUMENT = json.loads(openapi())
api = schemathesis.openapi.from_dict(
    DOCUMENT, config=SchemathesisConfig.from_dict({"generation": {"max-examples": EXAMPLES}})
)


def test_the_document_is_that_of_the_running_api(system: System, operator_headers: dict[str, str]) -> None:
    """The requests are made from the document that the running API publishes."""
    assert httpx.get(f"{system.api_url}/openapi.json", headers=operator_headers, timeout=20).json() == DOCUMENT


@pytest.fixture(scope="module")
def scheduled(operator: Operator) -> str:
    """A match that is there, so that what is asked of a match gets further than its id."""
    made = operator.create_match(match="openapi", home="Argentina", away="France", kickoff="2022-12-18T15:00:00Z")
    return str(made["match"])


@api.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_answers_as_its_openapi_document_states(
    case: Any, system: System, operator_headers: dict[str, str], messenger_headers: dict[str, str], scheduled: str
) -> None:
    """Right and wrong requests get an answer that the document lists, in the shape it lists, and never a 500.

    Five of each route; in ``make soak`` sixty.
    """
    if MATCH_ID.fullmatch(str(case.path_parameters.get("match", ""))):
        case.path_parameters["match"] = scheduled
    excluded = [*NOT_OURS, negative_data_rejection] if UNKNOWN in (case.query or {}) else NOT_OURS
    headers = messenger_headers if case.path.startswith("/viewers/") else operator_headers
    case.call_and_validate(base_url=system.api_url, headers=headers, excluded_checks=excluded, timeout=30)
