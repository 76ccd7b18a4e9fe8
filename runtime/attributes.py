"""Pure: reads rows as DynamoDB returns them. A row that cannot be read becomes an error with a reason.

One release writes a row and another reads it, or a person repairs it by hand. So every value is checked: the caller
gets values of the right types, or a DamagedRowError with the match, the row and the reason. Code that reads several
rows skips the damaged ones and reports them (``metrics.undamaged_rows``). Code that reads one row lets the error stop
its work for this match, and for no other match.

Every row has its version as the number ``v``, except a subscription's row (subscriptions/store.py: it has no room for
one). A row without ``v`` has version 1. A row of any other version counts as damaged: a newer release wrote it, and
this release cannot know its meaning.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import orjson

from runtime.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Item: TypeAlias = dict[str, Any]
"""A row or its key as DynamoDB takes and returns it: ``{"seq": {"N": "12"}, "home": {"S": "Argentina"}}``."""

VERSION = 1
"""The version of every row that this release writes."""

VERSION_ATTRIBUTE = {"v": {"N": str(VERSION)}}
"""The version, as a part of an item."""

MOST = 2**53 - 1
"""The largest whole number in a row: every reader of JSON reads it exactly (RFC 8259, section 6)."""

_REASON_LENGTH = 200

T = TypeVar("T")


class DamagedMatchError(DamagedError):
    """The stored data of one match is damaged. Trying again does not help; other matches are not concerned.

    ``row`` is the sort key of the damaged row. ``reason`` is a clause for an operator. The text is a sentence with
    both.
    """

    def __init__(self, match: str, row: str, reason: str) -> None:
        super().__init__(match, row, reason)
        self.match = match
        self.row = row
        self.reason = reason

    def __str__(self) -> str:
        """A sentence for an operator."""
        return f"the row {self.row} of match {self.match} {self._verb}: {self.reason}"

    _verb = "contradicts the others"

    @property
    def concerns_all(self) -> bool:
        """Whether no event of the match can be numbered any more."""
        return self.row == "state"


class DamagedRowError(DamagedMatchError):
    """A row lacks an attribute, has one of another type, holds damaged JSON, or has an unknown version."""

    _verb = "cannot be read"


@contextmanager
def reading_row(match: str, row: str, item: Mapping[str, Any]) -> Iterator[None]:
    """Check the version of an item, then run the block. Its errors become a DamagedRowError of the row."""
    try:
        check_version(item)
        yield
    except DamagedRowError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise DamagedRowError(match, row, reason[:_REASON_LENGTH]) from error


def check_version(item: Mapping[str, Any]) -> None:
    """Raises ValueError if the item has a version that this release does not know."""
    if "v" in item and item["v"] != VERSION_ATTRIBUTE["v"]:
        raise ValueError(f"its version v is {_excerpt(item['v'])}, and this release knows version {VERSION}")


def text(item: Mapping[str, Any], name: str) -> str:
    """The value of a text attribute. Raises ValueError with a clause."""
    return _value(item, name, "S", "text")


def number(item: Mapping[str, Any], name: str) -> int:
    """The value of a whole number. Raises ValueError with a clause."""
    value = _value(item, name, "N", "number")
    try:
        whole_number = int(value)
    except ValueError:
        raise ValueError(f"its attribute {name} is {value[:40]}, not a whole number") from None
    if abs(whole_number) > MOST:
        raise ValueError(f"its attribute {name} is {value[:40]}, beyond {MOST}")
    return whole_number


def count(item: Mapping[str, Any], name: str) -> int:
    """The value of a whole number of 0 or more. Raises ValueError with a clause."""
    value = number(item, name)
    if value < 0:
        raise ValueError(f"its attribute {name} is {value}, below 0")
    return value


def json_object(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object that a text attribute holds as JSON. Raises ValueError with a clause."""
    try:
        value = orjson.loads(text(item, name))
    except orjson.JSONDecodeError as error:
        raise ValueError(f"its attribute {name} is damaged JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"its attribute {name} is JSON, but not an object")  # noqa: TRY004 - one kind for all of a row
    return value


def check_whole(body: Mapping[str, Any], *names: str) -> None:
    """Raises ValueError with a clause unless all of these fields are whole numbers of at most ``MOST``."""
    for name in names:
        if not is_whole(body.get(name)):
            raise ValueError(f"its field {name} is {_excerpt(body.get(name))}, not a whole number")


def is_whole(value: Any) -> bool:
    """Whether a JSON value is a whole number between ``-MOST`` and ``MOST``; true and false are not."""
    return type(value) is int and abs(value) <= MOST


def pair(value: Any, name: str) -> tuple[int, int]:
    """A score. Raises ValueError with a clause unless it is two whole numbers of at most ``MOST``."""
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_whole, value)):
        raise ValueError(f"its field {name} is {_excerpt(value)}, not two whole numbers")
    return value[0], value[1]


def parse_rows(parse: Callable[[Any], T], items: Iterable[Any]) -> tuple[list[T], list[DamagedRowError]]:
    """The parsed rows in order, and an error for each row that ``parse`` cannot read."""
    parsed: list[T] = []
    damaged: list[DamagedRowError] = []
    for item in items:
        try:
            parsed.append(parse(item))
        except DamagedRowError as error:
            damaged.append(error)
    return parsed, damaged


def _value(item: Mapping[str, Any], name: str, kind: str, called: str) -> str:
    if name not in item:
        raise ValueError(f"its attribute {name} is missing")
    value = item[name]
    if not isinstance(value, dict) or not isinstance(value.get(kind), str):
        raise ValueError(f"its attribute {name} is {_excerpt(value)}, not a {called}")  # noqa: TRY004 - one kind for all of a row
    return str(value[kind])


def _excerpt(value: Any) -> str:
    return ascii(value)[:40]


def as_number(value: int) -> dict[str, str]:
    """A whole number as DynamoDB takes it."""
    return {"N": str(value)}
