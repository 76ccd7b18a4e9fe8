"""The stand-in for the scenes, and Node for those who play them there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devstack.ministack import free_port
from devstack.standin import StandIn
from devstack.system import System
from tests.web.director import Director
from tests.web.scene import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

LIMITS = {"check_every": 0}


@pytest.fixture(scope="session")
def node() -> str:
    """The Node to run the library in; skips without one, visibly, and fails in CI."""
    found = shutil.which("node")
    if found is not None and (Path(__file__).parent / "node_modules/ws").exists():
        return found
    why = "Node is not there, or its packages are not: make web-test installs them."
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
async def director() -> AsyncIterator[Director]:
    """What answers for the stand-in's functions and the readers' API."""
    director = await Director().start()
    yield director
    await director.stop()


@pytest.fixture(scope="session")
def stage(director: Director) -> Iterator[Stage]:
    """A stand-in whose functions ask the director."""
    port = free_port()
    system = System(1, gateway_port=port)
    system.raw["functions"]["authorizer"] = {"handler": "tests.web.functions.authorizer", "environment": {}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIRECTOR", director.url)
        standin = StandIn(system, LIMITS, handler="tests.web.functions.handler", threads=32).start()
        yield Stage(director, standin, port)
    standin.stop()
