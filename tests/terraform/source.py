"""The reach of a Lambda function's code: the settings that it reads and the calls of AWS that it makes.

Found in the source, without running it. A name in reached code counts as reached, in any class that has a method of
that name; so the answer may hold too much and, where no name is computed, never too little.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from devstack.builds.lambda_zips import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


CALLS = {
    "batch_get_item": "dynamodb:BatchGetItem",
    "batch_write_item": "dynamodb:BatchWriteItem",
    "delete_item": "dynamodb:DeleteItem",
    "get_item": "dynamodb:GetItem",
    "put_item": "dynamodb:PutItem",
    "query": "dynamodb:Query",
    "update_item": "dynamodb:UpdateItem",
    "put_record": "kinesis:PutRecord",
    "send_message": "sqs:SendMessage",
    "start_execution": "states:StartExecution",
    "post_to_connection": "execute-api:ManageConnections",
    "delete_connection": "execute-api:ManageConnections",
    # Made once for each cell; every call of theirs is a publish.
    "AppSyncEvents": "appsync:EventPublish",
    "AppSyncGraphql": "appsync:GraphQL",
    "IotCore": "iot:Publish",
    "get_parameter": "ssm:GetParameter",
    # The sender's own client of @connections signs for this service (broadcaster/send/gateway.py).
    "Endpoint.parse": "execute-api:ManageConnections",
}
"""A method of boto3's clients, or of a class of ours, and what IAM calls it."""

TRANSACTED = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}
"""A part of a transaction, and what IAM calls it
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html)."""


@dataclass
class Reached:
    """The reach of one function's code."""

    settings: set[str] = field(default_factory=set)
    actions: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


@cache
def reached(root: Path, handler: str) -> Reached:
    """The reach of the code of a handler, such as ``api.handler.handler``.

    Raises KeyError when there is no such handler.
    """
    module, _, name = handler.rpartition(".")
    modules = _closure(root, module)
    defined = _definitions(modules)
    if name not in _top_level(modules[module]):
        raise KeyError(handler)
    found = Reached()
    seen: set[int] = set()
    waiting: list[ast.AST] = [_top_level(modules[module])[name]]
    waiting += [node for tree in modules.values() for node in ast.walk(tree) if _is_registered(node)]
    parts, transacts = set[str](), False
    lent, lenders = set[str](), set[str]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if "own" in _parameters(node):
            lent |= _settings(node)
        else:
            found.settings |= _settings(node)
            lenders |= _lenders(node)
        for inner in _own(node):
            names = _named(inner)
            found.names |= names
            if isinstance(inner, ast.Call):
                called = {ast.unparse(inner.func), *_named(inner.func)}
                if "get_paginator" in called:
                    called |= {str(each.value) for each in inner.args if isinstance(each, ast.Constant)}
                found.actions |= {CALLS[each] for each in called & CALLS.keys()}
                transacts |= "transact_write_items" in called
            if isinstance(inner, ast.Dict):
                parts |= {key.value for key in inner.keys if isinstance(key, ast.Constant) and key.value in TRANSACTED}
            methods = isinstance(inner, ast.Attribute)
            waiting += [each for name in names for each, method in defined.get(name, ()) if methods or not method]
    if transacts:
        found.actions |= {TRANSACTED[part] for part in parts}
    found.settings |= lent & {name for kind in lenders for name in _fields(kind, defined)}
    return found


def _closure(root: Path, module: str) -> dict[str, ast.Module]:
    """The modules of ours that a module imports, directly or not, itself among them."""
    trees: dict[str, ast.Module] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = root / (name.replace(".", "/") + ".py")
        if name in trees or name.partition(".")[0] not in PACKAGES or not path.exists():
            continue
        trees[name] = ast.parse(path.read_text())
        for node in ast.walk(trees[name]):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return trees


def _top_level(tree: ast.Module) -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    return found


def _definitions(modules: dict[str, ast.Module]) -> dict[str, list[tuple[ast.AST, bool]]]:
    """Everything that a name may stand for, and whether that is a method, which no bare name means."""
    found: dict[str, list[tuple[ast.AST, bool]]] = {}
    for tree in modules.values():
        for name, node in _top_level(tree).items():
            found.setdefault(name, []).append((node, False))
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                        found.setdefault(method.name, []).append((method, True))
    return found


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a definition; of a class only what making one runs: its methods wait until they are named."""
    if not isinstance(node, ast.ClassDef):
        yield from ast.walk(node)
        return
    for part in (*node.bases, *node.decorator_list, *node.body):
        method = isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        if not method or getattr(part, "name", "").startswith("__"):
            yield from ast.walk(part)


def _named(node: ast.AST) -> set[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return {name}
        case ast.ImportFrom(names=names):
            return {alias.name for alias in names}
    return set()


def _settings(node: ast.AST) -> set[str]:
    """The variables of the environment that a definition reads.

    It reads ``settings(Kind).name``, or ``own.name`` after ``own = settings(Kind)``; DEPLOYMENT from ``os.environ``. A
    function with a parameter ``own`` reads the settings of the function that hands them on.
    """
    found = set[str]()
    for inner in _own(node):
        match inner:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="settings")) | ast.Name(id="own"), attr=name):
                found.add(name.upper())
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ")), args=[ast.Constant(value="DEPLOYMENT")]
            ):
                found.add("DEPLOYMENT")
    return found


def _parameters(node: ast.AST) -> set[str]:
    """The names of a function's parameters."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return set()
    return {each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}


def _lenders(node: ast.AST) -> set[str]:
    """The kinds of settings that a definition hands on to functions, which read them by their parameter ``own``."""
    source = ast.unparse(node)
    kept = set(re.findall(r"\bown = settings\((\w+)\)", source))
    calls = (inner for inner in _own(node) if isinstance(inner, ast.Call))
    given = {ast.unparse(each) for call in calls for each in call.args}
    return {each[1] for text in given if (each := re.fullmatch(r"settings\((\w+)\)", text))} | (
        kept if "own" in given else set()
    )


def _fields(kind: str, defined: dict[str, list[tuple[ast.AST, bool]]]) -> set[str]:
    """The settings of a kind and of the kinds that it extends, as names of variables."""
    found = set[str]()
    for node, _ in defined.get(kind, ()):
        if isinstance(node, ast.ClassDef):
            found |= {
                each.target.id.upper()
                for each in node.body
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            }
            found |= {name for base in node.bases if isinstance(base, ast.Name) for name in _fields(base.id, defined)}
    return found


def _is_registered(node: ast.AST) -> bool:
    """Whether a function is called by a framework that it was registered with, as by ``@app.get``."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    calls = [each.func if isinstance(each, ast.Call) else each for each in node.decorator_list]
    return any(isinstance(each, ast.Attribute) and _named(each.value) == {"app"} for each in calls)
