"""Answers kept by the process for a second: a flood of the same question costs the table one read."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

SECONDS = 1.0
"""An answer is as old as this at most, as its Cache-Control says (api.handler)."""

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Cached(Generic[V]):
    """A value, and whether it was read for whoever asked just now."""

    value: V
    fresh: bool


class BriefCache(Generic[K, V]):
    """At most ``most`` values, those asked for last. For one process; not for several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, tuple[V, tuple[float, float]]] = OrderedDict()

    def get_or_read(self, key: K, read: Callable[[], V], *, keep_if: Callable[[V], bool] | None = None) -> Cached[V]:
        """The kept value of a key, or what ``read`` returns; with ``keep_if``, what does not pass that is not kept.

        An error of ``read`` is raised, and nothing is kept.
        """
        now = _clocks()
        known = self._kept.get(key)
        if known is not None and _is_fresh(known[1], now):
            self._kept.move_to_end(key)
            return Cached(known[0], fresh=False)
        value = read()
        if keep_if is not None and not keep_if(value):
            self._kept.pop(key, None)
            return Cached(value, fresh=True)
        # As old as the moment before it was read.
        self._kept[key] = (value, now)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return Cached(value, fresh=True)

    def drop(self, key: K, when: Callable[[V], bool] | None = None) -> None:
        """Forget the value of a key, or only ``when`` it is one of those."""
        known = self._kept.get(key)
        if known is not None and (when is None or when(known[0])):
            del self._kept[key]

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.time()


def _is_fresh(then: tuple[float, float], now: tuple[float, float]) -> bool:
    """Whether less than ``SECONDS`` have passed on both clocks.

    While Lambda has a process frozen its monotonic clock may stand still, and the other one may be set back.
    """
    return all(0 <= after - before < SECONDS for before, after in zip(then, now, strict=True))
