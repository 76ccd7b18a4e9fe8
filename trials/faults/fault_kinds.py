"""Pure: the kinds of fault, each with the promises of docs/reliability.md that it tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from trials.faults.rules import Do, Rule

Arrival = Literal["told", "repaired"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    ``rules`` are armed while ``events`` events are posted. ``act`` names an act (acts.py). ``arrival`` is ``told`` if
    the broadcast must bring the events to all viewers, and ``repaired`` if viewers may have to repair them. With
    ``opening``, the fault hits the first event of a match, for which several senders are started. With
    ``broadcasting``, the match also has viewers in cells whose service carries the frames itself.
    """

    name: str
    promises: tuple[int, ...]
    what: str
    rules: tuple[Rule, ...] = ()
    act: str = ""
    arrival: Arrival = "told"
    events: int = 1
    opening: bool = False
    broadcasting: bool = False


THROTTLED = "ThrottlingException"
PROVISIONED = "ProvisionedThroughputExceededException"


def _kill(
    name: str, what: str, function: str, operation: str, do: Do, *has: str, skip: int = 0, **more: object
) -> Kind:
    return Kind(name, (2, 3), what, (Rule(function, operation, do, has, skip),), **more)  # type: ignore[arg-type]


BEFORE, AFTER = Do.KILL_BEFORE, Do.KILL_AFTER

_INGEST = (
    _kill("ingest-killed-before-stream", "api dies before PutRecord", "api", "PutRecord", BEFORE),
    _kill("ingest-killed-after-stream", "api dies after PutRecord, before it has the answer",
          "api", "PutRecord", AFTER),
    _kill("ingest-killed-before-pending", "api dies before it notes the event as pending", "api", "PutItem", BEFORE,
          "pending"),
    _kill("ingest-killed-after-pending", "api dies after its last write, before it answers the operator",
          "api", "PutItem", AFTER, "pending"),
)  # fmt: skip

_FANOUT = (
    _kill("fanout-killed-before-ledger", "fan-out dies before the ledger's transaction", "fanout",
          "TransactWriteItems", BEFORE),
    _kill("fanout-killed-after-ledger", "fan-out dies after the ledger's transaction", "fanout", "TransactWriteItems",
          AFTER),
    _kill("fanout-killed-before-marking-due",
          "fan-out dies after the ledger's transaction, before it marks the event due in the cell's row",
          "fanout", "UpdateItem", BEFORE),
    _kill("fanout-killed-after-marking-due", "fan-out dies after it has marked the event due in the cell's row",
          "fanout", "UpdateItem", AFTER),
    _kill("fanout-killed-before-watchdog", "fan-out dies before it sends the watchdog's message",
          "fanout", "SendMessage", BEFORE, "watchdog"),
    _kill("fanout-killed-after-watchdog",
          "fan-out dies after it has sent the watchdog's message, before StartExecution",
          "fanout", "StartExecution", BEFORE),
    _kill("fanout-killed-after-rate-share", "fan-out dies after it has written the rate share, beside StartExecution",
          "fanout", "PutItem", AFTER),
    _kill("fanout-killed-after-start", "fan-out dies after StartExecution: Kinesis delivers the record again", "fanout",
          "StartExecution", AFTER),
)  # fmt: skip

_SENDER = (
    _kill("sender-killed-at-the-start", "a sender dies before its first poll", "sender", "GetItem", BEFORE),
    _kill("sender-killed-between-pages", "a sender dies between two pages", "sender", "Query", BEFORE, "sk, #only",
          skip=5),
    _kill("sender-killed-before-progress", "a sender dies after its last POST, before it writes the progress row",
          "sender", "PutItem", BEFORE, "progress#"),
    _kill("sender-killed-after-progress", "a sender dies after it has written the progress row, before it returns",
          "sender", "PutItem", AFTER, "progress#"),
    _kill("sender-killed-while-others-send", "one of three senders dies after it has recorded that its batch has ended",
          "sender", "UpdateItem", AFTER, "ADD #done", opening=True),
    _kill("sender-killed-of-several", "one of three senders dies in its first page", "sender", "Query", AFTER,
          "sk, #only", skip=2, opening=True),
)  # fmt: skip

