"""The work of INIT for a function, by the reason of the INIT."""

from __future__ import annotations

import pytest

from runtime.lifecycle import KIND, prepare


def done(kind: str | None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The work of an INIT of that kind."""
    steps: list[str] = []
    if kind is None:
        monkeypatch.delenv(KIND, raising=False)
    else:
        monkeypatch.setenv(KIND, kind)
    prepare(lambda: steps.append("make"), lambda: steps.append("reach"))(test_each_kind_of_init_does_its_work)
    return steps


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("provisioned-concurrency", ["make", "reach"]), ("on-demand", ["make"]), ("snap-start", ["make"]),
        ("another", []), (None, []),
    ],
)  # fmt: skip
def test_each_kind_of_init_does_its_work(kind: str | None, steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: clients are made in every INIT of Lambda; only where nobody waits for it, the network is used."""
    assert done(kind, monkeypatch) == steps


@pytest.mark.parametrize("failing", ["make", "reach"])
def test_an_init_that_fails_does_not_stop_the_function(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: whatever INIT raises, the handler is there and serves."""
    monkeypatch.setenv(KIND, "provisioned-concurrency")

    def step(name: str) -> None:
        if name == failing:
            raise RuntimeError("no network")

    def handler() -> str:
        return "served"

    assert prepare(lambda: step("make"), lambda: step("reach"))(handler)() == "served"
