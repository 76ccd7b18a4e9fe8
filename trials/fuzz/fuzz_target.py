"""Pure: the interface of a fuzzer of one parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from random import Random


class WrongError(AssertionError):
    """The parser accepted an input that it must refuse, or read it wrongly. Any other error is a crash."""


class Target(Protocol):
    """One parser, its inputs, and the check of each input. An input is always bytes."""

    @property
    def name(self) -> str:
        """The name in the command and in the files of failures."""
        ...

    def make(self, chance: Random) -> bytes:
        """The next input, decided by ``chance`` alone."""
        ...

    def check(self, data: bytes) -> bool:
        """Read an input; returns whether the parser accepted it.

        Raises WrongError for a wrong result, and every unexpected error of the parser.
        """
        ...


def hold(what: str, *, true: bool) -> None:
    """Raises WrongError with ``what``, the broken condition, if it is not ``true``."""
    if not true:
        raise WrongError(what)
