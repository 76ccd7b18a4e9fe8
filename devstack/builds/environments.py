"""Separate virtual environments for tools whose pinned libraries conflict with ours."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

from devstack.builds.folder_lock import alone
from devstack.system import ROOT, STATE

if TYPE_CHECKING:
    from pathlib import Path


def environment(tool: str) -> Path:
    """The folder of the virtual environment of ``requirements/<tool>.txt``, which is created if necessary.

    Raises subprocess.CalledProcessError if the installation fails; uv writes the reason to standard error.
    """
    requirements = ROOT / f"requirements/{tool}.txt"
    key = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = STATE / f"{tool}-{key}"
    with alone(STATE):
        # bin/python is a link; its target may have been removed or moved since.
        if not ((folder / "ready").exists() and (folder / "bin/python").exists()):
            uv = [sys.executable, "-m", "uv"]
            subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
            install = [*uv, "pip", "install", "--quiet", "--python", str(folder / "bin/python"), "--compile-bytecode"]
            subprocess.run([*install, "--require-hashes", "-r", str(requirements)], check=True)
            (folder / "ready").touch()
    return folder
