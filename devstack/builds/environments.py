"""Virtual environments of their own, for tools that pin what we cannot live with."""

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
    """The virtual environment of ``requirements/<tool>.txt``, made if it is not there yet.

    Raises subprocess.CalledProcessError when it cannot be installed; why is on standard error.
    """
    requirements = ROOT / f"requirements/{tool}.txt"
    key = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = STATE / f"{tool}-{key}"
    with alone(STATE):
        # Its Python is a link, to one that may have been removed or moved since.
        if not ((folder / "ready").exists() and (folder / "bin/python").exists()):
            uv = [sys.executable, "-m", "uv"]
            subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
            install = [*uv, "pip", "install", "--quiet", "--python", str(folder / "bin/python"), "--compile-bytecode"]
            subprocess.run([*install, "--require-hashes", "-r", str(requirements)], check=True)
            (folder / "ready").touch()
    return folder
