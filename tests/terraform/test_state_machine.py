"""A validator and JSONata's reference implementation read the state machine's definition as AWS does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from devstack.system import System
from tests.terraform.expressions import CASES, HAND_OVER, LEASE, NOW
from tests.terraform.interpreter import DEFINITION, node

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.terraform.interpreter import Jsonata


def expressions() -> dict[str, str]:
    """Every expression of the definition by its place, a Map's states under their own names."""

    def walk(value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            for name, each in value.items():
                yield from walk(each, () if name == "States" else (*place, name))
        elif isinstance(value, list):
            for number, each in enumerate(value):
                yield from walk(each, (*place, str(number)))
        elif isinstance(value, str) and value.startswith("{%"):
            yield "/".join(place), value.removeprefix("{%").removesuffix("%}").strip()

    return dict(walk(DEFINITION, ()))


@pytest.fixture(scope="module")
def answers(jsonata: Jsonata) -> dict[str, list[dict[str, Any]]]:
    """The reference implementation's answer to every case, by place."""
    places = [(place, case) for place in expressions().keys() & CASES.keys() for case in CASES[place]]
    asked = [{"expression": expressions()[place], "bindings": case.given, "now": NOW} for place, case in places]
    found: dict[str, list[dict[str, Any]]] = {}
    for (place, _), answer in zip(places, jsonata.evaluate(asked), strict=True):
        found.setdefault(place, []).append(answer)
    return found


def test_every_expression_has_cases() -> None:
    """An expression of the definition without a case, or a case of no expression, fails here."""
    assert expressions().keys() == CASES.keys()
    assert all(CASES.values())


def test_the_cases_use_the_settings_of_the_description() -> None:
    """Lease and hand-over in the cases are the defaults."""
    settings = System(1).raw["settings"]
    assert settings["lease_seconds"]["default"] == LEASE
    assert settings["hand_over_seconds"]["default"] == HAND_OVER


@pytest.mark.parametrize("place", sorted(CASES))
def test_an_expression_says_what_it_should(answers: dict[str, list[dict[str, Any]]], place: str) -> None:
    """JSONata's reference implementation comes to the value of each case, a list with one element included."""
    assert answers[place] == [{"value": case.value} for case in CASES[place]]


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("$states.input.batches[done = true]", {"value": {"done": True}}),
        ("$states.input.nobody", {"nothing": True}),
        ("$merge([$states.input.nothing, {}])", {"error": "T0412"}),
    ],
)
def test_the_evaluation_shows_what_goes_wrong(jsonata: Jsonata, expression: str, answer: dict[str, Any]) -> None:
    """A list that became its only element, no value, and an error are told apart from the right value."""
    given = {"states": {"input": {"batches": [{"done": True}], "nothing": None}}}
    [found] = jsonata.evaluate([{"expression": expression, "bindings": given, "now": NOW}])
    if "error" in answer:
        assert found["error"].startswith(answer["error"])
    else:
        assert found == answer


def judged(tools: Path, folder: Path, definition: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """The validator's words on a definition."""
    path = folder / "definition.json"
    path.write_text(json.dumps(definition))
    return node(str(tools / "node_modules/.bin/asl-validator"), "--json-path", str(path))


def test_the_definition_is_valid(tools: Path, tmp_path: Path) -> None:
    """The validator accepts the definition as devstack and Terraform fill it in."""
    ran = judged(tools, tmp_path, DEFINITION)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Next": "BatchDone?"', '"Next": "Nowhere"'),
        ("$states.input.done or", "($states.input.done or"),
        ('"MaxAttempts": 8', '"MaxAttempts": -1'),
        ('"Arguments"', '"Parameters"'),
        ('"StartAt": "AlreadyDone?"', '"StartAt": "Nowhere"'),
    ],
    ids=["no-such-state", "no-jsonata", "no-number-of-tries", "jsonpath", "no-such-beginning"],
)
def test_the_validator_finds_a_seeded_mistake(tools: Path, tmp_path: Path, old: str, new: str) -> None:
    """The validator knows states, JSONata and Retry: it objects to a mistake in each."""
    text = json.dumps(DEFINITION)
    assert old in text
    assert judged(tools, tmp_path, json.loads(text.replace(old, new))).returncode != 0
