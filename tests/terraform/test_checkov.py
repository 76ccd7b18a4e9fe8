"""checkov's opinion of the production example, and what it is told to leave alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from devstack.builds import environments
from devstack.system import ROOT
from tests.terraform.conftest import unavailable

if TYPE_CHECKING:
    from pathlib import Path

SKIPS = ROOT / "terraform/checkov.yaml"
_SEEDED = 'resource "aws_kinesis_stream" "seeded" {\n  name = "seeded"\n}\n'
_SEEDED_NAME = "aws_kinesis_stream.seeded"


@pytest.fixture(scope="module")
def objections(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The objections of checkov with nothing skipped, as check = resources; it gets an unencrypted stream too."""
    try:
        binary: Path = environments.environment("checkov") / "bin/checkov"
    except subprocess.CalledProcessError:
        unavailable("checkov could not be installed; what pip said is above.")
    copy = tmp_path_factory.mktemp("checkov") / "terraform"
    shutil.copytree(ROOT / "terraform", copy, ignore=shutil.ignore_patterns(".terraform*"))
    (copy / "examples/production/seeded.tf").write_text(_SEEDED)
    command = [str(binary), "--framework", "terraform", "--skip-download", "--quiet", "--compact", "-o", "json"]
    command += ["--directory", str(copy / "examples/production")]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    found: dict[str, set[str]] = {}
    report = json.loads(ran.stdout)
    assert report["summary"]["parsing_errors"] == 0
    for failed in report["results"]["failed_checks"]:
        found.setdefault(failed["check_id"], set()).add(failed["resource"])
    return found


def test_checkov_has_no_new_objection(objections: dict[str, set[str]]) -> None:
    """Every objection of checkov is in the skip list, and so has a reason."""
    ours = {check: resources - {_SEEDED_NAME} for check, resources in objections.items() if resources - {_SEEDED_NAME}}
    assert ours.keys() - skipped().keys() == set(), ours


def test_no_skip_is_left_over(objections: dict[str, set[str]]) -> None:
    """A line that nothing needs any more would hide a mistake to come."""
    assert skipped().keys() - objections.keys() == set()


def test_every_skip_has_its_reason() -> None:
    """Each line of the skip list says why."""
    assert [check for check, reason in skipped().items() if len(reason.split()) < 4] == []


def test_checkov_finds_a_seeded_mistake(objections: dict[str, set[str]]) -> None:
    """A stream in the clear, beside the example, is objected to: checkov does look."""
    assert _SEEDED_NAME in objections["CKV_AWS_43"]


def skipped() -> dict[str, str]:
    """The skip list: each check with the reason on its line."""
    lines = SKIPS.read_text().partition("skip-check:\n")[2].splitlines()
    found = [re.fullmatch(r"  - (CKV2?_AWS_\d+)(?:  # (.*))?", line) for line in lines]
    assert all(found), "a line of the skip list is not a check with its reason"
    return {each[1]: each[2] or "" for each in found if each}
