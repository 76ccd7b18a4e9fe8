"""Finds the pure files: their docstrings begin with the word ``Pure``."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from devstack.system import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def rooms() -> list[str]:
    """Names of the folders with our packages, in the order of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names: list[str] = project["tool"]["importlinter"]["root_packages"]
    return names


def pure_files() -> list[Path]:
    """Absolute paths of the pure files of all rooms, in order of their names."""
    files = (path for room in rooms() for path in (ROOT / room).rglob("*.py"))
    return sorted(path for path in files if path.read_text(encoding="utf-8").startswith('"""Pure'))
