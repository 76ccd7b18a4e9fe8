"""Builds the packages with which other people follow matches: a Python wheel and an npm package.

The wheel has the files of ``client/``, the npm package has ``web/livescore.js`` and
``web/transports/``. Each package is built in a temporary
folder, so that the build leaves nothing in the source. The wheel names the folder
``client`` ``livescore_client``; this works because its modules import each other relatively. Both packages have the
version of pyproject.toml, and docs/client.md as their description.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from devstack.system import ROOT
from runtime.errors import ProgramError

RELEASE = ROOT / "release"


class DistError(ProgramError):
    """A package could not be built; the text is a sentence for a person."""


def build(to: Path) -> list[Path]:
    """Build the wheel and then the npm package into the folder ``to``; returns their paths. Removes earlier builds.

    Raises DistError.
    """
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    to.mkdir(parents=True, exist_ok=True)
    for old in (*to.glob("livescore_client-*.whl"), *to.glob("livescore-client-*.tgz")):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        uv = (sys.executable, "-m", "uv", "build", "--wheel", "--quiet", "--no-create-gitignore")
        here = ("--no-build-isolation", "--python", sys.executable, "--out-dir", str(to))
        _run(*uv, *here, cwd=_lay_out_python(Path(folder), version))
        npm = shutil.which("npm")
        if npm is None:
            raise DistError("There is no npm here, so only the wheel was built.")
        _run(npm, "pack", "--loglevel=error", "--pack-destination", str(to), cwd=_lay_out_node(Path(folder), version))
    return [to / f"livescore_client-{version}-py3-none-any.whl", to / f"livescore-client-{version}.tgz"]


def _lay_out_python(folder: Path, version: str) -> Path:
    stage = folder / "python"
    shutil.copytree(ROOT / "client", stage / "livescore_client", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(RELEASE / "pyproject.toml", stage)
    (stage / "VERSION").write_text(version)
    _describe(stage)
    return stage


def _lay_out_node(folder: Path, version: str) -> Path:
    stage = folder / "node"
    stage.mkdir()
    for name in ("livescore.js", "livescore.d.ts"):
        shutil.copy(ROOT / "web" / name, stage)
    shutil.copytree(ROOT / "web/transports", stage / "transports")
    about = {**json.loads((RELEASE / "package.json").read_text()), "version": version}
    (stage / "package.json").write_text(json.dumps(about, indent=2) + "\n")
    _describe(stage)
    return stage


def _describe(stage: Path) -> None:
    shutil.copy(ROOT / "docs/client.md", stage / "README.md")
    shutil.copy(ROOT / "LICENSE", stage)


def _run(*command: str, cwd: Path) -> None:
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise DistError(f"{' '.join(command[:4])} failed: {(ran.stderr or ran.stdout).strip()}")


def main() -> None:
    """Build both packages, and print their paths."""
    arguments = argparse.ArgumentParser(description="Build the clients' packages.")
    arguments.add_argument("to", type=Path, nargs="?", default=Path("dist"), help="Folder for them.")
    try:
        made = build(arguments.parse_args().to.resolve())
    except (DistError, OSError) as error:
        sys.exit(f"dist: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(*made, sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
