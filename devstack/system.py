"""Reads the description of the system (terraform/system.json) and resolves its references for devstack."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from devstack.stack_cells import API_GATEWAY, StackCell
from devstack.stack_cells import REGION as REGION  # noqa: PLC0414 - home is part of the system

ROOT = Path(__file__).resolve().parent.parent
"""The folder of the checkout."""

STATE = ROOT / ".livescore"
"""The folder for everything that devstack makes: MiniStack's environment, zips, logs."""

ACCOUNT = "000000000000"
SECRET = "devstack"  # noqa: S105 - of an emulator
"""The secret access key of everything in devstack; ``ACCOUNT`` is the access key id. The functions have both too."""

PARTITION = "aws"
"""The partition in ARNs, after ``arn:``. MiniStack supports no other."""

PREFIX = "livescore"
"""The name of the deployment, unless a System has another one."""
ROLE = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{PREFIX}"
"""The role of all functions and of the state machine. MiniStack checks no permissions."""

DEFAULT_PORT = 4566
HTTP_API_ID = "livescoreapi"
WEBSOCKET_API_ID = "livescorews"
"""MiniStack takes the id of an API from a tag, so the URLs are the same after every start."""

Gateway = Literal["ministack", "standin"]
"""The programs that can stand for API Gateway's WebSocket API."""

_OF_A_CELL = re.compile(r'"http://127\.0\.0\.1:([0-9]+)')
"""The beginning of a URL of this machine, in JSON."""

MINISTACK_SETTINGS = {"send_rate": 2000, "sender_rate": 1000}
"""Settings for MiniStack's own gateway, which takes only about 1,400 POSTs a second on two cores."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The results of provisioning a cell (devstack/transports/)."""

    texts: dict[str, str] = field(default_factory=dict)
    """Texts of the cell in CELLS, beside those of ``transports`` in system.json."""
    address: dict[str, str] = field(default_factory=dict)
    """The address for a viewer: ``url``, and what else its transport needs. It goes into deployment.json."""