_END = (
    _kill("receipt-killed-before-receipt", "the receipt function dies before it writes the receipt",
          "receipt", "PutItem", BEFORE, "receipt#"),
    _kill("receipt-killed-before-told",
          "the receipt function dies after it has written the receipt, before it sets ended_seq",
          "receipt", "UpdateItem", BEFORE, "ended_seq"),
    _kill("receipt-killed-after-told", "the receipt function dies after it has set ended_seq",
          "receipt", "UpdateItem", AFTER, "ended_seq"),
    _kill("receipt-killed-before-leaving", "the receipt function dies before it deletes the rate-share row", "receipt",
          "DeleteItem", BEFORE),
)  # fmt: skip

_SILENT = Rule("fanout", "StartExecution", Do.SWALLOW)
_EXECUTIONS = (
    Kind("execution-dies-silently", (2,), "Step Functions accepts StartExecution, but no execution runs", (_SILENT,)),
    Kind("execution-dies-with-the-lease", (2,), "no execution runs, and a dead execution has the lease", (_SILENT,),
         act="dead-lease"),
    Kind("watchdog-killed-before-start", (2,), "the watchdog dies before it starts a broadcast again",
         (_SILENT, Rule("watchdog", "StartExecution", BEFORE))),
    Kind("watchdog-killed-after-start", (2,), "the watchdog dies after it has started a broadcast again",
         (_SILENT, Rule("watchdog", "StartExecution", AFTER))),
    Kind("watchdog-execution-dies-too", (2,),
         "Step Functions accepts the watchdog's StartExecution too, but no execution runs",
         (_SILENT, Rule("watchdog", "StartExecution", Do.SWALLOW))),
    Kind("execution-runs-twice", (2, 3), "one StartExecution starts two executions",
         (Rule("fanout", "StartExecution", Do.TWICE),)),
)  # fmt: skip

_ROUTES = (
    Kind("routes-killed-before-row", (2, 4), "the routes function dies before it writes a subscription",
         (Rule("routes", "PutItem", BEFORE),), act="return-to-ministack", arrival="repaired"),
    Kind("routes-killed-after-row", (2, 4),
         "the routes function dies after it has written a subscription, before it answers",
         (Rule("routes", "PutItem", AFTER),), act="return-to-ministack", arrival="repaired"),
    Kind("routes-cannot-write", (2,), "DynamoDB refuses a returning viewer's row",
         (Rule("routes", "PutItem", Do.REFUSE, times=5, error=THROTTLED, status=400),), act="return",
         arrival="repaired"),
    Kind("leaving-fails", (4,), "DynamoDB refuses to delete the row of a viewer that left: a 410 prunes it",
         (Rule("routes", "DeleteItem", Do.REFUSE, times=5),), act="return", arrival="repaired"),
    Kind("reads-are-stale", (2, 4), "every read without ConsistentRead returns an old value",
         (Rule("routes", "Query", Do.STALE, times=1000, anyone=True),
          Rule("routes", "GetItem", Do.STALE, times=1000),
          Rule("sender", "Query", Do.STALE, times=1000),
          Rule("sender", "GetItem", Do.STALE, times=1000)), act="returned", events=2),
)  # fmt: skip

