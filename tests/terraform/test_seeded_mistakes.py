"""A mistake of each kind, made in what was applied or in a file: the check that is there for it finds it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from devstack.builds.lambda_zips import PACKAGES
from tests.terraform import differences
from tests.terraform.applied import Applied
from tests.terraform.mistakes import broadcasting, files, functions, roles, routes, site, sources, storage, watching

if TYPE_CHECKING:
    from pathlib import Path

    from tests.terraform.mistakes.making import Mistake, MistakeInAFile

MISTAKES = [
    each
    for kind in (broadcasting, functions, roles, routes, site, sources, storage, watching)
    for each in kind.MISTAKES
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_found(applied: Applied, mistake: Mistake) -> None:
    """The check says what is wrong, and had not said it before."""
    before = mistake.check(applied)
    found = [sentence for sentence in mistake.check(mistake.make(applied)) if sentence not in before]
    assert any(mistake.says in sentence for sentence in found), found


@pytest.mark.parametrize("mistake", files.MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_in_a_file_is_found(applied: Applied, mistake: MistakeInAFile, tmp_path: Path) -> None:
    """The check reads the file, says what is wrong, and had not said it before."""
    for part in (*PACKAGES, "docs"):
        shutil.copytree(applied.root / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "terraform").mkdir()
    shutil.copy(applied.root / "terraform/system.json", tmp_path / "terraform")
    text = (tmp_path / mistake.path).read_text()
    assert mistake.old in text
    (tmp_path / mistake.path).write_text(text.replace(mistake.old, mistake.new))
    before = mistake.check(applied)
    found = [each for each in mistake.check(Applied(applied.resources, tmp_path)) if each not in before]
    assert any(mistake.says in sentence for sentence in found), found


def test_a_test_that_is_gone_is_missed(applied: Applied, tmp_path: Path) -> None:
    """A difference that a test against the stand-in holds is open when that test is gone, and so is one by a fault."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_one.py").write_text("def test_it() -> None: ...\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/reliability.md").write_text("| `kind` | 2 |\n")
    there = Applied(applied.resources, tmp_path)
    assert not differences.stand_in("test_one.py::test_it")(there)
    assert differences.stand_in("test_one.py::test_that")(there)
    assert not differences.fault("kind")(there)
    assert differences.fault("kinds")(there)
