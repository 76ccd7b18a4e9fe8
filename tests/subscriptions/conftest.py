"""Cells of broadcasting transports, beside the running system's own cell, with an issuer of these tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devstack.builds.lambda_zips import build_parts
from devstack.stack.provision import provision_cell
from devstack.stack_cells import REGION, StackCell
from tests.issuer import AUDIENCE, ISSUER, Issuer, serving_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System

CELLS = (StackCell("ev-1", REGION, "appsync-events"), StackCell("iot-1", "eu-west-1", "iot-core"))


@pytest.fixture(scope="session")
def viewers_issuer() -> Iterator[tuple[Issuer, str]]:
    """An issuer, and the URL of its keys."""
    with serving_keys(Issuer()) as server:
        yield server.issuer, server.url


@pytest.fixture(scope="session")
def cells(system: System, viewers_issuer: tuple[Issuer, str]) -> System:
    """The running system with two more cells, which take tokens of this issuer only and no viewer without a token."""
    settings = {
        **system.settings,
        "issuer": ISSUER,
        "jwks_url": viewers_issuer[1],
        "viewer_audience": AUDIENCE,
        "anonymous": "off",
    }
    more = replace(system, cells=CELLS, settings=settings, provisioned={})
    package = build_parts()
    for each in more.each_cell():
        provision_cell(each, package)
    return more
