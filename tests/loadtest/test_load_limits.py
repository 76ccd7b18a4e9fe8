"""Acts that a load test must not do unasked."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from loadtest.load_limits import allow_sockets, refuse_remote


@pytest.mark.parametrize("url", ["http://127.0.0.1:4566/x", "ws://localhost:1", "http://[::1]:80", "http://127.9.9.9"])
def test_this_machine_may_be_put_under_load(url: str) -> None:
    """Every name and address of loopback is allowed."""
    assert refuse_remote(url) is None


@pytest.mark.parametrize(
    "url", ["https://example.com", "ws://10.0.0.1", "http://127.0.0.1.example.com", "http://localhost.evil", "x", ""]
)
def test_another_machine_may_not(url: str) -> None:
    """One URL of another machine is refused, with a sentence about the option that allows it."""
    refusal = refuse_remote("http://127.0.0.1", url)
    assert refusal is not None
    assert "--allow-remote" in refusal


def test_the_soft_limit_of_open_files_is_raised_and_the_hard_one_is_a_sentence() -> None:
    """The soft limit of open files is raised; more viewers than the hard limit are refused with a sentence."""
    program = (
        "import resource as r; from loadtest.load_limits import allow_sockets as a;"
        "r.setrlimit(r.RLIMIT_NOFILE, (256, 4000)); print(a(1000)); print(r.getrlimit(r.RLIMIT_NOFILE)); print(a(4000))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    allowed, limits, refused = ran.stdout.splitlines()
    assert (allowed, limits) == ("None", "(1200, 4000)")
    assert refused.startswith("4000 viewers need 4200 open files")


def test_a_limit_that_is_enough_is_left_alone() -> None:
    """A higher limit of open files is not lowered."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert allow_sockets(1) is None
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
