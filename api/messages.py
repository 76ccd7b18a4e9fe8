"""The route that sends a message to one viewer, by the subject of the viewer's token.

The function itself sends the message, in all cells side by side, and answers with the number of connections that took
it. No row keeps the message: a viewer that does not listen at the moment does not get it.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from api import resources
from api.app import MESSENGERS, app, logger
from api.authority import messenger
from api.errors import ApiError
from api.openapi_answers import answers
from api.responses import plain
from matches.channels import subject_segment
from subscriptions.viewer_messages import BODY_BYTES, SUBJECT, SUBJECT_LENGTH, NewMessage


@app.post(
    "/viewers/<subject>/messages",
    summary="Send a message to one viewer",
    tags=["messages"],
    security=MESSENGERS,
    responses=answers(
        HTTPStatus.OK,
        "The connections that took the message, in all cells and in each.",
        operators=True,
        not_found="The subject has a character that no path can hold: `no_route`.",
    ),
)
def send_message(
    subject: Annotated[
        str, Path(pattern=SUBJECT, max_length=SUBJECT_LENGTH, description="Subject of the viewer's token.")
    ],
    message: Annotated[NewMessage, Body()],
) -> Response[dict[str, Any]]:
    """200 with ``taken``, the connections that took the message: 0 if the viewer does not listen, or is unknown.

    ``taken`` is null where the cells' services do not say. ``pruned`` counts connections that were gone, and ``failed``
    those that took nothing for another reason. A cell that does not answer is ``unreached``; 503 if none answers.
    """
    by = messenger()
    if message.body_bytes > BODY_BYTES:
        text = f"The body of a message may have at most {BODY_BYTES} bytes."
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", text)
    frame = message.frame(time.time_ns() // 1_000_000)
    deliveries, failures = resources.message_calls().ask(
        {name: partial(each.message, subject, frame) for name, each in resources.messengers().items()}
    )
    to = subject_segment(subject)
    for name, error in failures.items():
        logger.warning("cell_unreached", cell=name, to=to, exc_info=error)
    if not deliveries:
        text = "No cell answered. The message may or may not have been sent."
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", text)
    counted = [each.taken for each in deliveries.values() if each.taken is not None]
    sums = {
        "taken": sum(counted) if counted else None,
        "pruned": sum(each.pruned for each in deliveries.values()),
        "failed": sum(each.failed for each in deliveries.values()),
    }
    logger.info("message_sent", to=to, key=message.key, by=by, cells=sorted(deliveries), taken=sums["taken"])
    cells = {
        name: asdict(deliveries[name]) if name in deliveries else {"unreached": True}
        for name in resources.messengers()
    }  # fmt: skip
    return plain(HTTPStatus.OK, {"subject": subject, "key": message.key, **sums, "cells": cells})
