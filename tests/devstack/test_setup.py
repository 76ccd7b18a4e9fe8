"""`make setup` installs nothing that is not known by its hash."""

from __future__ import annotations

import subprocess

from devstack.system import ROOT
from tests.support import needs


def test_everything_is_installed_by_its_hash() -> None:
    """Each install but the checkout's own wants hashes, and uv's are those of requirements/dev.txt."""
    needs(
        "make", not subprocess.run(["/usr/bin/env", "make", "--version"], capture_output=True, check=False).returncode
    )
    command = ["/usr/bin/env", "make", "--always-make", "--dry-run", "setup"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    installs = [line for line in lines if "pip install" in line or "pip sync" in line]
    assert len(installs) == 3
    assert [line for line in installs if "--require-hashes" not in line] == [
        line for line in installs if "--no-deps --no-build-isolation --editable ." in line
    ]
    [block] = [line for line in lines if line.startswith("sed ")]
    ran = subprocess.run(
        ["/bin/sh", "-c", block.partition(">")[0]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    first, *hashes = ran.stdout.splitlines()
    assert first.startswith("uv==")
    assert hashes
    assert all(line.strip().startswith("--hash=sha256:") for line in hashes)
