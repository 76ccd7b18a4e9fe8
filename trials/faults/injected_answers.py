"""Pure: makes injected answers in the form of the service that was called."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from devstack.stack.call_proxy import Answer
    from trials.faults.rules import Rule


def refusal(rule: Rule, operation: str) -> Answer:
    """The error of a rule, in the form of AWS's JSON protocols, or of REST as in @connections, AppSync and IoT Core."""
    if operation in ("Post", "Publish"):
        return rule.status, {"x-amzn-ErrorType": rule.error}, orjson.dumps({"message": rule.error})
    body: dict[str, Any] = {"__type": f"com.amazonaws.fault#{rule.error}", "message": "injected"}
    if rule.error == "TransactionCanceledException":
        body["CancellationReasons"] = [{"Code": "TransactionConflict"}, {"Code": "None"}, {"Code": "None"}]
    return rule.status, {"Content-Type": "application/x-amz-json-1.0"}, orjson.dumps(body)


def pretence(operation: str, body: bytes) -> Answer:
    """The answer of a successful call, for a call that is not passed on."""
    said: dict[str, Any] = {}
    match operation:
        case "Post":
            return 200, {}, b""
        case "Publish":
            # AppSync Events answers with the lists, IoT Core with the message.
            said = {"failed": [], "successful": [{"identifier": "fault", "index": 0}], "message": "OK"}
        case "StartExecution":
            said = {
                "executionArn": "arn:aws:states:us-east-1:000000000000:express:fault:none",
                "startDate": time.time(),
            }
        case "PutRecord":
            said = {"ShardId": "shardId-000000000000", "SequenceNumber": "1"}
        case "SendMessage":
            # botocore verifies the checksum.
            text = orjson.loads(body)["MessageBody"].encode()
            said = {"MessageId": "fault", "MD5OfMessageBody": hashlib.md5(text, usedforsecurity=False).hexdigest()}
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, orjson.dumps(said)


def halves(body: bytes) -> tuple[bytes, bytes] | None:
    """A BatchWriteItem in halves: the request for the first half, and the answer that leaves the second half.

    None if it has only one item.
    """
    request = orjson.loads(body)
    ((table, writes),) = request["RequestItems"].items()
    if len(writes) < 2:
        return None
    middle = len(writes) // 2
    first = {**request, "RequestItems": {table: writes[:middle]}}
    return orjson.dumps(first), orjson.dumps({"UnprocessedItems": {table: writes[middle:]}})


def read_key(operation: str, body: bytes) -> tuple[bytes, bool] | None:
    """The key of a read of DynamoDB, and whether it is eventually consistent; None for any other call."""
    if operation not in ("GetItem", "Query"):
        return None
    request = orjson.loads(body)
    consistent = bool(request.pop("ConsistentRead", False))
    return orjson.dumps([operation, request], option=orjson.OPT_SORT_KEYS), not consistent


NOTHING_YET = orjson.dumps({"Items": [], "Count": 0, "ScannedCount": 0})
"""The answer of an index that has no rows yet."""
