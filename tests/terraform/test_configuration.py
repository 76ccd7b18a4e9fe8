"""The configuration, as terraform itself judges it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from devstack.system import ROOT
from tests.terraform.workspace import parts

if TYPE_CHECKING:
    from tests.terraform.workspace import Workspace

TESTS = sorted(path.name for path in (ROOT / "terraform/tests").glob("*.tftest.hcl"))


def test_it_is_formatted(workspace: Workspace) -> None:
    """`terraform fmt` would change nothing."""
    ran = workspace.run("fmt", "-check", "-recursive", "-diff", "-no-color")
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("part", parts())
def test_it_is_valid(workspace: Workspace, part: str) -> None:
    """The root, each module by itself and each example hold to the provider's schema."""
    workspace.init(part)
    ran = workspace.run("validate", "-no-color", part=part)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Warning" not in ran.stdout


@pytest.mark.parametrize("name", TESTS)
def test_its_own_tests_pass(workspace: Workspace, name: str) -> None:
    """`terraform test`: defaults, variables that are refused, cells and optional parts."""
    ran = workspace.run("test", "-no-color", f"-filter=tests/{name}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"\b[1-9]\d* passed", ran.stdout), ran.stdout


def test_each_module_says_what_it_is() -> None:
    """Every module and the examples have a README."""
    folders = [path for path in (ROOT / "terraform/modules").iterdir() if path.is_dir()]
    missing = [path.name for path in (*folders, ROOT / "terraform/examples") if not (path / "README.md").exists()]
    assert not missing