@dataclass(frozen=True)
class System:
    """The description of the system, with devstack's names, URLs and settings.

    A view of it belongs to home (``cell`` is None) or to one cell (``at``). Both have the same fields but ``cell``.
    """

    port: int
    settings: dict[str, int | str] = field(default_factory=dict)
    """Settings that differ from the defaults. Provisioning adds the issuer of tokens (stack/identity_provider.py)."""

    gateway_port: int | None = None
    """The port of the stand-in for API Gateway of the first cell that has one; ``ports`` has those of further cells.

    None if MiniStack's own gateway serves the viewers."""

    overrides: dict[str, dict[str, str]] = field(default_factory=dict)
    """Environment variables that are added to or replace the described ones: function -> name -> value."""

    services_through: dict[str, str] = field(default_factory=dict)
    """Function -> URL of a proxy for the services of the cells that CELLS names. The proxy gets a request for
    ``http://127.0.0.1:PORT/x`` at ``/_port/PORT/x``."""

    cells: tuple[StackCell, ...] = (StackCell(),)
    """The cells. Their names are different."""

    provisioned: dict[str, Provisioned] = field(default_factory=dict)
    """Name of a cell -> what its provisioning has found out. Provisioning fills it."""

    ports: dict[str, int] = field(default_factory=dict)
    """Name of a cell -> the port of its stand-in process, for transports that have one, and for cells of API Gateway
    after the first."""

    http_api_id: str = HTTP_API_ID
    """The id of the operators' and readers' HTTP API."""

    site_key: str = ""
    """The secret that the site sends to the API with each request.

    Without a key the API answers every client: on this machine it is as private as the site (docs/security.md)."""

    prefix: str = PREFIX
    """The name of the deployment: the names of its resources and its channels begin with it."""

    cell: StackCell | None = None
    """The cell of this view; None for the view of home."""

    raw: dict[str, Any] = field(default_factory=lambda: json.loads((ROOT / "terraform/system.json").read_text()))

    def at(self, name: str) -> System:
        """The same system, seen from the cell of this name. Raises KeyError if there is none."""
        return replace(self, cell={each.name: each for each in self.cells}[name])

    def at_home(self) -> System:
        """The same system, seen from home."""
        return replace(self, cell=None)

    def each_cell(self, transport: str | None = None) -> list[System]:
        """The same system, seen from each cell, or from each cell of a transport."""
        return [replace(self, cell=each) for each in self.cells if transport in (None, each.transport)]

    @property
    def region(self) -> str:
        """The region that the names, URLs and clients of this view belong to."""
        return self.cell.region if self.cell else REGION

    @property
    def transports(self) -> list[str]:
        """The known transports."""
        return list(self.raw["transports"])

    def parts(self, kind: Literal["tables", "queues", "functions"], place: Literal["home", "cell"]) -> dict[str, Any]:
        """The parts of one kind that are at home, or that a cell of this view's transport has.

        The view of home has all parts that any cell may have.
        """
        transport = self.cell.transport if self.cell else None
        return {
            name: each
            for name, each in self.raw[kind].items()
            if each["in"] == place and transport in (None, *each.get("transports", [transport]))
        }

    @property
    def endpoint(self) -> str:
        """MiniStack's URL, for every service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """The operators' and readers' HTTP API."""
        return f"{self.endpoint}/_aws/execute-api/{self.http_api_id}/$default"

    @property
    def websocket_url(self) -> str:
        """The viewers' WebSocket API of this view's cell; of the first cell of API Gateway in the view of home.

        Raises LookupError if no cell has API Gateway.
        """
        stage = self.raw["websocket_api"]["stage"]
        if self.gateway_port is not None:
            port = self.ports.get(self.cell.name, self.gateway_port) if self.cell else self.gateway_port
            return f"ws://127.0.0.1:{port}/{stage}"
        return f"ws://127.0.0.1:{self.port}/_aws/execute-api/{self.websocket_api_id}/{stage}"

    @property
    def websocket_api_id(self) -> str:
        """The id of the viewers' WebSocket API of the same cell as ``websocket_url``. Raises LookupError."""
        cells = [self.cell] if self.cell else [each for each in self.cells if each.transport == API_GATEWAY]
        if not cells:
            raise LookupError("No cell of this system has API Gateway.")
        return WEBSOCKET_API_ID + ("" if cells[0].name == REGION else cells[0].name.replace("-", ""))

    @property
    def stand_in_port(self) -> int:
        """The port of the stand-in process of this view's cell. Raises KeyError if its transport has none."""
        return self.ports[self.cell.name if self.cell else REGION]

    def name(self, part: str) -> str:
        """The name of a resource, as AWS sees it. The resources of a cell have the cell's suffix.

        In the view of home no name has a suffix: a function of home adds the suffix of each cell itself.
        """
        own = self.cell is not None and part not in self._parts_of_home
        return f"{self.prefix}-{part}{self.cell.suffix if self.cell and own else ''}"

    @cached_property
    def _parts_of_home(self) -> set[str]:
        parts = {name for kind in ("tables", "queues", "functions") for name in self.parts(kind, "home")}
        return {*parts, self.raw["stream"]["name"], "http", "users", "pretoken"}

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in this region, such as ``function:livescore-api`` of the service ``lambda``."""
        return f"arn:{PARTITION}:{service}:{self.region}:{ACCOUNT}:{resource}"

    def resolve(self, reference: str) -> str:
        """The value of a reference in the description, such as ``table.matches``.

        Raises KeyError for an unknown reference.
        """
        kind, _, name = reference.partition(".")
        fixed = {
            "deployment": self.prefix, "namespace": self.prefix, "home_region": REGION, "partition": PARTITION,
            "site_keys": self.site_key,
        }  # fmt: skip
        if reference in fixed:
            return fixed[reference]
        match kind:
            case "table" | "function":
                return self.name(name)
            case "stream":
                return self.name(self.raw["stream"]["name"])
            case "queue":
                return f"{self.endpoint}/{ACCOUNT}/{self.name(name)}"
            case "state_machine":
                return self.arn("states", f"stateMachine:{self.name('broadcast')}")
            case "cells":
                return json.dumps({each.cell.name: each.texts() for each in self.each_cell() if each.cell})
            case "cell":
                return self.cell.name if self.cell else REGION
            case "transport":
                return self.provisioned[self.cell.name if self.cell else REGION].texts[name]
            case "connections_url":
                return self.websocket_url.replace("ws://", "http://")
            case "setting":
                ours: dict[str, int] = {} if self.gateway_port else MINISTACK_SETTINGS
                return str(self.settings.get(name, ours.get(name, self.raw["settings"][name]["default"])))
        raise KeyError(reference)

    def texts(self) -> dict[str, str]:
        """The texts of this view's cell in CELLS: region, transport, suffix, and those that its transport needs."""
        cell = self.cell or StackCell()
        known = self.provisioned.get(cell.name, Provisioned()).texts
        wanted: dict[str, str] = self.raw["transports"][cell.transport]["texts"]
        needed = {text: self.resolve(reference) for text, reference in wanted.items() if text not in known}
        return {"region": cell.region, "transport": cell.transport, "suffix": cell.suffix, **needed, **known}

    def address(self) -> dict[str, str]:
        """The address of this view's cell for a viewer: transport, region, ``url``, and more for some transports."""
        cell = self.cell or StackCell()
        known = self.provisioned.get(cell.name, Provisioned()).address
        named = {} if cell.transport == API_GATEWAY else {"namespace": self.prefix}
        return {"transport": cell.transport, "region": cell.region, **named, **known}

    def environment(self, function: str) -> dict[str, str]:
        """The environment variables of a function."""
        wanted = self.raw["functions"][function]["environment"]
        resolved = {name: self.resolve(reference) for name, reference in wanted.items()}
        if "CELLS" in resolved and (proxy := self.services_through.get(function)) is not None:
            resolved["CELLS"] = _OF_A_CELL.sub(rf'"{proxy}/_port/\1', resolved["CELLS"])
        return resolved | self.overrides.get(function, {})

    def credentials(self) -> dict[str, str]:
        """The environment variables with which a process of ours calls MiniStack, as the functions do."""
        return {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def state_machine(self) -> str:
        """The state machine's definition with its substitutions, like the result of Terraform's ``templatefile``."""
        described = self.raw["state_machine"]
        definition = (ROOT / described["definition"]).read_text()
        values = {name: self.resolve(reference) for name, reference in described["substitutions"].items()}
        return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], definition)
