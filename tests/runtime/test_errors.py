"""The tree of errors in docs/errors.md, against the classes that exist."""

from __future__ import annotations

import importlib
import inspect
import re

from devstack.system import ROOT
from tests.devstack.test_rooms import ROOMS

NOT_IMPORTED = {"loadtest.locustfile", "trials.faults.clock.sitecustomize"}
"""The first has gevent change this process, and the second its clock. No error is made in them."""

LINE = re.compile(r"^(?P<indent> *)(?P<name>\w+)(?: {2,}(?P<folder>[\w/]+))?$")
BUILT_IN = {"AssertionError", "BaseException", "ConnectionError"}
"""Errors of Python which may be the root of one of ours. Exception itself is not among them."""

Tree = dict[tuple[str, str], str]
"""By folder and name of a class: the name of the class that it derives from."""


def documented() -> Tree:
    """The tree as docs/errors.md has it."""
    [block] = re.findall(r"```text\n(.*?)```", (ROOT / "docs/errors.md").read_text(encoding="utf-8"), re.DOTALL)
    tree: Tree = {}
    above: list[str] = []
    for line in block.splitlines():
        found = LINE.match(line)
        assert found is not None, line
        depth, odd = divmod(len(found["indent"]), 2)
        assert not odd, line
        assert depth <= len(above), line
        if found["folder"] is not None:
            tree[found["folder"], found["name"]] = above[depth - 1] if depth else "Exception"
        above[depth:] = [found["name"]]
    return tree


def existing() -> Tree:
    """The tree of the classes that all modules of all rooms define."""
    tree: Tree = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
            if module in NOT_IMPORTED:
                assert not re.search(r"^class \w+Error\b", path.read_text(encoding="utf-8"), re.MULTILINE), module
                continue
            for each in vars(importlib.import_module(module)).values():
                if inspect.isclass(each) and issubclass(each, BaseException) and each.__module__ == module:
                    tree[path.parent.relative_to(ROOT).as_posix(), each.__name__] = each.__bases__[0].__name__
    return tree


def test_every_error_is_documented_where_it_stands() -> None:
    """Promise: docs/errors.md has each class of errors, with its folder and the class that it derives from."""
    assert existing() == documented()


def test_every_error_has_a_root_of_ours() -> None:
    """Promise: no class of errors derives from Exception itself but the two roots, of livescore and of the client."""
    roots = {name for (_, name), base in existing().items() if base == "Exception"}
    assert roots == {"LivescoreError", "FollowError"}
    names = {name for _, name in existing()}
    assert {base for base in existing().values() if base not in names} == BUILT_IN | {"Exception"}
