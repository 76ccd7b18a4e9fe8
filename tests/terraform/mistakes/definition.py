"""Mistakes in what the state machine's definition carries from payload to payload."""

from __future__ import annotations

from typing import NamedTuple


class MistakeInTheDefinition(NamedTuple):
    """A change of the definition's text as ``json.dumps`` writes it, and part of the sentence that has to find it."""

    name: str
    old: str
    new: str
    says: str


_EVENTS_OF_A_ROUND = '"batches": "{% $states.result.Payload.batches %}", "events": []'
_EVENTS_OF_A_HAND_OVER = '"batches": "{% $batches %}", "events": []'
MISTAKES = [
    MistakeInTheDefinition(
        "the-lease-of-a-start-is-not-renewed",
        '"lease_owner = :owner OR lease_owner = :previous"',
        '"lease_owner = :owner"',
        "RenewLease's condition",
    ),
    MistakeInTheDefinition(
        "a-renewal-for-the-execution-alone",
        '":previous": {"S": "{% $previous_owner %}"}',
        '":previous": {"S": "{% $owner %}"}',
        "RenewLease's owners",
    ),
    MistakeInTheDefinition(
        "a-hand-over-without-a-previous-owner",
        '"previous_owner": "{% $owner %}", ',
        "",
        "lacks previous_owner",
    ),
    MistakeInTheDefinition(
        "a-hand-over-in-the-name-of-the-owner-before",
        '"previous_owner": "{% $owner %}"',
        '"previous_owner": "{% $previous_owner %}"',
        "the next execution's previous owner",
    ),
    MistakeInTheDefinition(
        "senders-that-do-not-know-the-previous-owner",
        '"previous_owner": "{% $previous_owner %}"',
        '"previous_owner": "{% $owner %}"',
        "a sender's previous owner",
    ),
    MistakeInTheDefinition("events-left-behind", ', "events": "{% $events %}"', "", "lacks events"),
    MistakeInTheDefinition(
        "events-that-nobody-takes-in",
        '"events": "{% $states.input.events %}"',
        '"events": []',
        "the events of the first round",
    ),
    MistakeInTheDefinition(
        "events-kept-after-the-first-round",
        _EVENTS_OF_A_ROUND,
        _EVENTS_OF_A_ROUND.replace(', "events": []', ""),
        "the events of the second round",
    ),
    MistakeInTheDefinition(
        "events-kept-in-a-hand-over",
        _EVENTS_OF_A_HAND_OVER,
        _EVENTS_OF_A_HAND_OVER.replace("[]", '"{% $events %}"'),
        "the next execution's events",
    ),
    MistakeInTheDefinition(
        "a-receipt-with-the-time-of-the-round", '"{% $started_at %}"', '"{% $millis() %}"', "the receipt's started_at"
    ),
    MistakeInTheDefinition(
        "a-hand-over-that-becomes-due-again",
        '"due_at": "{% $due_at %}", "previous_owner"',
        '"due_at": "{% $millis() %}", "previous_owner"',
        "the next execution's due_at",
    ),
]
