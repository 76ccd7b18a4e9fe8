"""A function's settings: read once from its environment into a frozen value.

Each function has a dataclass of its settings. The name of a field, in capitals, is the name of the variable: the field
``matches_table`` is MATCHES_TABLE. A field is a ``str``, an ``int`` or a ``dict[str, dict[str, str]]``. The variable of
a dict holds a JSON object of objects of texts. A field with a default may be missing. terraform/system.json names the
variables of each function, and a test compares both. An empty text counts as missing, unless its field has
``MAY_BE_EMPTY``: a table without a name would make AWS blame each call, not the deployment.
"""

from __future__ import annotations

import json
import os
from dataclasses import MISSING, fields
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_type_hints

from runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

S = TypeVar("S")

MAY_BE_EMPTY: Final = MappingProxyType({"may_be_empty": True})
"""Metadata of a field whose variable may be an empty text."""

UNKNOWN: Final = "unknown"
"""The name of a deployment whose variable DEPLOYMENT is missing. No alarm reads it. DEPLOYMENT is the only setting that
may be missing: it names metrics, and a metric must not stop what is counted."""


class SettingsError(ConfigurationError):
    """Settings of a function are missing or malformed. The text has a sentence for each of them."""


@cache
def settings(kind: type[S]) -> S:
    """The settings of this process, read at the first call. Raises SettingsError."""
    return read(kind, os.environ)


def read(kind: type[S], environment: Mapping[str, str]) -> S:
    """The settings from these variables.

    Raises SettingsError, which names every variable that is missing or malformed.
    """
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for each in fields(kind):  # type: ignore[arg-type]  # a class of settings is a dataclass
        name = each.name.upper()
        may_be_empty = hints[each.name] is not str or each.metadata == MAY_BE_EMPTY
        if environment.get(name) or (may_be_empty and name in environment):
            try:
                values[each.name] = _parsed(hints[each.name], environment[name])
            except ValueError as error:
                wrong.append(f"{name} in the function's environment is {environment[name][:60]!r}, {error}.")
        elif each.default is MISSING:
            wrong.append(f"{name} is missing from the function's environment.")
    if wrong:
        raise SettingsError(" ".join(wrong))
    return kind(**values)


def _parsed(wanted: Any, text: str) -> Any:
    """The value of a variable. Raises ValueError with a clause."""
    if wanted is str:
        return text
    if wanted is int:
        if not (text.isascii() and text.isdecimal()):
            raise ValueError("not a whole number of 0 or more")
        return int(text)
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict) or not all(_is_object_of_texts(each) for each in value.values()):
        raise ValueError("not a JSON object of objects of texts")
    return value


def _is_object_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
