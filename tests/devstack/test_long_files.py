"""The length of source files: a reader must be able to understand a file as a whole."""

from __future__ import annotations

from itertools import chain

from devstack.system import ROOT
from tests.devstack.test_rooms import ROOMS

LINES = 500
REASON = "One file because "
FOLDERS = (*ROOMS, "web", "tests")


def test_a_long_file_says_why_it_is_one_file() -> None:
    """A file of Python, JavaScript or CSS above 500 lines has the words "One file because …" in its first ten lines."""
    files = [
        each
        for folder in FOLDERS
        for each in chain(*((ROOT / folder).rglob(f"*.{kind}") for kind in ("py", "js", "mjs", "css")))
        if "node_modules" not in each.parts
    ]
    assert len(files) > 300
    unexplained = set()
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        if len(lines) > LINES and not any(REASON in line for line in lines[:10]):
            unexplained.add(file.relative_to(ROOT).as_posix())
    assert unexplained == set()
