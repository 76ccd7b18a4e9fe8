"""A cache of answers for one second: many equal questions cost the table one read."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

SECONDS = 1.0
"""The greatest age of a cached answer. Its Cache-Control header promises the same (api/responses.py)."""

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Cached(Generic[V]):
    """A value. ``fresh`` is true if this call read it, false if the cache had it."""

    value: V
    fresh: bool


class BriefCache(Generic[K, V]):
    """At most ``most`` values; the least recently used go first. For one process; not for several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, tuple[V, tuple[float, float]]] = OrderedDict()

    def get_or_read(self, key: K, read: Callable[[], V], *, keep_if: Callable[[V], bool] | None = None) -> Cached[V]:
        """The cached value of a key, or the value that ``read`` returns now.

        The cache keeps a new value if ``keep_if`` accepts it, or if there is no ``keep_if``. If ``read`` raises, this
        raises the same error, and the cache keeps nothing.
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
        # The age counts from the moment before the read.
        self._kept[key] = (value, now)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return Cached(value, fresh=True)

    def drop(self, key: K, when: Callable[[V], bool] | None = None) -> None:
        """Forget the value of a key. With ``when``, only if ``when`` accepts the value."""
        known = self._kept.get(key)
        if known is not None and (when is None or when(known[0])):
            del self._kept[key]

    def clear(self) -> None:
        """Forget all values."""
        self._kept.clear()


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.time()


def _is_fresh(then: tuple[float, float], now: tuple[float, float]) -> bool:
    """Whether less than ``SECONDS`` have passed on both clocks.

    While Lambda freezes a process, its monotonic clock may stand still. The wall clock may be set back.
    """
    return all(0 <= after - before < SECONDS for before, after in zip(then, now, strict=True))
