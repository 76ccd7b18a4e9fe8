"""An applied configuration as ``terraform show -json`` tells it."""

from __future__ import annotations

import json
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


@dataclass(frozen=True)
class Applied:
    """The resources of an apply, and the checkout that it was applied from."""

    resources: tuple[Resource, ...]
    root: Path
    """The checkout."""

    @classmethod
    def parse(cls, shown: dict[str, Any], root: Path) -> Applied:
        """Read the document of ``terraform show -json``; data sources are left out."""
        return cls(tuple(_resources(shown["values"]["root_module"])), root)

    def of(self, kind: str, region: str | None = None) -> list[Resource]:
        """The resources of a type, of one region if it is named."""
        return [each for each in self.resources if each.type == kind and region in {None, each.region}]

    @cached_property
    def system(self) -> dict[str, Any]:
        """The one description of the system."""
        described: dict[str, Any] = json.loads((self.root / "terraform/system.json").read_text())
        # The cells of the deployments that these tests apply have API Gateway.
        functions = described["functions"].items()
        described["functions"] = {
            name: each for name, each in functions if "api-gateway" in each.get("transports", ["api-gateway"])
        }
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
    def cells(self) -> list[str]:
        """The regions with a WebSocket API."""
        apis = self.of("aws_apigatewayv2_api")
        return sorted(api.region for api in apis if api["protocol_type"] == "WEBSOCKET")

    @cached_property
    def prefix(self) -> str:
        """The prefix of all resources' names, without its hyphen."""
        name = str(self.of("aws_kinesis_stream")[0]["name"])
        return name.removesuffix("-" + self.system["stream"]["name"])

    def regions(self, place: str) -> list[str]:
        """The regions of what the description says is in ``place``: ``home`` or ``cell``."""
        return [self.home] if place == "home" else self.cells

    def function(self, name: str, region: str) -> Resource | None:
        """A function by its name in the description."""
        found = self.of("aws_lambda_function", region)
        return next((each for each in found if each["function_name"] == f"{self.prefix}-{name}"), None)

    def api(self, protocol: str, region: str) -> Resource | None:
        """The HTTP or WEBSOCKET API of a region."""
        found = self.of("aws_apigatewayv2_api", region)
        return next((each for each in found if each["protocol_type"] == protocol), None)

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
        if each["mode"] == "managed":
            yield Resource(each["address"], each["type"], each["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)
