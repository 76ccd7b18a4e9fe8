"""The gate of the pure files: quick tests take each of their branches."""

from __future__ import annotations

from devstack.checks.pure_coverage import missed
from devstack.checks.pure_files import pure_files
from devstack.system import ROOT

WHOLE: dict[str, list[int]] = {"missing_lines": [], "missing_branches": []}


def test_a_file_that_calls_itself_pure_is_found() -> None:
    """The list is made from the docstrings: one that begins with "Pure" is enough."""
    assert ROOT / "devstack/quotas.py" in pure_files()
    assert ROOT / "devstack/system.py" not in pure_files()


def test_a_missed_line_and_a_missed_branch_are_named() -> None:
    """Each file with a line or a branch that no test took is named, with their places; other files are not."""
    report = {
        "files": {
            "a.py": WHOLE,
            "b.py": {"missing_lines": [7], "missing_branches": [[3, 5], [9, -1]]},
        }
    }
    assert missed(["a.py", "b.py"], report) == ["b.py: 7, 3->5, 9->exit"]


def test_a_file_that_no_test_imports_is_missed() -> None:
    """coverage.py reports only files that were imported, so a file without a report is a fault."""
    assert missed(["c.py"], {"files": {"a.py": WHOLE}}) == ["c.py: no quick test imports it"]
