"""Rows a second from Query pages of subscriptions to connection ids: our reader and a boto3 client, on the same pages.

The bench measures only the decoding of a page's bytes, and whole queries against the running DynamoDB by the CPU time
of this process, without the emulator's.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import aioboto3
import botocore.session
import orjson
from botocore.parsers import create_parser

from broadcaster.send.row_pages import calm_collector, decode_queries, page, read_page
from loadtest.bench.bench_result import Result, median
from loadtest.bench.programs import Cores, on_core
from loadtest.compared_senders import connection_ids
from runtime.aws import config
from subscriptions.store import page_query, partition

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.bench.target import Target

ROWS = 15_000
"""About a page of one megabyte."""
RUNS = 9
MATCH = "bench-page"
FLOORS = {"boto3_decode": "5"}


def run(target: Target, say: Callable[[str], None]) -> Result:
    """Fill one shard, then measure in turns."""
    result = Result("page", floors=FLOORS)
    say(f"page: writing {ROWS} rows")
    target.plant(MATCH, 1, connection_ids(ROWS), lambda _: None)
    query = page_query(target.environment["SUBSCRIPTIONS_TABLE"], partition(MATCH, 0), None)
    bodies: list[bytes] = []
    client = target.client("dynamodb")
    client.meta.events.register("before-parse.dynamodb.Query", lambda response_dict, **_: bodies.append(
        response_dict["body"]), unique_id="record")  # fmt: skip
    rows = len(client.query(**query)["Items"])
    client.meta.events.unregister("before-parse.dynamodb.Query", unique_id="record")
    session = botocore.session.get_session()
    shape: Any = session.get_service_model("dynamodb").operation_model("Query").output_shape
    parser = create_parser("json")

    def by_boto3() -> list[str]:
        answer = {"status_code": 200, "headers": {}, "body": bodies[0], "context": {}}
        return [item["sk"]["S"] for item in parser.parse(answer, shape)["Items"]]

    def by_us() -> list[str]:
        return page(orjson.loads(bodies[0]), time.time()).connections

    def query_by_boto3() -> list[str]:
        return [item["sk"]["S"] for item in client.query(**query)["Items"]]

    calm_collector()  # As in the sender's process; both contenders are faster with it.
    with on_core(Cores.here().sender), asyncio.Runner() as runner:
        ours = runner.run(_client(target))

        async def read() -> list[str]:
            found = await read_page(ours, query["TableName"], partition(MATCH, 0), None, time.time())
            return found.connections

        contenders: dict[tuple[str, str], Callable[[], list[str]]] = {
            ("ours", "decode"): by_us, ("boto3", "decode"): by_boto3,
            ("ours", "query"): lambda: runner.run(read()), ("boto3", "query"): query_by_boto3,
        }  # fmt: skip
        found: dict[tuple[str, str], list[float]] = {name: [] for name in contenders}
        try:
            for number in range(RUNS + 1):
                say(f"page: run {number + 1} of {RUNS + 1}")
                for name, contender in contenders.items():
                    began = time.process_time()
                    connections = contender()
                    used = time.process_time() - began
                    if len(connections) != rows:
                        raise RuntimeError(f"{name} found {len(connections)} of {rows} rows")
                    if number:  # The first one warms up.
                        found[name].append(used / rows)
        finally:
            runner.run(ours.__aexit__(None, None, None))
    for (who, what), used_s in found.items():
        row = {"name": who, "transport": what, "per_second": median(1 / each for each in used_s)}
        result.rows.append({**row, "cpu_us": median(each * 1e6 for each in used_s)})
    for what in ("decode", "query"):
        pairs = zip(found["boto3", what], found["ours", what], strict=True)
        result.ratios[f"boto3_{what}"] = median(theirs / mine for theirs, mine in pairs)
    result.figures["rows_in_page"] = rows
    return result


async def _client(target: Target) -> Any:
    env = target.environment
    made = aioboto3.Session().client(
        "dynamodb", config=config(), endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_DEFAULT_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    client = await made.__aenter__()
    decode_queries(client)
    return client