_DYNAMODB = (
    Kind("ledger-throttled", (2, 3), "DynamoDB throttles the ledger's transaction",
         (Rule("fanout", "TransactWriteItems", Do.REFUSE, times=6, error=PROVISIONED, status=400),)),
    Kind("ledger-conflicts", (1, 3), "the ledger's transaction conflicts with another",
         (Rule("fanout", "TransactWriteItems", Do.REFUSE, times=7, error="TransactionCanceledException", status=400),)),
    Kind("ledger-answer-lost", (1, 3), "the ledger's transaction succeeds, but its answer is lost",
         (Rule("fanout", "TransactWriteItems", Do.RESET_AFTER),)),
    Kind("ledger-hangs", (2,), "DynamoDB never answers the fan-out: the connection is half open",
         (Rule("fanout", "BatchGetItem", Do.HANG),)),
    Kind("ledger-is-slow", (1, 2), "the ledger's transaction reaches DynamoDB 2 s late",
         (Rule("fanout", "TransactWriteItems", Do.SLOW, seconds=2),), events=2),
    Kind("pages-throttled", (2,), "DynamoDB throttles the senders' queries for pages",
         (Rule("sender", "Query", Do.REFUSE, ("sk, #only",), skip=3, times=6, error=PROVISIONED, status=400),)),
    Kind("pages-broken", (2,), "DynamoDB resets the senders' connections",
         (Rule("sender", "Query", Do.RESET_BEFORE, ("sk, #only",), skip=2, times=3),)),
    Kind("page-hangs", (2,), "DynamoDB never answers the query for a page: the connection is half open",
         (Rule("sender", "Query", Do.HANG, ("sk, #only",), skip=1),)),
    Kind("polls-fail", (2, 5), "DynamoDB answers 500 to the senders' polls",
         (Rule("sender", "GetItem", Do.REFUSE, times=5),)),
    Kind("progress-throttled", (2,), "DynamoDB throttles the write of the progress row",
         (Rule("sender", "PutItem", Do.REFUSE, ("progress#",), times=5, error=THROTTLED, status=400),)),
    Kind("marking-due-throttled", (2,), "DynamoDB throttles the write of the cell's row until the fan-out gives up",
         (Rule("fanout", "UpdateItem", Do.REFUSE, times=6, error=PROVISIONED, status=400),)),
    Kind("rate-share-throttled", (2,), "DynamoDB throttles the write of the rate share until the fan-out gives up",
         (Rule("fanout", "PutItem", Do.REFUSE, times=5, error=THROTTLED, status=400),)),
    Kind("rate-share-hangs", (2,), "DynamoDB never answers the fan-out's write of the rate share",
         (Rule("fanout", "PutItem", Do.HANG),)),
    Kind("marking-due-answer-lost", (2,), "the event is marked due in the cell's row, but the answer is lost",
         (Rule("fanout", "UpdateItem", Do.RESET_AFTER),)),
    Kind("told-fails", (2,), "DynamoDB answers 500 when the receipt function sets ended_seq",
         (Rule("receipt", "UpdateItem", Do.REFUSE, ("ended_seq",), times=5),)),
    Kind("told-answer-lost", (2,), "ended_seq is set, but the answer is lost: the condition fails on the second try",
         (Rule("receipt", "UpdateItem", Do.RESET_AFTER, ("ended_seq",)),)),
    Kind("prune-unprocessed", (4,), "DynamoDB leaves half of the deletes of dead rows unprocessed",
         (Rule("sender", "BatchWriteItem", Do.UNPROCESSED),), act="dead-rows"),
    Kind("prune-throttled", (4,), "DynamoDB throttles the pruning of dead rows",
         (Rule("sender", "BatchWriteItem", Do.REFUSE, times=6, error=PROVISIONED, status=400),), act="dead-rows"),
)  # fmt: skip

_KINESIS = (
    Kind("stream-throttled", (2, 3), "Kinesis throttles the operator's event until the API gives up",
         (Rule("api", "PutRecord", Do.REFUSE, times=6, error=PROVISIONED, status=400),)),
    Kind("stream-answer-lost", (3,), "Kinesis keeps the record, but its answer is lost",
         (Rule("api", "PutRecord", Do.RESET_AFTER),)),
    Kind("stream-is-down", (2, 3), "Kinesis answers 500 until the API gives up",
         (Rule("api", "PutRecord", Do.REFUSE, times=9),)),
    Kind("record-redelivered", (3,), "the stream has a record twice", (Rule("api", "PutRecord", Do.TWICE),), events=2),
    Kind("records-reordered", (1, 3), "a record enters the stream after one that the API accepted later",
         (Rule("api", "PutRecord", Do.HOLD),), events=3),
    Kind("poison-binary", (6,), "a record that is not text precedes the event in the stream", act="poison-binary"),
    Kind("poison-json", (6,), "a record whose JSON is not an event precedes the event in the stream",
         act="poison-json"),
    Kind("poison-unknown-match", (6,), "an event of an unknown match precedes the event in the stream",
         act="poison-unknown"),
    Kind("poison-cannot-be-set-aside", (6,), "SQS refuses a poison record: the stream keeps it until SQS accepts it",
         (Rule("fanout", "SendMessage", Do.REFUSE, ("set-aside",), times=5),), act="poison-json"),
)  # fmt: skip

