"""The libraries that the commands of operators import: the fewer, the sooner a command answers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from devstack.system import ROOT

if TYPE_CHECKING:
    from devstack.system import System

HEAVY = frozenset(
    {
        "aioboto3",
        "aiobotocore",
        "aiohttp",
        "aws_lambda_powertools",
        "boto3",
        "botocore",
        "cryptography",
        "gevent",
        "httpx",
    }
    | {"hypothesis", "jwt", "locust", "matplotlib", "numpy", "picows", "PIL", "playwright", "uvloop", "websockets"}
)
"""Libraries of other commands. Each of these takes 0.02 to 0.3 s of CPU to import."""

HELP = ["", "goal", "event", "match", "match create", "match change", "match show", "match list", "receipts"]


def imported(*words: str, **environment: str) -> set[str]:
    """The packages that a command has imported when it ends with exit status 0."""
    code = (
        "import sys; from devstack.main import main\n"
        "try: main()\n"
        "finally: print('imported:', *{name.partition('.')[0] for name in sys.modules})"
    )
    run = [sys.executable, "-c", code, *words]
    ran = subprocess.run(run, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True)
    return set(ran.stdout.rpartition("imported:")[2].split())


@pytest.mark.parametrize("command", HELP)
def test_help_imports_no_library_of_a_command(command: str) -> None:
    """``--help`` imports no library of AWS, HTTP, load tests or browsers, and no model of events."""
    found = imported(*command.split(), "--help")
    assert {"typer", "rich"} <= found
    assert not found & (HEAVY | {"pydantic", "asyncio"})


def test_an_operator_s_command_imports_no_library_of_another(system: System, match_id: str) -> None:
    """`livescore goal` and its like import neither the AWS SDK nor httpx, with a token of devstack and a real POST.

    They import pydantic: Typer reads arguments by it, and the models check an event before it is sent.
    """
    for command in (
        f"match create Argentina France --id {match_id}",
        f"event {match_id} kick_off",
        f"goal {match_id} home --player Messi",
        f"receipts {match_id}",
        f"match show {match_id}",
        "match list",
    ):
        found = imported(*command.split(), LIVESCORE_API=system.api_url)
        assert "urllib3" in found
        assert not found & (HEAVY | {"asyncio"}), command
