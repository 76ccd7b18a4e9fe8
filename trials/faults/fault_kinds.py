"""Pure: the kinds of fault, each with the promises of docs/reliability.md that it tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trials.faults.rules import Do, Rule

Delivery = Literal["told", "repaired"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    ``rules`` are armed while ``events`` are posted; ``act`` names an act (acts.py). ``delivery`` says whether the
    broadcast must bring the events to all viewers, or viewers may have to repair. ``opening``: the fault hits the first
    event of a match, which has several senders.
    """

    name: str
    promises: tuple[int, ...]
    what: str
    rules: tuple[Rule, ...] = ()
    act: str = ""
    delivery: Delivery = "told"
    events: int = 1
    opening: bool = False


THROTTLED = "ThrottlingException"
PROVISIONED = "ProvisionedThroughputExceededException"


def _kill(
    name: str, what: str, function: str, operation: str, do: Do, *has: str, skip: int = 0, **more: object
) -> Kind:
    return Kind(name, (2, 3), what, (Rule(function, operation, do, has, skip),), **more)  # type: ignore[arg-type]


BEFORE, AFTER = Do.KILL_BEFORE, Do.KILL_AFTER

_INGEST = (
    _kill("ingest-killed-before-stream", "api dies before PutRecord", "api", "PutRecord", BEFORE),
    _kill("ingest-killed-after-stream", "api dies after PutRecord, before its answer", "api", "PutRecord", AFTER),
    _kill("ingest-killed-before-pending", "api dies before it notes the event as pending", "api", "PutItem", BEFORE,
          "pending"),
    _kill("ingest-killed-after-pending", "api dies after everything, before the operator's answer", "api", "PutItem",
          AFTER, "pending"),
)  # fmt: skip

_FANOUT = (
    _kill("fanout-killed-before-ledger", "fan-out dies before the ledger's transaction", "fanout",
          "TransactWriteItems", BEFORE),
    _kill("fanout-killed-after-ledger", "fan-out dies after the ledger's transaction", "fanout", "TransactWriteItems",
          AFTER),
    _kill("fanout-killed-before-marking-due", "fan-out dies between the ledger's transaction and the cell's row",
          "fanout", "UpdateItem", BEFORE),
    _kill("fanout-killed-after-marking-due", "fan-out dies after the cell's row says which event is due", "fanout",
          "UpdateItem", AFTER),
    _kill("fanout-killed-before-watchdog", "fan-out dies before the watchdog's message", "fanout", "SendMessage",
          BEFORE, "watchdog"),
    _kill("fanout-killed-after-watchdog", "fan-out dies between the watchdog's message and StartExecution", "fanout",
          "StartExecution", BEFORE),
    _kill("fanout-killed-after-start", "fan-out dies after StartExecution: the record comes again", "fanout",
          "StartExecution", AFTER),
)  # fmt: skip

_SENDER = (
    _kill("sender-killed-at-the-start", "a sender dies before its first poll", "sender", "GetItem", BEFORE),
    _kill("sender-killed-between-pages", "a sender dies between two pages", "sender", "Query", BEFORE, "sk, #only",
          skip=5),
    _kill("sender-killed-before-progress", "a sender dies after its last POST, before the progress row", "sender",
          "PutItem", BEFORE, "progress#"),
    _kill("sender-killed-after-progress", "a sender dies after the progress row, before its end", "sender", "PutItem",
          AFTER, "progress#"),
    _kill("sender-killed-while-others-send", "one of three senders dies, its batch said to have ended", "sender",
          "UpdateItem", AFTER, "ADD #done", opening=True),
    _kill("sender-killed-of-several", "one of three senders dies in the first page", "sender", "Query", AFTER,
          "sk, #only", skip=2, opening=True),
)  # fmt: skip

_END = (
    _kill("receipt-killed-before-receipt", "the end of a round dies before the receipt", "receipt", "PutItem", BEFORE,
          "receipt#"),
    _kill("receipt-killed-before-told", "the end of a round dies between the receipt and told", "receipt",
          "UpdateItem", BEFORE, "ended_seq"),
    _kill("receipt-killed-after-told", "the end of a round dies after told is set", "receipt", "UpdateItem", AFTER,
          "ended_seq"),
    _kill("receipt-killed-before-leaving", "the end of a round dies before its rate-share row is deleted", "receipt",
          "DeleteItem", BEFORE),
)  # fmt: skip