_OTHERS = (
    Kind("start-throttled", (2,), "Step Functions throttles StartExecution",
         (Rule("fanout", "StartExecution", Do.REFUSE, times=6, error=THROTTLED, status=400),)),
    Kind("start-answer-lost", (2, 3),
         "an execution starts, but the answer is lost: the fan-out calls StartExecution again",
         (Rule("fanout", "StartExecution", Do.RESET_AFTER),)),
    Kind("watchdog-queue-fails", (2,), "SQS refuses the watchdog's message",
         (Rule("fanout", "SendMessage", Do.REFUSE, ("watchdog",), times=5),)),
    Kind("watchdog-message-lost", (2,), "SQS loses the watchdog's message",
         (Rule("fanout", "SendMessage", Do.SWALLOW, ("watchdog",)),)),
)  # fmt: skip

_POST = ("sender", "Post")
_GATEWAY = (
    Kind("sender-killed-before-a-post", (2,), "a sender dies before a POST", (Rule(*_POST, BEFORE, skip=2),)),
    Kind("sender-killed-after-a-post", (2, 3), "a sender dies after a POST, before it has the answer",
         (Rule(*_POST, AFTER, skip=2),)),
    Kind("gateway-throttles", (2, 5), "the gateway answers 429 to 20 POSTs: the account is throttled",
         (Rule(*_POST, Do.REFUSE, times=20, status=429, error="LimitExceededException"),)),
    Kind("gateway-buffer-full", (2, 5), "the gateway answers 429 to one POST: that viewer's buffer is full",
         (Rule(*_POST, Do.REFUSE, skip=3, status=429, error="LimitExceededException"),)),
    Kind("gateway-502", (2,), "the gateway answers 502 to six POSTs", (Rule(*_POST, Do.REFUSE, times=6, status=502),)),
    Kind("gateway-down", (2,), "the gateway answers 503 for so long that batches fail",
         # A batch may give up on one of many viewers without failing. That viewer has a gap, and repairs it.
         (Rule(*_POST, Do.REFUSE, times=60, status=503),), arrival="repaired"),
    Kind("gateway-resets", (2,), "connections are reset before a POST arrives",
         (Rule(*_POST, Do.RESET_BEFORE, times=4),)),
    Kind("gateway-answer-lost", (2, 3), "a viewer gets the frame, but the answer is lost: the sender posts it again",
         (Rule(*_POST, Do.RESET_AFTER, times=4),)),
    Kind("gateway-half-open", (2,), "the gateway never answers a POST: the connection is half open",
         (Rule(*_POST, Do.HANG, skip=1),)),
    Kind("gateway-is-slow", (2,), "POSTs reach the gateway 1.5 s late", (Rule(*_POST, Do.SLOW, times=6, seconds=1.5),)),
    Kind("gateway-garbage", (2,), "the gateway's answer is not HTTP", (Rule(*_POST, Do.GARBLE, times=2),)),
    Kind("frame-lost", (2,), "the gateway accepts a frame and loses it", (Rule(*_POST, Do.SWALLOW, times=3),),
         arrival="repaired"),
    Kind("frame-comes-twice", (2, 3), "a viewer gets a frame twice", (Rule(*_POST, Do.TWICE, times=4),)),
    Kind("frame-comes-late", (2, 8), "a viewer gets a frame after a newer one",
         (Rule(*_POST, Do.HOLD, times=3, seconds=2),), events=3, arrival="repaired"),
    Kind("account-throttle", (2, 5), "the gateway's own throttle passes 15 frames a second",
         act="account-throttle"),
    Kind("disconnect-lost", (4,), "a viewer vanishes without a $disconnect: a 410 prunes its row",
         act="disconnect-lost"),
    Kind("dead-connections", (4,), "rows remain of connections that closed long ago", act="dead-rows"),
)  # fmt: skip

