"""The description of the system (terraform/system.json), compared with the code."""

from __future__ import annotations

import importlib
import json
import re

import pytest

from devstack.builds.lambda_zips import PACKAGES
from devstack.system import ROOT, System

SYSTEM = System(4566)
FUNCTIONS = sorted(SYSTEM.raw["functions"])

LAMBDA = {"AWS_CA_BUNDLE", "NAMES"}
"""Variables that the description does not set: AWS's own, and one of Cognito's trigger (api/pretoken.py)."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_handler_exists(function: str) -> None:
    """Each function of the description names a handler that exists."""
    module, _, name = SYSTEM.raw["functions"][function]["handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))


def test_every_setting_that_the_code_reads_is_given() -> None:
    """The code reads no environment variable that the description sets for no function."""
    read = {
        name.upper()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r'(?:settings\(\w+\)|\bown|os\.environ)\.(?:get\(")?(\w+)', path.read_text())
        if name != "get"
    } - LAMBDA
    given = {name for function in FUNCTIONS for name in SYSTEM.environment(function)}
    assert read == given


def test_the_state_machine_is_whole() -> None:
    """The definition with its substitutions is JSON, and no placeholder is left."""
    definition = SYSTEM.state_machine()
    assert "${" not in definition
    assert json.loads(definition)["StartAt"] == "Begin"


def test_two_way_routes_are_routes() -> None:
    """Each route that can answer exists, and every message route can answer."""
    websocket = SYSTEM.raw["websocket_api"]
    assert set(websocket["two_way"]) == set(websocket["routes"]) - {"$connect", "$disconnect"}
