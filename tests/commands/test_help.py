"""The help texts of the commands, and the commands that the docs name."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from commands.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
HEADLESS = ("Who", "What", "Whoever", "Whatever", "It", "Of", "For", "The same", "They", "Them")
"""Words that begin a text which names no thing."""


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the tree with its path, groups included."""
    command = command or typer.main.get_command(app)
    yield path, command
    for name in getattr(command, "commands", ()):
        _, below, _ = command.resolve_command(typer.Context(command), [name])
        yield from commands(below, (*path, name))


COMMANDS = dict(commands())


def wrong(text: str | None) -> str | None:
    """The reason why a text is no help, None if it is one."""
    if not text:
        return "there is none"
    if not text[0].isupper() or not text.rstrip().endswith("."):
        return f"it is no sentence: {text}"
    if text.split()[0].rstrip(",") in HEADLESS or len(text.split()) < 3:
        return f"it names no thing: {text}"
    return None


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "livescore")
def test_every_command_and_option_has_help_in_plain_english(path: tuple[str, ...]) -> None:
    """Each command, option and argument says what it is for: a sentence that names its thing."""
    command = COMMANDS[path]
    found = {"": wrong(command.help)}
    found |= {each.opts[0]: wrong(each.help) for each in command.params if not getattr(each, "hidden", False)}
    assert not {name: why for name, why in found.items() if why}


@pytest.mark.parametrize("module", ["loadtest.standin.server", "devstack.stack.guarded_ministack"])
def test_the_programs_beside_it_explain_their_options(module: str) -> None:
    """Each option of a program that is started by itself has a text beside it."""
    ran = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    options = re.findall(r"^  (--\S+)(?: \S+)?(?:\n? {2,}(\S.*))?$", ran.stdout, re.MULTILINE)
    assert len(options) > 3
    assert not [name for name, text in options if not text]


def test_a_command_with_a_slip_is_named() -> None:
    """A command that does not exist is answered with the one that was meant."""
    ran = CliRunner().invoke(app, ["gaol"])
    assert ran.exit_code == 2
    assert "Did you mean 'goal'?" in ran.output


def test_the_version_is_printed() -> None:
    """``livescore --version`` prints the version of the package and nothing else."""
    ran = CliRunner().invoke(app, ["--version"])
    assert (ran.exit_code, ran.output) == (0, version("livescore") + "\n")


def named_in_docs() -> Iterator[tuple[str, str]]:
    """Each command that the docs name, in a block or within a sentence: where it stands, and what follows its name."""
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            block = re.match(r" {4,}(?:\S+=\S+ )*(?:\.venv/bin/)?livescore (.*)", line)
            for text in [block[1]] if block else re.findall(r"`livescore ([^`]+)`", line):
                yield f"{file.name}:{number}", re.split(r" {3,}| #", text)[0]


@pytest.mark.parametrize(("where", "text"), list(named_in_docs()))
def test_a_command_of_the_docs_is_there(where: str, text: str) -> None:
    """Each command and option that a reader is told to type exists."""
    path: tuple[str, ...] = ()
    for word in text.split():
        if (*path, word) not in COMMANDS:
            break
        path = (*path, word)
    asked = set(re.findall(r"(?<![^\s\[])--[a-z][a-z-]*", text))
    assert path or asked <= {"--version", "--help"}, f"{where}: there is no command {text}"
    known = {name for each in COMMANDS[path].params for name in (*each.opts, *each.secondary_opts)}
    assert asked <= known | {"--help"}, f"{where}: livescore {' '.join(path)} has no {asked - known}"
