"""Pure: reads the values of a payload's JSON objects, and says which value is damaged."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from runtime.errors import BadInputError

VERSION = 3
"""Version of the payloads; release 0.1.0 had 1. During a deployment, two releases may meet in one broadcast."""


class UnknownVersionError(BadInputError):
    """A payload of another release. The state machine tries again, perhaps with a newer function, and then gives up."""


class PayloadError(BadInputError):
    """A damaged payload: a key is missing, unknown, or has an impossible value. The text names the key."""


def check_version(payload: Any) -> None:
    """Refuse a payload of another release before anything is made of it.

    Raises UnknownVersionError, and PayloadError if the payload is no JSON object.
    """
    if not isinstance(payload, dict):
        raise PayloadError(f"A payload is {payload!r:.60}, not an object.")
    if payload.get("v") != VERSION:
        raise UnknownVersionError(f"a payload of version {payload.get('v')!r}; this release knows version {VERSION}")


class PayloadReader:
    """Reads the values of one JSON object, whose keys are exactly the fields of a dataclass. Raises PayloadError."""

    def __init__(self, kind: type, payload: Any, *, versioned: bool = False) -> None:
        self._kind = kind.__name__
        if not isinstance(payload, dict):
            raise PayloadError(f"{self._kind} is {payload!r:.60}, not an object.")
        self._payload = payload
        expected = {each.name for each in fields(kind)} | ({"v"} if versioned else set())
        if missing := expected - payload.keys():
            raise PayloadError(f"{self._kind} lacks {', '.join(sorted(missing))}.")
        if unknown := payload.keys() - expected:
            raise PayloadError(f"{self._kind} has the unknown key {', '.join(sorted(unknown))}.")

    def number(self, key: str, *, least: int = 0) -> int:
        """A whole number."""
        value = self._payload[key]
        if type(value) is not int or value < least:
            raise self.damaged(key, f"a whole number from {least}")
        return value

    def number_or_none(self, key: str) -> int | None:
        """A whole number, or null."""
        return None if self._payload[key] is None else self.number(key)

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._payload[key]
        if not isinstance(value, str) or not value:
            raise self.damaged(key, "a text")
        return value

    def text_or_none(self, key: str) -> str | None:
        """A text that is not empty, or null."""
        return None if self._payload[key] is None else self.text(key)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._payload[key]
        if not isinstance(value, bool):
            raise self.damaged(key, "true or false")
        return value

    def object(self, key: str) -> dict[str, Any]:
        """An object; its values are not checked yet."""
        value = self._payload[key]
        if not isinstance(value, dict):
            raise self.damaged(key, "an object")
        return value

    def objects(self, key: str) -> list[Any]:
        """A list; its elements are not checked yet."""
        value = self._payload[key]
        if not isinstance(value, list):
            raise self.damaged(key, "a list")
        return value

    def damaged(self, key: str, expected: str) -> PayloadError:
        """The error of a value that is not as ``expected``."""
        return PayloadError(f"{self._kind}: {key} is {self._payload[key]!r:.60}, not {expected}.")
