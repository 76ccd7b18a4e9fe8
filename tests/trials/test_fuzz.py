"""The fuzzers: a short run of each, and that they find what is broken."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from commands.cli import app
from tests.trials.broken import Broken
from trials.fuzz import answer_target, follower_target, record_target, request_target, token_target
from trials.fuzz.fuzz_runner import TARGETS, again, fuzz, save, target_of
from trials.fuzz.mutate import as_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

INPUTS = 4_000
PROMPT = 1.0


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_input_breaks_a_parser(name: str) -> None:
    """No input crashes, hangs or is wrongly accepted, and there are accepted and refused inputs."""
    fuzzed = fuzz(TARGETS[name], INPUTS, seed=2026)
    assert fuzzed.failure is None
    assert INPUTS / 50 < fuzzed.taken < INPUTS / 2


@pytest.mark.parametrize(
    ("name", "corpus"),
    [
        ("requests", [as_json(each) for each in request_target.VALID]),
        ("records", [as_json(each) for each in record_target.VALID]),
        ("tokens", token_target.VALID),
        ("follower", [as_json(follower_target.VALID[1])]),
        ("answers", [b"\x00\x01" + each for each in answer_target.VALID if b" 20" in each.partition(b"\r\n")[0]]),
    ],
)
def test_what_is_right_is_taken(name: str, corpus: Sequence[bytes]) -> None:
    """The valid inputs, from which all others are made, are accepted."""
    assert [TARGETS[name].check(data) for data in corpus] == [True] * len(corpus)


@pytest.mark.parametrize(
    ("broken", "how"), [("wrong", "wrong"), ("crash", "crash"), ("death", "crash"), ("hang", "hang")]
)
def test_what_breaks_a_parser_is_found(broken: str, how: str, tmp_path: Path) -> None:
    """A wrong acceptance, a crash, the end of the process and a hang are told apart, with the input that did it."""
    fuzzed = fuzz(Broken(broken), 1000, seed=1, hang=PROMPT)
    assert fuzzed.failure is not None
    assert (fuzzed.failure.how, fuzzed.failure.data) == (how, b"7")
    path = save(fuzzed.failure, "requests", tmp_path)
    assert path.read_bytes() == b"7"
    assert target_of(path) is TARGETS["requests"]


def test_a_seed_makes_the_same_inputs() -> None:
    """A seed makes the same inputs again."""
    for target in TARGETS.values():
        first, second = ([target.make(chance) for _ in range(50)] for chance in (Random(5), Random(5)))
        assert first == second
        assert len(set(first)) > 10


def test_a_failure_is_repeated_in_this_process() -> None:
    """The input of a failure repeats it in this process, and shows when it is fixed."""
    failure = again(Broken("wrong"), b"7")
    assert failure is not None
    assert (failure.how, failure.why) == ("wrong", "seven is odd")
    assert again(Broken("mended"), b"7") is None


def test_the_command(tmp_path: Path) -> None:
    """``livescore fuzz`` prints a table and exits 0; a file of no parser is refused in a sentence."""
    runner = CliRunner()
    ran = runner.invoke(app, ["fuzz", "requests", "--inputs", "50", "--seed", "3"])
    assert ran.exit_code == 0, ran.output
    file = tmp_path / "requests-0.bin"
    file.write_bytes(b'{"action":"sync"}')
    assert runner.invoke(app, ["fuzz", "--again", str(file)]).exit_code == 0
    other = file.rename(tmp_path / "nothing-0.bin")
    ran = runner.invoke(app, ["fuzz", "--again", str(other)])
    assert ran.exit_code == 2
    assert "does not begin with" in ran.output
    assert runner.invoke(app, ["fuzz", "nothing"]).exit_code == 2
