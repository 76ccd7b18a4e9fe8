"""The rooms of the code: every list of rooms is complete, and a file that calls itself pure is checked for it."""

from __future__ import annotations

import tomllib

from devstack.checks.pure_files import pure_files
from devstack.system import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {each["name"]: each for each in PROJECT["tool"]["importlinter"]["contracts"]}
DEVSTACK = {
    "builds": "makes files to install elsewhere; needs no running system",
    "checks": "reads this checkout only",
    "deployment": "reads or changes an account of AWS, or a stack",
    "measurements": "gives each program of loadtest/ the stack that it needs",
    "operator": "talks to any system by its URL",
    "pictures": "needs a browser",
    "replay": "plays the operator of real matches",
    "transports": "what a cell of each transport needs on this machine",
    "stack": "starts and ends processes on this machine",
}
"""Room of devstack -> the reason why it is a room of its own. Files at the top of devstack/ serve all rooms."""
ROOMS = PROJECT["tool"]["importlinter"]["root_packages"]


def test_every_room_is_checked() -> None:
    """Each folder with Python modules at the top of the project is checked for types, layers and packaging."""
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert folders == set(ROOMS)
    assert folders | {"tests"} == set(PROJECT["tool"]["mypy"]["files"])
    packages = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for room in folders for path in (ROOT / room).rglob("__init__.py")
    }  # fmt: skip
    assert packages == set(PROJECT["tool"]["setuptools"]["packages"])
    layers = {each.partition(".")[0] for each in CONTRACTS["Imports run one way"]["layers"]}
    assert folders == layers | {"client"}


def test_every_room_of_devstack_has_its_reason() -> None:
    """Each folder of devstack/ is in the list of this test with its reason, and in the contract of imports."""
    assert {path.parent.name for path in (ROOT / "devstack").glob("*/__init__.py")} == set(DEVSTACK)
    layers = " : ".join(CONTRACTS["The rooms of devstack stand on each other one way"]["layers"]).split(" : ")
    assert {f"devstack.{room}" for room in DEVSTACK} <= set(layers)
    assert {f"devstack.{path.stem}" for path in (ROOT / "devstack").glob("*.py")} - {"devstack.__init__"} <= set(layers)


def test_pure_files_are_held_to_it() -> None:
    """A file says that it is pure if and only if the import contract of the pure core names it."""
    said = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in pure_files()}
    assert said == set(CONTRACTS["The pure core does no I/O"]["source_modules"])
