"""Pure: evaluates policies of AWS IoT Core. MiniStack evaluates none for a custom authorizer's connection.

(https://docs.aws.amazon.com/iot/latest/developerguide/iot-policies.html)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def allows(documents: Iterable[Mapping[str, Any]], action: str, resource: str) -> bool:
    """Whether the documents together allow an action, such as ``iot:Subscribe``, on a resource, which is an ARN.

    A statement that denies wins over every statement that allows.
    """
    effects = {
        statement["Effect"]
        for document in documents
        for statement in document["Statement"]
        if _matches(statement["Action"], action) and _matches(statement["Resource"], resource)
    }
    return "Allow" in effects and "Deny" not in effects


def _matches(patterns: str | list[str], value: str) -> bool:
    """Whether one of the patterns fits. ``*`` is any text, ``?`` any character; ``+`` and ``#`` are themselves."""
    listed = [patterns] if isinstance(patterns, str) else patterns
    return any(
        re.fullmatch(re.escape(each).replace(r"\*", ".*").replace(r"\?", "."), value, re.DOTALL) for each in listed
    )
