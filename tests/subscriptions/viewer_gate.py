"""An authorizer function in this process, with an issuer's settings, and the lines that it logs."""

from __future__ import annotations

import io
import json
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from devstack.system import PREFIX
from runtime.environment import settings
from tests.issuer import AUDIENCE, ISSUER, KeyServer

if TYPE_CHECKING:
    import pytest

ARN = "arn:aws:lambda:eu-west-1:000000000000:function:livescore-authorizer"


class ViewerGate:
    """The function of a module, and its log."""

    def __init__(self, module: Any, server: KeyServer, patch: pytest.MonkeyPatch) -> None:
        self.server = server
        self._module, self._patch, self._log = module, patch, io.StringIO()
        self._handler = logging.StreamHandler(self._log)
        self._handler.setFormatter(module.logger.registered_formatter)
        self._logger = logging.getLogger(module.logger.name)
        self._logger.addHandler(self._handler)
        self.set(NAMESPACE=PREFIX, JWKS_URL=server.url, ISSUER=ISSUER, VIEWER_AUDIENCE=AUDIENCE, ANONYMOUS="off")

    def set(self, **variables: str) -> None:
        """Settings of the function."""
        for name, value in variables.items():
            self._patch.setenv(name, value)
        settings.cache_clear()

    def ask(self, event: dict[str, Any]) -> dict[str, Any]:
        """The function's answer."""
        answer: dict[str, Any] = self._module.handler(event, SimpleNamespace(invoked_function_arn=ARN))
        return answer

    @property
    def reasons(self) -> list[str]:
        """The reasons of its refusals, in order."""
        lines = [json.loads(line) for line in self.logged.splitlines()]
        return [line["reason"] for line in lines if "reason" in line]

    @property
    def logged(self) -> str:
        """Its log."""
        return self._log.getvalue()

    def close(self) -> None:
        """Leave the logger as it was."""
        self._logger.removeHandler(self._handler)
