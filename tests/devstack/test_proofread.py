"""The English of the whole checkout, and the numbers of faults that may still be there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from devstack.english import Fault
from devstack.proofread import ALLOWED, complaints, found
from devstack.system import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_no_file_has_a_new_fault() -> None:
    """Every file has exactly as many faults as proofread.json says, so the numbers only shrink."""
    assert complaints(found(ROOT), json.loads(ALLOWED.read_text(encoding="utf-8"))) == []


def test_a_new_fault_is_named_with_file_and_line() -> None:
    """A file with more faults than allowed has all of them listed."""
    there = {"a.py": [Fault(3, "What is left."), Fault(9, "Who asks.")]}
    assert complaints(there, {"a.py": 1}) == ["a.py:3: What is left.", "a.py:9: Who asks."]
    assert complaints(there, {"a.py": 2}) == []


def test_a_number_that_is_too_high_is_refused() -> None:
    """A mended file, or one that is gone, must lower its number."""
    for there, count in (({"a.py": [Fault(3, "What is left.")]}, 1), ({}, 0)):
        (line,) = complaints(there, {"a.py": 2})
        assert line.startswith(f"a.py has {count} faults: lower its number")


def test_hidden_folders_and_packages_are_left_out(tmp_path: Path) -> None:
    """Only the checkout's own files are read."""
    for folder in ("room", ".venv", "node_modules"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text("What is left.", encoding="utf-8")
    assert list(found(tmp_path)) == ["room/a.md"]
