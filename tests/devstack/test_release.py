"""The version is stated in one place, and the changelog describes it."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from importlib.metadata import version

from devstack.system import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
GROUPS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
"""The groups of https://keepachangelog.com/en/1.1.0/, in its order."""


def test_the_newest_release_of_the_changelog_is_the_version() -> None:
    """The newest version in CHANGELOG.md is the one in pyproject.toml, which is the installed one."""
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", CHANGELOG, re.MULTILINE)
    assert newest
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert newest[1] == project["version"]
    assert version("livescore") == project["version"], "run make setup"


def test_releases_have_their_dates() -> None:
    """Below "Unreleased", each version has the date of its release, and the newest version comes first."""
    first, *releases = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert first == "[Unreleased]"
    read = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)", each) for each in releases]
    assert all(read)
    places = [(*map(int, each.groups()[:3]), date.fromisoformat(each[4])) for each in read if each]
    assert places == sorted(places, reverse=True)


def test_changes_are_grouped() -> None:
    """The changes of a version are in the groups of Keep a Changelog, each group once."""
    for release in re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1:]:
        groups = re.findall(r"^### (.+)$", release, re.MULTILINE)
        assert groups == [each for each in GROUPS if each in groups]
        assert all(re.search(rf"^### {each}\n\n- ", release, re.MULTILINE) for each in groups)
