"""The real ``terraform`` in a copy of ``terraform/``, so that nothing is left in the checkout.

Where the schema-only providers of ../shared/terraform-offline are, they are used; elsewhere the registry's. Nothing is
ever applied with the registry's: they would make it, and no credentials are passed on to them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.system import ROOT

if TYPE_CHECKING:
    from pathlib import Path

OFFLINE = ROOT.parent / "shared/terraform-offline/setup"
_LEFT_OUT = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars", "backend.tf", "*_override.tf")


class UnavailableError(Exception):
    """Terraform cannot run here; the text says why, for a person."""


@dataclass(frozen=True)
class Workspace:
    """A copy of ``terraform/`` with what it reads, ready for ``terraform``."""

    folder: Path
    """The copy of ``terraform/``."""

    environment: dict[str, str]
    schema_only: bool
    """Whether the providers make nothing."""

    @classmethod
    def make(cls, folder: Path) -> Workspace:
        """Copy and initialize. Raises UnavailableError without terraform, or without providers."""
        if shutil.which("terraform") is None:
            raise UnavailableError("There is no terraform on PATH.")
        shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=_LEFT_OUT)
        definition = "broadcaster/control/broadcast.asl.json"
        (folder / definition).parent.mkdir(parents=True)
        shutil.copy(ROOT / definition, folder / definition)
        if (ROOT / "web").exists():
            shutil.copytree(ROOT / "web", folder / "web")
        (folder / "dist").mkdir()
        for architecture in ("arm64", "x86_64"):
            (folder / f"dist/lambda-{architecture}.zip").write_bytes(b"not looked into")
        given = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
        offline = _offline()
        found = cls(folder / "terraform", given | _SAFE | offline, schema_only=bool(offline))
        found.init()
        return found

    def init(self, part: str = ".") -> None:
        """Initialize the root, a module or an example. Raises UnavailableError when no provider is to be had."""
        ran = self.run("init", "-backend=false", "-input=false", "-no-color", part=part)
        if ran.returncode:
            raise UnavailableError(f"terraform init did not get its providers:\n{ran.stderr}")

    def run(self, *arguments: str, part: str = ".") -> subprocess.CompletedProcess[str]:
        """Run terraform in the copy, or in a part of it."""
        command = ["terraform", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder / part,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


_SAFE = {
    "AWS_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "CHECKPOINT_DISABLE": "1",
    "TF_IN_AUTOMATION": "1",
}


def _offline() -> dict[str, str]:
    """The environment of the schema-only providers, empty where there are none."""
    if not OFFLINE.exists():
        return {}
    ran = subprocess.run([str(OFFLINE)], capture_output=True, text=True, check=False)
    found = re.search(r"export (TF_CLI_CONFIG_FILE)='([^']+)'", ran.stdout)
    if ran.returncode or found is None:
        raise UnavailableError(f"The schema-only providers could not be set up:\n{ran.stderr}")
    return {found[1]: found[2]}


def parts() -> list[str]:
    """The root, each module and each example."""
    folders = {path.parent.relative_to(ROOT / "terraform") for path in (ROOT / "terraform").rglob("*.tf")}
    return sorted(str(folder) for folder in folders if ".terraform" not in folder.parts)
