"""The pages name files and tests that exist."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from devstack.system import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [
    *sorted(ROOT.glob("docs/*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md",
    ROOT / "CHANGELOG.md", ROOT / "terraform/README.md",
]  # fmt: skip

FILE = re.compile(r"`([\w./-]+\.(?:py|js|mjs|ts|css|tf|asl\.json))`")
OF_A_READER = {"score.js"}
"""Files that a reader makes (docs/client.md)."""

TEST = re.compile(r"`(test_\w+)(…?)`")

FOLDERS = (
    "api", "broadcaster", "client", "commands", "devstack", "loadtest", "matches", "runtime", "subscriptions", "tests",
    "trials", "forecast", "web", "terraform",
)  # fmt: skip


@cache
def files(pattern: str) -> list[Path]:
    """Every file of our folders with that pattern, relative to the root of the checkout."""
    found = (path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob(pattern))
    return [path for path in found if "node_modules" not in path.parts]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_files_that_exist(page: Path) -> None:
    """Each ``path.py``, ``path.js`` and the like on a page is the path of a file, or the end of one."""
    known = ["/" + path.as_posix() for path in files("*.*")]
    named = set(FILE.findall(page.read_text("utf-8"))) - OF_A_READER
    assert {name for name in named if not any(path.endswith("/" + name) for path in known)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_tests_that_exist(page: Path) -> None:
    """Each test on a page is the name of a test or of its file; with ``…`` behind it, the beginning of one."""
    tests = [path for path in files("*.py") if path.parts[0] == "tests"]
    names = {name for path in tests for name in re.findall(r"def (test_\w+)", (ROOT / path).read_text("utf-8"))}
    names |= {path.stem for path in tests}
    named = set(TEST.findall(page.read_text("utf-8")))
    begun = {name for name, more in named if more and any(each.startswith(name) for each in names)}
    assert {name for name, _ in named} - names - begun == set()
