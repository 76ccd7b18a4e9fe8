"""Settings of event sources that MiniStack's poller ignores."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.terraform.applied import Applied, Resource


def _stream(applied: Applied) -> Resource | None:
    """The event source of the stream."""
    sources = applied.of("aws_lambda_event_source_mapping", applied.home)
    return next((each for each in sources if ":kinesis:" in str(each["event_source_arn"])), None)


def _of_queues(applied: Applied) -> list[Resource]:
    """The event sources of queues."""
    sources = applied.of("aws_lambda_event_source_mapping", applied.home)
    return [each for each in sources if ":sqs:" in str(each["event_source_arn"])]


def starting_position(applied: Applied) -> list[str]:
    """LATEST misses records while a mapping is made or changed."""
    source = _stream(applied)
    if source is None:
        return ["the stream has no event source"]
    wanted = applied.system["event_sources"]["fanout"]["starting_position"]
    return [] if source["starting_position"] == wanted else [f"the stream is read from {source['starting_position']}"]


def retries(applied: Applied) -> list[str]:
    """A limit of retries throws away what was answered 202; bisecting leaves a poison record alone."""
    source = _stream(applied)
    found = []
    if source is not None and source["maximum_retry_attempts"] not in {None, -1}:
        found.append(f"the stream is given up after {source['maximum_retry_attempts']} retries")
    if source is not None and not source["bisect_batch_on_function_error"]:
        found.append("a batch of the stream that fails is not cut in two")
    return found


def record_age(applied: Applied) -> list[str]:
    """Records go to S3 just before the stream forgets them, not hours before, and not never."""
    source, [stream] = _stream(applied), applied.of("aws_kinesis_stream")
    if source is None:
        return []
    kept = min(stream["retention_period"] * 3600, 604800)
    age = source["maximum_record_age_in_seconds"]
    if age is None or not kept - 3600 <= age <= kept:
        return [f"records are given up after {age} seconds, and the stream keeps them for {kept}"]
    return []


def destination(applied: Applied) -> list[str]:
    """Only S3 is given the records themselves; the function's role writes them."""
    source = _stream(applied)
    if source is None:
        return []
    targets = [to["destination_arn"] for each in source["destination_config"] or [] for to in each["on_failure"]]
    if not targets or not targets[0].startswith("arn:aws:s3:::"):
        return ["records that grew too old do not go to S3"]
    function = applied.function("fanout", applied.home)
    allowed = [] if function is None else applied.policy(function)
    may = any("s3:PutObject" in each["Action"] and f"{targets[0]}/*" in each["Resource"] for each in allowed)
    return [] if may else ["the fan-out may not write records that grew too old to S3"]


def consumer(applied: Applied) -> list[str]:
    """MiniStack refuses enhanced fan-out: there its ARN would be the stream's."""
    source = _stream(applied)
    if source is None:
        return []
    if source["event_source_arn"] not in {each["arn"] for each in applied.of("aws_kinesis_stream_consumer")}:
        return ["the fan-out has no consumer of its own: it polls once a second"]
    if not 1 <= (source["parallelization_factor"] or 1) <= 10:
        return [f"the stream's parallelization factor is {source['parallelization_factor']}"]
    return []


def recursion(applied: Applied) -> list[str]:
    """Lambda stops a function that puts messages into its own queue, unless a setting allows it."""
    allowed = {
        each["function_name"]
        for each in applied.of("aws_lambda_function_recursion_config", applied.home)
        if each["recursive_loop"] == "Allow"
    }
    found = []
    for name, source in applied.system["event_sources"].items():
        sends = f"queue.{source.get('queue')}" in applied.system["functions"][name]["environment"].values()
        if sends and f"{applied.prefix}-{name}" not in allowed:
            found.append(f"{name} is stopped after 16 messages to its own queue")
    return found


def concurrency(applied: Applied) -> list[str]:
    """A queue's poller takes messages that nobody can work on, and counts them as received, unless it is bounded."""
    found = []
    for name, source in applied.system["event_sources"].items():
        for mapping in _of_queues(applied) if "queue" in source else ():
            if not str(mapping["event_source_arn"]).endswith(f":{applied.prefix}-{source['queue']}"):
                continue
            bounds = [each["maximum_concurrency"] for each in mapping["scaling_config"] or []]
            if bounds != [source.get("maximum_concurrency")] or None in bounds:
                found.append(f"the poller of {source['queue']} runs {name} without the bound of the description")
    return found


def partial_answers(applied: Applied) -> list[str]:
    """A function answers with failed items if, and only if, its event source reads such an answer."""
    found = []
    for name in applied.system["event_sources"]:
        described = applied.system["functions"][name]
        module = described["handler"].rpartition(".")[0]
        answers = "batchItemFailures" in (applied.root / (module.replace(".", "/") + ".py")).read_text()
        sources = applied.of("aws_lambda_event_source_mapping", applied.home)
        mine = [each for each in sources if str(each["function_name"]).split(":")[6:7] == [f"{applied.prefix}-{name}"]]
        if not mine:
            found.append(f"{name} has no event source")
        for source in mine:
            reads = "ReportBatchItemFailures" in (source["function_response_types"] or [])
            if answers and not reads:
                found.append(f"{name} names failed items and its source ignores them")
            if reads and not answers:
                found.append(f"{name} names no failed items and its source reads them")
    return found


def visibility(applied: Applied) -> list[str]:
    """AWS refuses a source queue that shows a message again before its function's time is up."""
    return [
        f"queue {source['queue']} shows a message again before {name} has ended"
        for name, source in applied.system["event_sources"].items()
        if "queue" in source
        and applied.system["queues"][source["queue"]]["visibility_timeout"]
        < applied.system["functions"][name]["timeout"]
    ]
