"""``python -m devstack.proofread``: checks the English of the whole checkout by the rules of ``devstack.english``.

``proofread.json`` says how many faults each file still has. The numbers only shrink: a new fault is refused, and
so is a number that is too high. ``--left`` prints the present numbers.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devstack.english import faults
from devstack.system import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devstack.english import Fault

ALLOWED: Final = ROOT / "devstack" / "proofread.json"

_ENDINGS: Final = {".py", ".js", ".mjs", ".ts", ".css", ".tf", ".hcl", ".md"}
_LEFT_OUT: Final = {"node_modules", "dist", "build", "CHANGELOG.md"}
"""The changelog tells the past, and its old entries stay as they were written."""


def files(root: Path) -> Iterator[Path]:
    """The files below ``root`` that have sentences; hidden folders and installed packages are left out."""
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name not in _LEFT_OUT)
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix in _ENDINGS and name not in _LEFT_OUT:
                yield path


def found(root: Path) -> dict[str, list[Fault]]:
    """By a file's path below ``root``: its faults. A file without any is not named."""
    each = {path.relative_to(root).as_posix(): faults(path.name, path.read_text("utf-8")) for path in files(root)}
    return {name: some for name, some in each.items() if some}


def complaints(there: Mapping[str, list[Fault]], allowed: Mapping[str, int]) -> list[str]:
    """Lines for a person: all faults of each file that has more than it may, and each number that is too high."""
    lines = list[str]()
    for name in sorted({*there, *allowed}):
        some, most = there.get(name, []), allowed.get(name, 0)
        if len(some) > most:
            lines += [f"{name}:{fault.line}: {fault.text}" for fault in some]
        elif len(some) < most:
            lines.append(f"{name} has {len(some)} faults: lower its number in devstack/proofread.json from {most}")
    return lines


def main() -> int:
    """The exit status: 1 if there are complaints."""
    there = found(ROOT)
    if "--left" in sys.argv[1:]:
        sys.stdout.write(json.dumps({name: len(some) for name, some in there.items()}, indent=2) + "\n")
        return 0
    lines = complaints(there, json.loads(ALLOWED.read_text("utf-8")))
    sys.stdout.write("".join(line + "\n" for line in lines or ["English: no new fault."]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
