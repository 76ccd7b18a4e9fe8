"""Pure: the description of a cell. The setting CELLS has a description for each cell of the deployment.

CELLS is a JSON object: the name of a cell -> an object of texts. Each cell has ``region``, ``transport``, ``suffix``
and the texts that its transport needs (registry.py). A cell whose name is a region needs no ``region``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from broadcaster.transports.registry import DEFAULT, KINDS
from runtime.environment import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = re.compile(r"[a-z][a-z0-9-]{0,20}[a-z0-9]")
"""The name of a cell. Every name of a region is one."""

REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
"""The name of a region of AWS (https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html)."""


@dataclass(frozen=True, slots=True)
class CellDescription:
    """A cell of the deployment, as CELLS describes it."""

    name: str
    region: str
    transport: str
    suffix: str = ""
    """The end of the names of the cell's tables, queues and functions; empty if the cell's name is its region."""
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The texts that the transport needs, such as ``url``."""

    @property
    def keeps_rows(self) -> bool:
        """Whether the cell has a table ``subscriptions`` with a row for each viewer, and a queue for batches."""
        return KINDS[self.transport].keeps_rows


def parse_cells(cells: Mapping[str, Mapping[str, str]]) -> dict[str, CellDescription]:
    """The cells by name, from the setting CELLS.

    Raises SettingsError, with a sentence for each wrong cell, which names the cell and the text.
    """
    wrong = [sentence for name, texts in cells.items() for sentence in _wrong(name, texts)]
    if wrong:
        raise SettingsError(" ".join(wrong))
    return {name: _parsed(name, texts) for name, texts in cells.items()}


def _parsed(name: str, texts: Mapping[str, str]) -> CellDescription:
    region, transport = texts.get("region") or name, texts.get("transport") or DEFAULT
    suffix = texts.get("suffix", "" if name == region else f"-{name}")
    needed = {text: texts[text] for text in texts if text not in ("region", "transport", "suffix")}
    return CellDescription(name, region, transport, suffix, MappingProxyType(needed))


def _wrong(name: str, texts: Mapping[str, str]) -> list[str]:
    """Sentences about one cell, none if it is right."""
    if not NAME.fullmatch(name):
        return [f"The cell {name!r} has a wrong name: small letters, digits and dashes, 2 to 22 characters."]
    wrong = []
    region, transport = texts.get("region") or name, texts.get("transport") or DEFAULT
    if not REGION.fullmatch(region):
        wrong.append(
            f"The cell {name} lacks a region."
            if region == name
            else f"The cell {name} is in {region!r}, which is no name of a region."
        )
    if transport not in KINDS:
        return [
            *wrong, f"The cell {name} has the transport {transport!r}; there are {', '.join(KINDS)}.",
        ]  # fmt: skip
    missing = [text for text in KINDS[transport].texts if not texts.get(text)]
    return [*wrong, *(f"The cell {name} lacks {text!r}, which {transport} needs." for text in missing)]
