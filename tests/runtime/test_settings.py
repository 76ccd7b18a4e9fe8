"""The settings of each function, against terraform/system.json and against the module that Lambda imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

from api.api_settings import ApiSettings
from broadcaster.control.receipt_settings import ReceiptSettings
from broadcaster.home.home_settings import HomeSettings
from broadcaster.send.sender_settings import SenderSettings
from devstack.system import ROOT, System
from runtime.environment import SettingsError, read
from subscriptions.viewer_settings import AuthorizerSettings, ChannelSettings, PresenceSettings, RoutesSettings

KINDS: dict[str, type[Any]] = {
    "api": ApiSettings, "authorizer": AuthorizerSettings, "routes": RoutesSettings, "fanout": HomeSettings,
    "watchdog": HomeSettings, "sender": SenderSettings, "receipt": ReceiptSettings,
    "events_authorizer": ChannelSettings, "iot_authorizer": ChannelSettings, "iot_presence": PresenceSettings,
    "graphql_authorizer": ChannelSettings,
}  # fmt: skip
FUNCTIONS: dict[str, Any] = System(4566).raw["functions"]

INIT = """
import importlib, os, sys
from runtime.environment import settings
module = sys.argv[1].rpartition(".")[0]
os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand"
for missing in sys.argv[2:]:
    kept = os.environ.pop(missing)
    sys.modules.pop(module, None)
    settings.cache_clear()
    try:
        importlib.import_module(module)
        print(missing, "was not missed")
    except Exception as error:
        print(type(error).__name__, error)
    os.environ[missing] = kept
"""
"""Imports the module of a handler as Lambda does in INIT, with one variable missing after the other."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_settings_and_the_description_are_the_same(function: str) -> None:
    """Promise: a function's settings are the variables that terraform/system.json gives it, no more and no less."""
    named = {each.name.upper() for each in fields(KINDS[function])}
    assert named == FUNCTIONS[function]["environment"].keys()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_init_names_the_setting_that_is_missing(function: str) -> None:
    """Promise: a function that lacks a variable does not start, and the error of its INIT names the variable."""
    described = FUNCTIONS[function]
    wanted = sorted(described["environment"].keys() - {"DEPLOYMENT"})
    values = dict.fromkeys(described["environment"], "7") | {"CELLS": "{}"}
    answer = subprocess.run(
        [sys.executable, "-c", INIT, described["handler"], *wanted], cwd=ROOT, text=True, capture_output=True,
        check=True, env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "us-east-1", **values},
    )  # fmt: skip
    said = [line for line in answer.stdout.splitlines() if not line.startswith("{")]
    assert said == [f"SettingsError {name} is missing from the function's environment." for name in wanted]


@pytest.mark.parametrize("function", [each for each in FUNCTIONS if "CELLS" in FUNCTIONS[each]["environment"]])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ({"transport": "pigeons"}, "The cell main has the transport 'pigeons'; there are api-gateway, "),
        ({"transport": "momento", "url": "u"}, "The cell main lacks 'cache', which momento needs."),
    ],
)
def test_an_init_names_a_cell_that_is_wrong(function: str, text: dict[str, str], says: str) -> None:
    """Promise: no function starts with a cell of an unknown transport, or without a text that its transport needs."""
    cells = json.dumps({"main": {"region": "us-east-1", **text}})
    values = dict.fromkeys(FUNCTIONS[function]["environment"], "7") | {"CELLS": cells}
    with pytest.raises(SettingsError, match=says):
        read(KINDS[function], values)
