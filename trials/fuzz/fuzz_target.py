"""Pure: what a fuzzer of one parser is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from random import Random


class WrongError(AssertionError):
    """The parser took what it must not take, or said of it what is not so. Anything else that is raised is a crash."""


class Target(Protocol):
    """One parser, its inputs and what must hold for each of them. An input is bytes, whatever the parser reads."""

    @property
    def name(self) -> str:
        """As the command and the files of failures call it."""
        ...

    def make(self, chance: Random) -> bytes:
        """The next input, decided by ``chance`` alone."""
        ...

    def check(self, data: bytes) -> bool:
        """Read an input; returns whether the parser took it.

        Raises WrongError for a wrong acceptance, and whatever the parser raises that it should not.
        """
        ...


def hold(what: str, *, true: bool) -> None:
    """Raises WrongError that says ``what`` should have been so, unless it is."""
    if not true:
        raise WrongError(what)
