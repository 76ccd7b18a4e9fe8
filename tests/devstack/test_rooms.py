"""The rooms of the code: each is in every list that names them, and files that call themselves pure are held to it."""

from __future__ import annotations

import tomllib

from devstack.system import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {each["name"]: each for each in PROJECT["tool"]["importlinter"]["contracts"]}
ROOMS = PROJECT["tool"]["importlinter"]["root_packages"]


def test_every_room_is_checked() -> None:
    """Each folder with Python modules at the top of the project is checked for types, layers and packaging."""
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert folders == set(ROOMS)
    assert folders | {"tests"} == set(PROJECT["tool"]["mypy"]["files"])
    assert folders == {each.partition(".")[0] for each in PROJECT["tool"]["setuptools"]["packages"]}
    layers = {each.partition(".")[0] for each in CONTRACTS["Imports run one way"]["layers"]}
    assert folders == layers | {"client"}


def test_pure_files_are_held_to_it() -> None:
    """A file says that it is pure if and only if the import contract of the pure core names it."""
    said = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if path.read_text(encoding="utf-8").startswith('"""Pure'):
                said.add(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))
    assert said == set(CONTRACTS["The pure core does no I/O"]["source_modules"])
