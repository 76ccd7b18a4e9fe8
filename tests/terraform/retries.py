"""The tries of the state machine's tasks and the pauses between them fit one execution.

A pause here is the longest possible pause: with JitterStrategy FULL, Step Functions takes a random time up to it
(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html). All times are in seconds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.terraform.applied import Applied

BUSY = {
    "Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
}  # fmt: skip
"""Lambda's own transient errors, which AWS says to retry
(https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html)."""

BUSY_TRIES, BUSY_PAUSE = 8, 8
"""A busy function is tried again 8 times, with at most 8 s before each try."""

LIMIT = 300
"""AWS ends an Express execution after five minutes
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html)."""

ONCE_ONLY = {"RenewLease": "DynamoDB.ConditionalCheckFailedException"}
"""By state: an error that is an answer. The state is not tried again after it."""


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state of a definition with its name, those of a Map included."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def tasks(applied: Applied) -> dict[str, dict[str, Any]]:
    """The tasks of the definition by their names."""
    return {name: state for name, state in states(json.loads(applied.definition)) if state["Type"] == "Task"}


def pauses(retrier: dict[str, Any]) -> list[float]:
    """The longest pause before each further try of one entry of a Retry."""
    first, rate, most = (
        retrier.get("IntervalSeconds", 1),
        retrier.get("BackoffRate", 2.0),
        retrier.get("MaxAttempts", 3),
    )
    return [min(first * rate**number, retrier.get("MaxDelaySeconds", float("inf"))) for number in range(most)]


def paused(task: dict[str, Any]) -> float:
    """The sum of the longest pauses between all tries of a task. Each entry of a Retry has its own tries."""
    return sum(sum(pauses(each)) for each in task.get("Retry", []))


def tries(task: dict[str, Any]) -> int:
    """The largest number of tries of a task, with the first one."""
    return 1 + sum(len(pauses(each)) for each in task.get("Retry", []))


def errors_that_are_tried_again(applied: Applied) -> list[str]:
    """Every task tries again after every error, except after an error that is an answer."""
    found = []
    for name, task in tasks(applied).items():
        retry = task.get("Retry", [])
        if not retry or retry[-1]["ErrorEquals"] != ["States.ALL"]:
            found.append(f"{name} gives up at once after errors that its Retry does not name")
        if not all(_all_is_alone_and_last(entries) for entries in (retry, task.get("Catch", []))):
            found.append(f"{name} has States.ALL, which must be alone and last, beside or before another error")
        answer = ONCE_ONLY.get(name)
        first = next((each for each in retry if {answer, "States.ALL"} & set(each["ErrorEquals"])), None)
        if answer is not None and first is not None and first.get("MaxAttempts", 3) > 0:
            found.append(f"{name} is tried again after {answer}, which is an answer")
    return found


def _all_is_alone_and_last(entries: list[dict[str, Any]]) -> bool:
    """AWS refuses any other definition (https://states-language.net/spec.html#errors)."""
    named = [each["ErrorEquals"] for each in entries]
    return all(each == ["States.ALL"] for each in named[-1:] if "States.ALL" in each) and not any(
        "States.ALL" in each for each in named[:-1]
    )


def busy_functions(applied: Applied) -> list[str]:
    """A task waits for a busy function: when a goal is scored, all functions are needed at once."""
    found = []
    for name, task in tasks(applied).items():
        if str(task["Resource"]).endswith(":lambda:invoke"):
            retrier = task["Retry"][0]
            if missing := sorted(BUSY - set(retrier["ErrorEquals"])):
                found.append(f"{name} does not wait for a busy function: {', '.join(missing)}")
            if retrier["MaxAttempts"] < BUSY_TRIES or max(pauses(retrier), default=0) > BUSY_PAUSE:
                found.append(
                    f"{name} tries a busy function {retrier['MaxAttempts']} times with pauses up to "
                    f"{max(pauses(retrier), default=0)} s, and not {BUSY_TRIES} times up to {BUSY_PAUSE} s"
                )
    return found


def execution_time(applied: Applied) -> list[str]:
    """With one task in trouble, an execution has handed over or ended before AWS ends it."""
    limit = json.loads(applied.definition).get("TimeoutSeconds", LIMIT)
    found = [] if limit <= LIMIT else [f"an execution ends after {limit} s, and AWS ends it after {LIMIT} s"]
    hand_over = applied.system["settings"]["hand_over_seconds"]["default"]
    sender, receipt = (applied.system["functions"][name]["timeout"] for name in ("sender", "receipt"))
    waits = {name: paused(task) for name, task in tasks(applied).items()}
    # A last invocation begins just before the hand-over. One full invocation may fail and be repeated.
    chains = {
        "a sender that is tried again": hand_over + waits["Send"] + 2 * sender + waits["HandOver"],
        "a batch that is set aside": hand_over + sender + waits["SetAside"] + waits["RenewLease"] + waits["HandOver"],
        "a receipt that is tried again": hand_over + sender + waits["Finish"] + 2 * receipt,
    }
    return found + [
        f"with {trouble}, an execution that hands over after {hand_over} s lasts {seconds} s; the end is at {limit} s"
        for trouble, seconds in chains.items()
        if seconds > limit
    ]


def partition(applied: Applied) -> list[str]:
    """The definition names AWS's own integrations in the partition that it is deployed to."""
    return [f"{name} is of one partition: {task['Resource']}" for name, task in tasks(applied).items()
            if not task["Resource"].startswith("arn:${partition}:states:::")]  # fmt: skip
