"""Reads the description of the system (terraform/system.json) and resolves its references for devstack."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent
"""The folder of the checkout."""

STATE = ROOT / ".livescore"
"""The folder for everything that devstack makes: MiniStack's environment, zips, logs."""

ACCOUNT = "000000000000"
SECRET = "devstack"  # noqa: S105 - of an emulator
"""The secret access key of everything in devstack; ``ACCOUNT`` is the access key id. The functions have both too."""

REGION = "us-east-1"
"""The region of home and of the first cell."""

PARTITION = "aws"
"""The partition in ARNs, after ``arn:``. MiniStack supports no other."""

PREFIX = "livescore"
ROLE = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{PREFIX}"
"""The role of all functions and of the state machine. MiniStack checks no permissions."""

DEFAULT_PORT = 4566
HTTP_API_ID = "livescoreapi"
WEBSOCKET_API_ID = "livescorews"
"""MiniStack takes the id of an API from a tag, so the URLs are the same after every start."""

Gateway = Literal["ministack", "standin"]
"""The programs that can stand for API Gateway's WebSocket API."""

MINISTACK_SETTINGS = {"send_rate": 2000, "sender_rate": 1000}
"""Settings for MiniStack's own gateway, which takes only about 1,400 POSTs a second on two cores."""


@dataclass(frozen=True)
class System:
    """The description of the system, with devstack's names, URLs and settings."""

    port: int
    settings: dict[str, int | str] = field(default_factory=dict)
    """Settings that differ from the defaults. Provisioning adds the issuer of tokens (stack/identity_provider.py)."""

    gateway_port: int | None = None
    """The port of the stand-in for API Gateway; None if MiniStack's own gateway serves the viewers."""

    overrides: dict[str, dict[str, str]] = field(default_factory=dict)
    """Environment variables that are added to or replace the described ones: function -> name -> value."""

    cells: tuple[str, ...] = (REGION,)
    """The regions of the cells."""

    http_api_id: str = HTTP_API_ID
    """The id of the operators' and readers' HTTP API."""

    site_key: str = ""
    """The secret that the site sends to the API with each request.

    Without a key the API answers every client: on this machine it is as private as the site (docs/security.md)."""

    region: str = REGION
    """The region that the names, URLs and clients of this view belong to."""

    raw: dict[str, Any] = field(default_factory=lambda: json.loads((ROOT / "terraform/system.json").read_text()))

    def at(self, region: str) -> System:
        """The same system, seen from another region."""
        return replace(self, region=region)

    def parts(self, kind: Literal["tables", "queues", "functions"], place: Literal["home", "cell"]) -> dict[str, Any]:
        """The parts of one kind that are at home, or in each cell."""
        return {name: each for name, each in self.raw[kind].items() if each["in"] == place}

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
        """The viewers' WebSocket API of the cell in this region."""
        stage = self.raw["websocket_api"]["stage"]
        if self.gateway_port is not None:
            return f"ws://127.0.0.1:{self.gateway_port}/{stage}"
        return f"ws://127.0.0.1:{self.port}/_aws/execute-api/{self.websocket_api_id}/{stage}"

    @property
    def websocket_api_id(self) -> str:
        """The id of the viewers' WebSocket API of the cell in this region."""
        return WEBSOCKET_API_ID + ("" if self.region == REGION else self.region.replace("-", ""))

    def name(self, part: str) -> str:
        """The name of a resource, as AWS sees it."""
        return f"{PREFIX}-{part}"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in this region, such as ``function:livescore-api`` of the service ``lambda``."""
        return f"arn:{PARTITION}:{service}:{self.region}:{ACCOUNT}:{resource}"

    def resolve(self, reference: str) -> str:
        """The value of a reference in the description, such as ``table.matches``.

        Raises KeyError for an unknown reference.
        """
        kind, _, name = reference.partition(".")
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
                return json.dumps({region: self.at(region).cell_texts() for region in self.cells})
            case "deployment":
                return PREFIX
            case "home_region":
                return REGION
            case "partition":
                return PARTITION
            case "site_keys":
                return self.site_key
            case "connections_url":
                return self.websocket_url.replace("ws://", "http://")
            case "setting":
                ours: dict[str, int] = {} if self.gateway_port else MINISTACK_SETTINGS
                return str(self.settings.get(name, ours.get(name, self.raw["settings"][name]["default"])))
        raise KeyError(reference)

    def cell_texts(self) -> dict[str, str]:
        """The cell in this region, as CELLS describes it (broadcaster/transports/description.py)."""
        return {
            "region": self.region, "transport": "api-gateway", "suffix": "",
            "state_machine": self.resolve("state_machine"), "connections_url": self.resolve("connections_url"),
        }  # fmt: skip

    def environment(self, function: str) -> dict[str, str]:
        """The environment variables of a function."""
        wanted = self.raw["functions"][function]["environment"]
        resolved = {name: self.resolve(reference) for name, reference in wanted.items()}
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
