"""Mistakes in functions and their environments."""

from __future__ import annotations

from tests.terraform import functions
from tests.terraform.mistakes.making import API, SENDER, Mistake, gone, variables, with_values

MISTAKES = [
    Mistake(
        "wrong-handler",
        functions.handlers,
        with_values(API, handler="api.handler.handle"),
        "there is no api.handler.handle",
    ),
    Mistake(
        "handler-of-no-module",
        functions.handlers,
        with_values(API, handler="matches.apis.handler"),
        "there is no matches.apis.handler",
    ),
    Mistake("other-memory", functions.handlers, with_values(SENDER, memory_size=512), "memory_size"),
    Mistake("other-processor", functions.handlers, with_values(SENDER, architectures=["x86_64"]), "arm64"),
    Mistake("function-missing", functions.handlers, gone(SENDER), "no function sender"),
    Mistake(
        "variable-missing", functions.environments, variables(API, lambda given: given.pop("STREAM")), "reads STREAM"
    ),
    Mistake(
        "variable-misspelt",
        functions.environments,
        variables(API, lambda given: given.update(STREAMS="x")),
        "given STREAMS",
    ),
    Mistake(
        "variable-of-another-table",
        functions.environments,
        variables(API, lambda given: given.update(MATCHES_TABLE="livescore-subscriptions")),
        "no table.matches",
    ),
    Mistake(
        "connections-of-another-region",
        functions.environments,
        variables(
            SENDER,
            lambda given: given.update(
                CONNECTIONS_URL="https://livescore-websocket.execute-api.eu-west-1.amazonaws.com/live"
            ),
        ),
        "no connections_url",
    ),
    Mistake(
        "connections-without-a-stage",
        functions.environments,
        variables(
            SENDER,
            lambda given: given.update(
                CONNECTIONS_URL="https://livescore-websocket.execute-api.us-east-1.amazonaws.com"
            ),
        ),
        "no connections_url",
    ),
    Mistake(
        "home-elsewhere",
        functions.environments,
        variables(SENDER, lambda given: given.update(HOME_REGION="us-east-1")),
        "no home_region",
    ),
    Mistake(
        "cell-left-out", functions.environments, variables(API, lambda given: given.update(CELLS="{}")), "no cells"
    ),
]
