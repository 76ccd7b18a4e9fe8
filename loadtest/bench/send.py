"""POSTs a second of one sender core against nginx: ours, aioboto3, boto3 in threads, and wrk, which is the upper limit.

All of them send a session token of a kilobyte, like Lambda's credentials. They run in turn, so that noise on the
machine disturbs all equally. The result has the medians, and the median of each run's ratio.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from loadtest.bench.bench_result import Result, median
from loadtest.bench.programs import Cores, Nginx, lacking, nginx, on_core, wrk
from loadtest.compared_senders import CONNECTIONS, FRAME

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_BYTES = 1024
SECONDS = 3
RUNS = 5
PEERS = ("ours", "aioboto3", "boto3")
FLOORS = {"aioboto3_http": "35 (aim 50)", "wrk_http": "0.50 (aim 0.70)", "aioboto3_tls": "28 (aim 40)",
          "wrk_tls": "0.55 (aim 0.75)"}  # fmt: skip


def run(say: Callable[[str], None], runs: int = RUNS) -> Result:
    """Measure; without nginx the result is empty."""
    result = Result("send", floors=FLOORS, missing=lacking("nginx", "wrk"))
    if lacking("nginx"):
        return result
    cores = Cores.here()
    found: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    with nginx(cores.server) as server:
        for number in range(runs):
            for transport in ("http", "tls"):
                url = server.http if transport == "http" else server.https
                for name in (*PEERS, *([] if lacking("wrk") else ["wrk"])):
                    say(f"send: run {number + 1} of {runs}, {name} over {transport}")
                    if name == "wrk":
                        rate = wrk(url, cores.sender, seconds=SECONDS, connections=CONNECTIONS, body=len(FRAME),
                                   token=TOKEN_BYTES)  # fmt: skip
                        found[name, transport].append({"per_second": rate})
                    else:
                        found[name, transport].append(_peer(name, url, server, cores.sender))
    for (name, transport), runs_of in found.items():
        row = {"name": name, "transport": transport, "per_second": median(each["per_second"] for each in runs_of)}
        if "cpu_us" in runs_of[0]:
            row["cpu_us"] = median(each["cpu_us"] for each in runs_of)
        row["rounds"] = [round(each["per_second"]) for each in runs_of]
        result.rows.append(row)
    for transport in ("http", "tls"):
        for name in ("aioboto3", "boto3", "wrk"):
            if theirs := found.get((name, transport)):
                pairs = zip(found["ours", transport], theirs, strict=True)
                result.ratios[f"{name}_{transport}"] = median(a["per_second"] / b["per_second"] for a, b in pairs)
    return result


def credentials() -> dict[str, str]:
    """An environment with invalid credentials that are as long as Lambda's."""
    return {"AWS_ACCESS_KEY_ID": "ASIA" + "A" * 16, "AWS_SECRET_ACCESS_KEY": "s" * 40,
            "AWS_SESSION_TOKEN": "T" * TOKEN_BYTES, "AWS_DEFAULT_REGION": "us-east-1"}  # fmt: skip


def _peer(name: str, url: str, server: Nginx, core: int | None) -> dict[str, float]:
    env = {**os.environ, **credentials(), "AWS_CA_BUNDLE": str(server.authority)}
    command = [sys.executable, "-m", "loadtest.compared_senders", name, url, str(SECONDS)]
    with on_core(core):
        done = subprocess.run(command, check=True, env=env, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found
