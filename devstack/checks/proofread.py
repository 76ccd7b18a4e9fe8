"""Checks the English of the whole checkout by the rules of english.py: ``python -m devstack.checks.proofread``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devstack.checks.english import faults
from devstack.system import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDINGS: Final = {".py", ".js", ".mjs", ".ts", ".css", ".tf", ".hcl", ".md"}
_LEFT_OUT: Final = {"node_modules", "dist", "build"}


def files(root: Path) -> Iterator[Path]:
    """The files below ``root`` that have sentences, without hidden folders and installed packages."""
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name not in _LEFT_OUT)
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix in _ENDINGS and name not in _LEFT_OUT:
                yield path


def found(root: Path) -> list[str]:
    """Every fault below ``root``, as ``file:line: sentence``."""
    return [
        f"{path.relative_to(root).as_posix()}:{fault.line}: {fault.text}"
        for path in files(root)
        for fault in faults(path.name, path.read_text("utf-8"))
    ]


def main() -> int:
    """Print the faults; returns the exit status, which is 1 if there are any."""
    lines = found(ROOT)
    sys.stdout.write("".join(line + "\n" for line in lines or ["English: no fault."]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
