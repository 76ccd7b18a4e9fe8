"""The English of the whole checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.checks.proofread import found
from devstack.system import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_no_file_has_a_fault() -> None:
    """No docstring, comment or page begins a sentence with a headless clause, or cites half a URL."""
    assert found(ROOT) == []


def test_a_fault_is_named_with_file_and_line(tmp_path: Path) -> None:
    """The file, the line where the paragraph begins, and the sentence."""
    (tmp_path / "a.md").write_text("A title.\n\nWhat is left.\n", encoding="utf-8")
    assert found(tmp_path) == ["a.md:3: What is left."]


def test_hidden_folders_and_packages_are_left_out(tmp_path: Path) -> None:
    """Only the checkout's own files are read."""
    for folder in ("room", ".venv", "node_modules"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text("What is left.", encoding="utf-8")
    assert found(tmp_path) == ["room/a.md:1: What is left."]
