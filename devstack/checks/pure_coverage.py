"""Checks that the quick tests take every branch of the pure files: ``python -m devstack.checks.pure_coverage``.

Only quick tests count (``pytest --quick``), because no test of a pure file needs a stack. coverage.py measures the
branches (https://coverage.readthedocs.io/en/latest/branch.html).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from devstack.checks.pure_files import pure_files
from devstack.system import ROOT


def missed(files: list[str], report: dict[str, Any]) -> list[str]:
    """A line of text for each of these files that has a statement or a branch without a test.

    ``files`` are paths relative to the checkout. ``report`` is the output of ``coverage json``. A file that no test
    imports is missing in the report.
    """
    lines = []
    for file in files:
        measured = report["files"].get(file)
        if measured is None:
            lines.append(f"{file}: no quick test imports it")
            continue
        statements = [str(line) for line in measured["missing_lines"]]
        branches = [f"{start}->{end if end > 0 else 'exit'}" for start, end in measured["missing_branches"]]
        if statements or branches:
            lines.append(f"{file}: {', '.join(statements + branches)}")
    return lines


def main() -> int:
    """Run the quick tests and print the missed lines and branches; returns the exit status, 0 if there are none."""
    files = [path.relative_to(ROOT).as_posix() for path in pure_files()]
    with TemporaryDirectory() as folder:
        coverage, data = [sys.executable, "-m", "coverage"], f"--data-file={folder}/data"
        run = [*coverage, "run", "--branch", data, f"--include={','.join(files)}"]
        # With a fixed seed, the result does not depend on luck.
        tests = ["-m", "pytest", "--quick", "--hypothesis-seed=0"]
        if status := subprocess.run([*run, *tests], cwd=ROOT, check=False).returncode:
            return status
        report = Path(folder) / "report.json"
        subprocess.run([*coverage, "json", "--quiet", data, "-o", str(report)], cwd=ROOT, check=True)
        lines = missed(files, json.loads(report.read_text(encoding="utf-8")))
    print(*lines, sep="\n")  # noqa: T201
    print(f"Pure files: {len(files)}. With lines or branches that no quick test takes: {len(lines)}.")  # noqa: T201
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
