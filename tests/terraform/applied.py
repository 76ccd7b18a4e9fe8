"""An applied configuration as ``terraform show -json`` tells it."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Resource:
    """One resource; ``values`` are its arguments and what the provider added."""

    address: str
    type: str
    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    @property
    def region(self) -> str:
        """The region it is in."""
        return str(self.values.get("region"))


GATEWAY = "api-gateway"
"""The transport of a cell that does not state one."""

_CELL = re.compile(r'(?:module\.livescore\.)?module\.cell_?(\w*)\["([^"]+)"\]')
"""The address of a cell's module, in a deployment by itself or in an example."""


@dataclass(frozen=True, order=True)
class Cell:
    """One cell. Its text is its name, which is the region's for most cells."""

    name: str
    region: str
    transport: str = GATEWAY

    @property
    def suffix(self) -> str:
        """The end of the names of the cell's resources."""
        return "" if self.name == self.region else f"-{self.name}"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Applied:
    """The resources of an apply, and the checkout that it was applied from."""

    resources: tuple[Resource, ...]
    root: Path
    """The checkout."""

    @classmethod
    def parse(cls, shown: dict[str, Any], root: Path) -> Applied:
        """Read the document of ``terraform show -json``; of data sources only addresses that AWS states are kept."""
        return cls(tuple(_resources(shown["values"]["root_module"])), root)

    def of(self, kind: str, region: str | None = None) -> list[Resource]:
        """The resources of a type, of one region if it is named."""
        return [each for each in self.resources if each.type == kind and region in {None, each.region}]

    @cached_property
    def system(self) -> dict[str, Any]:
        """The one description of the system."""
        described: dict[str, Any] = json.loads((self.root / "terraform/system.json").read_text())
        return described

    @cached_property
    def definition(self) -> str:
        """The state machine's file, with its placeholders."""
        return (self.root / str(self.system["state_machine"]["definition"])).read_text()

    @cached_property
    def home(self) -> str:
        """The region of the stream."""
        return self.of("aws_kinesis_stream")[0].region

    @cached_property
    def cells(self) -> list[Cell]:
        """The cells: each has a module of its own, which is named after the transport."""
        found = {}
        for each in self.resources:
            made = _CELL.match(each.address)
            if made and each["region"]:
                found[made[2]] = Cell(made[2], each.region, made[1].replace("_", "-") or GATEWAY)
        return sorted(found.values())

    def cells_of(self, *transports: str) -> list[Cell]:
        """The cells of these transports."""
        return [cell for cell in self.cells if cell.transport in transports]

    @property
    def gateway_cells(self) -> list[Cell]:
        """The cells with a WebSocket API, senders and a state machine."""
        return self.cells_of(GATEWAY)

    @cached_property
    def prefix(self) -> str:
        """The prefix of all resources' names, without its hyphen."""
        name = str(self.of("aws_kinesis_stream")[0]["name"])
        return name.removesuffix("-" + self.system["stream"]["name"])

    def places(self, described: dict[str, Any]) -> list[Cell]:
        """The cells that have a part of the description; home counts as a cell that is named as its region."""
        if described["in"] == "home":
            return [Cell(self.home, self.home, "home")]
        return [each for each in self.cells if each.transport in described.get("transports", [each.transport])]

    def function(self, name: str, place: str | Cell) -> Resource | None:
        """A function by its name in the description: of a cell, or of home or the cell with the name of a region."""
        region, suffix = (place.region, place.suffix) if isinstance(place, Cell) else (place, "")
        found = self.of("aws_lambda_function", region)
        return next((each for each in found if each["function_name"] == f"{self.prefix}-{name}{suffix}"), None)

    def api(self, protocol: str, place: str | Cell) -> Resource | None:
        """The HTTP API of a region, or the WEBSOCKET API of a cell, or of the cell with the name of a region."""
        region, suffix = (place.region, place.suffix) if isinstance(place, Cell) else (place, "")
        found = [each for each in self.of("aws_apigatewayv2_api", region) if each["protocol_type"] == protocol]
        return next((each for each in found if each["name"] == f"{self.prefix}-{protocol.lower()}{suffix}"), None)

    def policy(self, function: Resource) -> list[dict[str, Any]]:
        """The statements of what a function's role may do."""
        role = str(function["role"]).rpartition("/")[2]
        return self.policy_of(role)

    def policy_of(self, role: str) -> list[dict[str, Any]]:
        """The statements of what a role may do, by its name."""
        return [
            statement
            for policy in self.of("aws_iam_role_policy")
            if policy["role"] == role
            for statement in statements(policy["policy"])
        ]

    def without(self, address: str) -> Applied:
        """The same without the resources whose address holds this text."""
        return Applied(tuple(each for each in self.resources if address not in each.address), self.root)

    def changed(self, address: str, **values: Any) -> Applied:
        """The same with other values in the resources whose address holds this text."""
        resources = tuple(
            Resource(each.address, each.type, deepcopy(each.values) | values) if address in each.address else each
            for each in self.resources
        )
        if resources == self.resources:
            raise ValueError(f"nothing has {address} in its address")
        return Applied(resources, self.root)


def statements(policy: str) -> list[dict[str, Any]]:
    """The statements of a policy, with every action and resource as a list."""
    found = json.loads(policy)["Statement"]
    return [
        {
            **each,
            **{key: listed(each[key]) for key in ("Action", "Resource", "NotAction", "NotResource") if key in each},
        }
        for each in found
    ]


def listed(value: Any) -> list[Any]:
    """A value of a policy, which may stand by itself, as a list."""
    return value if isinstance(value, list) else [value]


def _resources(module: dict[str, Any]) -> Iterator[Resource]:
    for each in module.get("resources", []):
        if each["mode"] == "managed" or each["type"] == "aws_iot_endpoint":
            yield Resource(each["address"], each["type"], each["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)
