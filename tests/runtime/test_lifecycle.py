"""The work of INIT for a function, by the reason of the INIT."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from runtime.environment import SettingsError
from runtime.lifecycle import KIND, prepare


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a function that has none which must be there."""

    deployment: str = "unknown"


@dataclass(frozen=True, slots=True)
class Unmet:
    """A setting that no environment has."""

    no_such_variable: int


def done(kind: str | None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The work of an INIT of that kind."""
    steps: list[str] = []
    if kind is None:
        monkeypatch.delenv(KIND, raising=False)
    else:
        monkeypatch.setenv(KIND, kind)
    prepare(Settings, lambda: steps.append("make"), lambda: steps.append("open"))(test_each_kind_of_init_does_its_work)
    return steps


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("provisioned-concurrency", ["make", "open"]), ("on-demand", ["make"]), ("snap-start", ["make"]),
        ("another", []), (None, []),
    ],
)  # fmt: skip
def test_each_kind_of_init_does_its_work(kind: str | None, steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: clients are made in every INIT of Lambda; only where nobody waits for it, the network is used."""
    assert done(kind, monkeypatch) == steps


@pytest.mark.parametrize("failing", ["make", "open"])
def test_an_init_that_fails_does_not_stop_the_function(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: whatever INIT raises, the handler is there and serves."""
    monkeypatch.setenv(KIND, "provisioned-concurrency")

    def step(name: str) -> None:
        if name == failing:
            raise RuntimeError("no network")

    def handler() -> str:
        return "served"

    assert prepare(Settings, lambda: step("make"), lambda: step("open"))(handler)() == "served"


@pytest.mark.parametrize("kind", ["provisioned-concurrency", "on-demand", "snap-start"])
def test_an_init_without_a_setting_fails(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a setting that is missing stops the function in INIT, with an error that names it."""
    monkeypatch.setenv(KIND, kind)
    steps: list[str] = []
    with pytest.raises(SettingsError, match="NO_SUCH_VARIABLE is missing from the function's environment"):
        prepare(Unmet, lambda: steps.append("make"), lambda: steps.append("open"))(test_each_kind_of_init_does_its_work)
    assert steps == []
