"""Parsers that are broken on purpose, for the tests of the fuzzers."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trials.fuzz.fuzz_target import hold

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True)
class Broken:
    """Takes numbers, and goes wrong in its own way at 7."""

    how: str
    name: str = "requests"

    def make(self, chance: Random) -> bytes:
        """A digit."""
        return str(chance.randrange(10)).encode()

    def check(self, data: bytes) -> bool:
        """Takes what is even."""
        if data == b"7":
            match self.how:
                case "wrong":
                    hold("seven is odd", true=False)
                case "crash":
                    raise KeyError("seven")
                case "death":
                    os._exit(3)
                case "hang":
                    time.sleep(60)
        return int(data) % 2 == 0