_SILENT = Rule("fanout", "StartExecution", Do.SWALLOW)
_EXECUTIONS = (
    Kind("execution-dies-silently", (2,), "an execution is started and never heard of", (_SILENT,)),
    Kind("execution-dies-with-the-lease", (2,), "an execution is never heard of and has the lease", (_SILENT,),
         act="dead-lease"),
    Kind("watchdog-killed-before-start", (2,), "the watchdog dies before it starts a broadcast again",
         (_SILENT, Rule("watchdog", "StartExecution", BEFORE))),
    Kind("watchdog-killed-after-start", (2,), "the watchdog dies after it has started a broadcast again",
         (_SILENT, Rule("watchdog", "StartExecution", AFTER))),
    Kind("watchdog-execution-dies-too", (2,), "the execution that the watchdog starts dies silently as well",
         (_SILENT, Rule("watchdog", "StartExecution", Do.SWALLOW))),
    Kind("execution-runs-twice", (2, 3), "one StartExecution, two executions",
         (Rule("fanout", "StartExecution", Do.TWICE),)),
)  # fmt: skip

_ROUTES = (
    Kind("routes-killed-before-row", (2, 4), "the subscribe route dies before the row is written",
         (Rule("routes", "PutItem", BEFORE),), act="return-to-ministack", delivery="repaired"),
    Kind("routes-killed-after-row", (2, 4), "the subscribe route dies after the row is written, before the answer",
         (Rule("routes", "PutItem", AFTER),), act="return-to-ministack", delivery="repaired"),
    Kind("routes-cannot-write", (2,), "DynamoDB refuses a returning viewer's row",
         (Rule("routes", "PutItem", Do.REFUSE, times=5, error=THROTTLED, status=400),), act="return", delivery="repaired"),
    Kind("leaving-fails", (4,), "DynamoDB refuses to delete the row of a viewer that left: a 410 prunes it",
         (Rule("routes", "DeleteItem", Do.REFUSE, times=5),), act="return", delivery="repaired"),
    Kind("reads-are-stale", (2, 4), "what is not read consistently is read as it was before",
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
    Kind("ledger-answer-lost", (1, 3), "the ledger's transaction is done and its answer lost",
         (Rule("fanout", "TransactWriteItems", Do.RESET_AFTER),)),
    Kind("ledger-hangs", (2,), "DynamoDB never answers the fan-out: a half-open connection",
         (Rule("fanout", "GetItem", Do.HANG),)),
    Kind("ledger-is-slow", (1, 2), "every answer to the fan-out takes two seconds",
         (Rule("fanout", "TransactWriteItems", Do.SLOW, seconds=2),), events=2),
    Kind("pages-throttled", (2,), "DynamoDB throttles the senders' pages",
         (Rule("sender", "Query", Do.REFUSE, ("sk, #only",), skip=3, times=6, error=PROVISIONED, status=400),)),
    Kind("pages-broken", (2,), "DynamoDB resets the senders' connections",
         (Rule("sender", "Query", Do.RESET_BEFORE, ("sk, #only",), skip=2, times=3),)),
    Kind("page-hangs", (2,), "DynamoDB never answers a page: a half-open connection",
         (Rule("sender", "Query", Do.HANG, ("sk, #only",), skip=1),)),
    Kind("polls-fail", (2, 5), "DynamoDB answers 500 to the senders' polls",
         (Rule("sender", "GetItem", Do.REFUSE, times=5),)),
    Kind("progress-throttled", (2,), "DynamoDB throttles the progress row",
         (Rule("sender", "PutItem", Do.REFUSE, ("progress#",), times=5, error=THROTTLED, status=400),)),
    Kind("marking-due-throttled", (2,), "DynamoDB throttles the cell's row until the fan-out gives up",
         (Rule("fanout", "UpdateItem", Do.REFUSE, times=6, error=PROVISIONED, status=400),)),
    Kind("marking-due-answer-lost", (2,), "the cell's row says which event is due, and the answer is lost",
         (Rule("fanout", "UpdateItem", Do.RESET_AFTER),)),
    Kind("told-fails", (2,), "DynamoDB answers 500 when told is to be set",
         (Rule("receipt", "UpdateItem", Do.REFUSE, ("ended_seq",), times=5),)),
    Kind("told-answer-lost", (2,), "told is set and the answer lost: the condition fails the second time",
         (Rule("receipt", "UpdateItem", Do.RESET_AFTER, ("ended_seq",)),)),
    Kind("prune-unprocessed", (4,), "half of the dead rows come back unprocessed",
         (Rule("sender", "BatchWriteItem", Do.UNPROCESSED),), act="dead-rows"),
    Kind("prune-throttled", (4,), "DynamoDB throttles the pruning of dead rows",
         (Rule("sender", "BatchWriteItem", Do.REFUSE, times=6, error=PROVISIONED, status=400),), act="dead-rows"),
)  # fmt: skip

_KINESIS = (
    Kind("stream-throttled", (2, 3), "Kinesis throttles the operator's event until the API gives up",
         (Rule("api", "PutRecord", Do.REFUSE, times=6, error=PROVISIONED, status=400),)),
    Kind("stream-answer-lost", (3,), "Kinesis has the record and its answer is lost",
         (Rule("api", "PutRecord", Do.RESET_AFTER),)),
    Kind("stream-is-down", (2, 3), "Kinesis answers 500 until the API gives up",
         (Rule("api", "PutRecord", Do.REFUSE, times=9),)),
    Kind("record-redelivered", (3,), "a record comes twice", (Rule("api", "PutRecord", Do.TWICE),), events=2),
    Kind("records-reordered", (1, 3), "a record comes after the one that was accepted later",
         (Rule("api", "PutRecord", Do.HOLD),), events=3),
    Kind("poison-binary", (6,), "bytes that are no text lie in front of the event", act="poison-binary"),
    Kind("poison-json", (6,), "JSON that is no record lies in front of the event", act="poison-json"),
    Kind("poison-unknown-match", (6,), "an event of a match that does not exist lies in front", act="poison-unknown"),
    Kind("poison-cannot-be-set-aside", (6,), "SQS refuses the poison: it is kept until SQS takes it",
         (Rule("fanout", "SendMessage", Do.REFUSE, ("set-aside",), times=5),), act="poison-json"),
)  # fmt: skip

_OTHERS = (
    Kind("start-throttled", (2,), "Step Functions throttles StartExecution",
         (Rule("fanout", "StartExecution", Do.REFUSE, times=6, error=THROTTLED, status=400),)),
    Kind("start-answer-lost", (2, 3), "an execution is started and the answer lost: it is started again",
         (Rule("fanout", "StartExecution", Do.RESET_AFTER),)),
    Kind("watchdog-queue-fails", (2,), "SQS refuses the watchdog's message",
         (Rule("fanout", "SendMessage", Do.REFUSE, ("watchdog",), times=5),)),
    Kind("watchdog-message-lost", (2,), "SQS loses the watchdog's message",
         (Rule("fanout", "SendMessage", Do.SWALLOW, ("watchdog",)),)),
)  # fmt: skip

_POST = ("sender", "Post")
_GATEWAY = (
    Kind("sender-killed-before-a-post", (2,), "a sender dies before a POST", (Rule(*_POST, BEFORE, skip=2),)),
    Kind("sender-killed-after-a-post", (2, 3), "a sender dies after a POST, before its answer",
         (Rule(*_POST, AFTER, skip=2),)),
    Kind("gateway-throttles", (2, 5), "429 to most POSTs: the account's throttle",
         (Rule(*_POST, Do.REFUSE, times=20, status=429, error="LimitExceededException"),)),
    Kind("gateway-buffer-full", (2, 5), "429 to one POST: a viewer's full buffer",
         (Rule(*_POST, Do.REFUSE, skip=3, status=429, error="LimitExceededException"),)),
    Kind("gateway-502", (2,), "502 to every other try", (Rule(*_POST, Do.REFUSE, times=6, status=502),)),
    Kind("gateway-down", (2,), "503 to everything for so long that batches fail",
         # A batch may give up one viewer of many without failing: that viewer has a gap and repairs it.
         (Rule(*_POST, Do.REFUSE, times=60, status=503),), delivery="repaired"),
    Kind("gateway-resets", (2,), "connections are reset before the POST arrives",
         (Rule(*_POST, Do.RESET_BEFORE, times=4),)),
    Kind("gateway-answer-lost", (2, 3), "the viewer has the frame and the answer is lost: it gets it again",
         (Rule(*_POST, Do.RESET_AFTER, times=4),)),
    Kind("gateway-half-open", (2,), "a connection never answers", (Rule(*_POST, Do.HANG, skip=1),)),
    Kind("gateway-is-slow", (2,), "answers take a second and a half", (Rule(*_POST, Do.SLOW, times=6, seconds=1.5),)),
    Kind("gateway-garbage", (2,), "what comes back is no HTTP", (Rule(*_POST, Do.GARBLE, times=2),)),
    Kind("frame-lost", (2,), "the gateway takes a frame and loses it", (Rule(*_POST, Do.SWALLOW, times=3),),
         delivery="repaired"),
    Kind("frame-comes-twice", (2, 3), "a viewer gets a frame twice", (Rule(*_POST, Do.TWICE, times=4),)),
    Kind("frame-comes-late", (2, 8), "a viewer gets a frame after a newer one",
         (Rule(*_POST, Do.HOLD, times=3, seconds=2),), events=3, delivery="repaired"),
    Kind("account-throttle", (2, 5), "the gateway's own throttle lets fifteen frames a second pass",
         act="account-throttle"),
    Kind("disconnect-lost", (4,), "a viewer vanishes and $disconnect never comes: a 410 prunes its row",
         act="disconnect-lost"),
    Kind("dead-connections", (4,), "rows of connections that have been gone for long", act="dead-rows"),
)  # fmt: skip

_CLOCKS = tuple(
    Kind(f"clock-{function}-{'fast' if seconds > 0 else 'slow'}", (2, 3), f"the clock of {function} is four minutes "
         f"{'fast' if seconds > 0 else 'slow'}", act=f"clock:{function}:{seconds}", events=2)
    for function in ("api", "fanout", "sender", "receipt") for seconds in (240, -240)
)  # fmt: skip

_CROWDS = (
    Kind("connection-storm", (2, 7), "newcomers storm in while a goal is going out", act="storm", events=2),
    Kind("everyone-returns", (2,), "every connection breaks while a goal is going out", act="everyone-returns",
         delivery="repaired"),
    Kind("senders-deployed", (2,), "a new version of the senders is deployed while they send",
         (Rule(*_POST, Do.SLOW, times=8, seconds=0.7),), act="deploy"),
    Kind("unknown-version", (2, 6), "an execution carries a version that the senders do not know",
         (_SILENT,), act="unknown-version"),
)  # fmt: skip

_FAIRNESS = (
    Kind(
        "slow-viewers",
        (2, 5),
        "viewers that read nothing, their buffers full, are among the others",
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
    Kind("row-match-made-again", (6, 7), "another match is made again under an id of which its old event is left",
         act="row-made-again", events=2),
    Kind("row-lacks-an-attribute", (6, 7), "the state row of another match lacks an attribute", act="row-lacks",
         events=2),
    Kind("row-of-another-type", (6, 7), "an attribute of another match's state row has another type", act="row-type",
         events=2),
    Kind("row-is-damaged-json", (6, 7), "the board in another match's state row is damaged JSON", act="row-json",
         events=2),
    Kind("row-of-unknown-version", (6, 7), "another match's state row has a version that nobody knows",
         act="row-version", events=2),
    Kind("row-event-damaged", (6, 7), "an event row of another match is damaged JSON, and is to be cancelled",
         act="row-event"),
    Kind("row-id-damaged", (6, 7), "what became of an event of another match cannot be read", act="row-id"),
    Kind("row-cell-state-damaged", (6, 7), "a cell's row of another match cannot be read", act="row-cell-state"),
    Kind("row-rate-share-damaged", (2, 7), "a rate-share row, which all senders read, cannot be read",
         act="row-rate-share", events=2),
    Kind("row-audience-damaged", (2,), "the count of the match's viewers is no number", act="row-audience"),
    Kind("row-receipt-damaged", (2,), "a receipt of the match is damaged JSON", act="row-receipt"),
    Kind("row-progress-damaged", (2,), "a batch's row of the round that is running is damaged JSON",
         (Rule(*_POST, Do.SLOW, times=8, seconds=0.7),), act="row-progress"),
    Kind("row-subscription-strange", (2, 4), "rows of viewers have no readable ttl: they are told or pruned",
         act="row-subscription"),
)  # fmt: skip

ALL: tuple[Kind, ...] = (
    *_INGEST, *_FANOUT, *_SENDER, *_END, *_EXECUTIONS, *_ROUTES, *_DYNAMODB, *_KINESIS, *_OTHERS, *_GATEWAY, *_CLOCKS,
    *_CROWDS, *_FAIRNESS, *_ROWS,
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
    "row-subscription-strange",
)  # fmt: skip
"""The kinds of a run without ``--long``: at least one short kind of each sort."""
