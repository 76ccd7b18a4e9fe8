"""A viewer's half of the protocol in Python: follow a match, notice a gap, repair it.

It imports none of our other packages. Users install this folder as ``livescore_client`` (docs/client.md), so its
modules import each other relatively.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cell_address import CellAddress
    from .deployment import cells
    from .errors import BehindError, DeploymentError, FollowError, RefusedError, UnknownMatchError
    from .event import Event
    from .following import Board, Follow, follow
    from .token_placement import TokenTooLongError
else:
    from importlib import import_module

    _MODULES = {
        "BehindError": "errors",
        "Board": "following",
        "CellAddress": "cell_address",
        "DeploymentError": "errors",
        "Event": "event",
        "Follow": "following",
        "FollowError": "errors",
        "RefusedError": "errors",
        "TokenTooLongError": "token_placement",
        "UnknownMatchError": "errors",
        "cells": "deployment",
        "follow": "following",
    }

    def __getattr__(name: str) -> object:
        # Imported at first use: most of our commands need one small module, and neither httpx nor picows.
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)


__all__ = [
    "BehindError",
    "Board",
    "CellAddress",
    "DeploymentError",
    "Event",
    "Follow",
    "FollowError",
    "RefusedError",
    "TokenTooLongError",
    "UnknownMatchError",
    "cells",
    "follow",
]