_CLOCKS = tuple(
    Kind(f"clock-{function}-{'fast' if seconds > 0 else 'slow'}", (2, 3), f"the clock of {function} is four minutes "
         f"{'fast' if seconds > 0 else 'slow'}", act=f"clock:{function}:{seconds}", events=2)
    for function in ("api", "fanout", "sender", "receipt") for seconds in (240, -240)
)  # fmt: skip

_CROWDS = (
    Kind("connection-storm", (2, 7), "many viewers connect at once while a goal is being sent", act="storm", events=2),
    Kind("everyone-returns", (2,), "every connection breaks while a goal is being sent", act="everyone-returns",
         arrival="repaired"),
    Kind("senders-deployed", (2,), "a new version of the senders is deployed while they send",
         (Rule(*_POST, Do.SLOW, times=8, seconds=0.7),), act="deploy"),
    Kind("unknown-version", (2, 6), "an execution has a payload version that the senders do not know",
         (_SILENT,), act="unknown-version"),
)  # fmt: skip

_FAIRNESS = (
    Kind(
        "slow-viewers",
        (2, 5),
        "some viewers read nothing, so their buffers are full",
        act="slow-viewers",
        events=2,
    ),
    Kind(
        "unwatched-matches",
        (2, 7),
        "eight matches that nobody watches kick off at the same time",
        act="unwatched-matches",
    ),
)
_ROWS = (
    Kind("row-match-made-again", (6, 7), "another match is created again under its id, and an old event of it remains",
         act="row-made-again", events=2),
    Kind("row-lacks-an-attribute", (6, 7), "the state row of another match lacks an attribute", act="row-lacks",
         events=2),
    Kind("row-of-another-type", (6, 7), "an attribute of another match's state row has another type", act="row-type",
         events=2),
    Kind("row-is-damaged-json", (6, 7), "the board in another match's state row is damaged JSON", act="row-json",
         events=2),
    Kind("row-of-unknown-version", (6, 7), "another match's state row has an unknown version",
         act="row-version", events=2),
    Kind("row-event-damaged", (6, 7),
         "an event row of another match is damaged JSON, and the operator cancels that event", act="row-event"),
    Kind("row-id-damaged", (6, 7), "the outcome of an event of another match cannot be read", act="row-id"),
    Kind("row-cell-state-damaged", (6, 7), "a cell's row of another match cannot be read", act="row-cell-state"),
    Kind("row-rate-share-damaged", (2, 7), "one rate-share row is damaged; all senders read these rows",
         act="row-rate-share", events=2),
    Kind("row-audience-damaged", (2,), "the count of the match's viewers is not a number", act="row-audience"),
    Kind("row-receipt-damaged", (2,), "a receipt of the match is damaged JSON", act="row-receipt"),
    Kind("row-progress-damaged", (2,), "a batch's progress row of the current round is damaged JSON",
         (Rule(*_POST, Do.SLOW, times=8, seconds=0.7),), act="row-progress"),
    Kind("row-subscription-strange", (2, 4),
         "some subscriptions have no readable ttl: their connections are served or pruned", act="row-subscription"),
)  # fmt: skip

