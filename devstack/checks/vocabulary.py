"""Pure: reads the words of the glossary, and finds retired words that are used as names in Python.

``docs/glossary.md`` defines every word in one row of a table: ``| word | meaning | in code |``.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_WORDS = 30
"""The most words that the glossary may define. A reader learns 30 words in ten minutes."""

RETIRED = {
    "Telling": "CellState", "Tellings": "CellStates", "telling": "cell_state", "tellings": "cell_states",
    "Lane": "PreparedRequest", "Job": "Post", "Delivery": "PostQueue", "Look": "Poll or CheckResult",
    "LOOK_SECONDS": "POLL_SECONDS", "Watch": "WatchdogQueue", "Records": "SenderStore", "Figures": "Metrics",
    "Comings": "ViewerChanges", "comings": "viewer_changes", "Spot": "Position",
    "Stretch": "RowRange", "setaside": "set_aside", "tried": "ended_seq",
}  # fmt: skip
"""Old name -> the name that replaces it. The old names meant several things, or nothing in the field."""


def glossary_words(page: str) -> list[str]:
    """The words that the glossary's tables define, in order."""
    rows = (line.split("|") for line in page.splitlines() if line.startswith("| ") and not line.startswith("| --- "))
    words = (cells[1].strip() for cells in rows)
    return [word for word in words if word != "word"]


def retired_names(source: str) -> list[tuple[int, str]]:
    """The retired words that a Python file uses as names: line and word, in order."""
    return sorted({(line, name) for line, name in _names(ast.parse(source)) if name in RETIRED})


def _names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that a file defines or uses: modules, classes, functions, parameters, variables and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, part) for part in (node.module or "").split("."))
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.keyword) and node.arg is not None:
            yield node.lineno, node.arg