_PUBLISH = ("fanout", "Publish")
_BROADCASTING = tuple(replace(each, broadcasting=True) for each in (
    Kind("publish-refused", (2,), "the services of the broadcasting cells refuse the frames of an event",
         (Rule(*_PUBLISH, Do.REFUSE, times=4, status=403, error="AccessDeniedException"),)),
    Kind("publish-throttled", (2,), "the services throttle the publishes until the fan-out gives up",
         (Rule(*_PUBLISH, Do.REFUSE, times=12, status=429, error=THROTTLED),)),
    Kind("publish-answer-lost", (2, 3), "the services carry a frame, but the answer is lost: it is published again",
         (Rule(*_PUBLISH, Do.RESET_AFTER, times=12),)),
    Kind("publish-hangs", (2,), "a service never answers a publish: the connection is half open",
         (Rule(*_PUBLISH, Do.HANG, times=4),)),
    Kind("publish-slow-beside", (2, 3, 7),
         "the services never answer the publishes of one match, while another match of the same cells has goals",
         act="slow-beside"),
    Kind("published-twice", (2, 3), "a service carries a frame twice", (Rule(*_PUBLISH, Do.TWICE, times=4),)),
    Kind("published-frame-lost", (2,), "a service accepts a frame and loses it",
         (Rule(*_PUBLISH, Do.SWALLOW, times=4),), arrival="repaired"),
    Kind("published-out-of-order", (2, 8), "a service carries a frame after a newer one",
         (Rule(*_PUBLISH, Do.HOLD, times=3, seconds=2),), events=3, arrival="repaired"),
    _kill("fanout-killed-before-publish", "fan-out dies before a publish", *_PUBLISH, BEFORE),
    _kill("fanout-killed-after-publish", "fan-out dies after a publish, before it has recorded that the match is told",
          *_PUBLISH, AFTER),
    Kind("telling-not-recorded", (2, 3), "the frames are published, but DynamoDB does not take that the match is told",
         (Rule("fanout", "UpdateItem", Do.REFUSE, ("SET told_seq = :seq",), times=10, error=PROVISIONED, status=400),)),
    Kind("service-down", (2,), "the services of the broadcasting cells answer 503 for a minute", act="service-down",
         events=2),
    Kind("subscription-acknowledged-early", (2,),
         "a service acknowledges a viewer's subscription, and an event is published before the subscription begins",
         act="acknowledged-early"),
))  # fmt: skip

ALL: tuple[Kind, ...] = (
    *_INGEST, *_FANOUT, *_SENDER, *_END, *_EXECUTIONS, *_ROUTES, *_DYNAMODB, *_KINESIS, *_OTHERS, *_GATEWAY, *_CLOCKS,
    *_CROWDS, *_FAIRNESS, *_ROWS, *_BROADCASTING,
)  # fmt: skip
"""Every kind."""

KINDS: dict[str, Kind] = {kind.name: kind for kind in ALL}
"""Every kind by its name."""

SHORT = (
    "ingest-killed-before-stream", "ingest-killed-after-stream", "ingest-killed-before-pending",
    "fanout-killed-before-ledger", "fanout-killed-after-ledger", "fanout-killed-after-watchdog",
    "fanout-killed-after-start", "sender-killed-of-several", "sender-killed-between-pages",
    "sender-killed-after-a-post", "sender-killed-before-progress", "receipt-killed-before-told",
    "receipt-killed-after-told", "execution-dies-silently", "execution-runs-twice", "watchdog-killed-before-start",
    "routes-killed-after-row", "reads-are-stale", "ledger-conflicts", "ledger-answer-lost", "pages-throttled",
    "told-answer-lost", "prune-unprocessed", "stream-answer-lost", "record-redelivered", "records-reordered",
    "poison-json", "poison-unknown-match", "gateway-throttles", "gateway-502", "gateway-resets", "gateway-half-open",
    "frame-lost", "frame-comes-late", "disconnect-lost", "clock-sender-fast", "clock-receipt-slow",
    "connection-storm", "everyone-returns", "senders-deployed", "slow-viewers", "unwatched-matches",
    "row-match-made-again", "row-lacks-an-attribute", "row-rate-share-damaged", "row-event-damaged",
    "row-subscription-strange", "publish-refused", "publish-answer-lost", "published-twice", "published-frame-lost",
    "published-out-of-order", "fanout-killed-after-publish", "telling-not-recorded", "subscription-acknowledged-early",
)  # fmt: skip
"""The kinds of a run without ``--long``: at least one short kind of each sort."""
