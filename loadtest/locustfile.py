"""The load test for locust: ``locust -f loadtest/locustfile.py``; docs/loadtest.md says how.

Nothing here imports ssl, picows or boto3: gevent must patch first, and sockets live in the swarm (loadtest/swarm.py).
"""

from __future__ import annotations

import itertools
import os
import random
import secrets
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, ClassVar

import gevent
from gevent.event import Event
from locust import FastHttpUser, LoadTestShape, User, events, task
from locust.contrib.fasthttp import FastHttpSession
from locust.runners import MasterRunner, WorkerRunner
from locust.stats import StatsEntry, bucket_response_time

from loadtest.director import STEP_SECONDS, Director, plan_of
from loadtest.load_limits import refuse_remote
from loadtest.pipe import SwarmProcess
from loadtest.shapes import SHAPES
from loadtest.swarm_results import event_id
from loadtest.token_sources import TokensError, tokens_from

if TYPE_CHECKING:
    from locust.env import Environment

END_SECONDS = 20
"""A run that is asked to end has so long for it; then the kernel ends it."""

MANY = 50
"""Matches that a follower of many follows, if there are so many: the most that a connection may."""


class Worker:
    """The state of one locust process: its swarm, and the messages that it has received."""

    def __init__(self) -> None:
        self.matches: list[str] = []
        self.play = Event()
        self.swarm: SwarmProcess | None = None
        self.reports: list[dict[str, Any]] = []
        self.numbers = itertools.count()

    def begin(self, matches: list[str]) -> None:
        """A run of these matches begins. The master says so before its workers start anything."""
        self.matches = matches
        self.play.clear()

    def tell(self, **order: Any) -> None:
        """Give the swarm an order."""
        if self.swarm is not None:
            self.swarm.tell(**order)


worker = Worker()
tokens = tokens_from(os.environ)
"""The operator's, None where none are given."""
directors: list[Director] = []
"""The director of the current run, in the one process that has one."""


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """The options of this load test. All that locust listens on is for this machine only, unless one says otherwise."""
    parser.set_defaults(web_host="127.0.0.1", master_bind_host="127.0.0.1")
    local = "http://127.0.0.1:4566/_aws/execute-api"
    add = parser.add_argument
    add("--api", env_var="LIVESCORE_API", default=f"{local}/livescoreapi/$default", help="URL of the operators' API.")
    add("--websocket", env_var="LIVESCORE_WS", default=f"{local.replace('http', 'ws')}/livescorews/live",
        help="URL of the viewers' WebSocket.")  # fmt: skip
    add("--viewers", type=int, default=100, help="Number of viewers.")
    add("--goals", type=int, default=10, help="Number of goals in each match.")
    add("--pace", type=float, default=1.0, help="Seconds between two goals.")
    add("--matches", type=int, default=1, help="Number of matches that are played at once.")
    add(
        "--join-rate",
        type=float,
        default=100.0,
        help="Number of viewers that join in each second while nothing happens.",
    )
    add("--shape", choices=list(SHAPES), default="goal-storm", help="Kind of storm.")
    add("--results", default="", help="Write the figures as JSON to this file.", include_in_web_ui=False)
    add("--allow-remote", action="store_true", default=False, help="The URLs may lead to other machines.",
        include_in_web_ui=False)  # fmt: skip


@events.init.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    """Refuse what must not be put under load; agree on the messages between the processes."""
    options: Any = environment.parsed_options
    if not options.allow_remote and (refusal := refuse_remote(options.api, options.websocket)) is not None:
        print(f"livescore: {refusal}", file=sys.stderr, flush=True)  # noqa: T201
        sys.exit(2)
    runner: Any = environment.runner
    if not isinstance(runner, MasterRunner):
        runner.register_message("matches", lambda msg, **_: worker.begin(msg.data))
        runner.register_message("play", lambda **_: worker.play.set())
        runner.register_message("cut", lambda **_: worker.tell(do="cut"))
        runner.register_message("settle", lambda msg, **_: worker.tell(do="settle", seqs=msg.data))
    if not isinstance(runner, WorkerRunner):
        runner.register_message("operator", lambda msg, **_: heard(msg.data))
        runner.register_message("lost", lambda **_: lost())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGALRM))
    gevent.spawn(end_with_parent, os.getppid())


def interrupted(*_: Any) -> None:
    """End the run as if it were over, with what it has measured; asked again, or without a run, end as locust does.

    A script may have started us with these signals ignored or blocked; locust itself handles the second one only
    where no shape is running.
    """
    signal.alarm(END_SECONDS)
    running = [director for director in directors if not director.over]
    if not running:
        raise KeyboardInterrupt
    for director in running:
        director.give_up("interrupted")


def end_with_parent(parent: int) -> None:
    """End when whoever started this process has been killed and could not say so."""
    while os.getppid() == parent:
        gevent.sleep(1)
    if worker.swarm is not None:
        worker.swarm.stop()
    os._exit(1)


def heard(data: dict[str, Any]) -> None:
    """Take the operator's report, from whichever process it runs in."""
    for director in directors:
        director.heard(data["posted"], data["seqs"])


def lost() -> None:
    """A swarm has ended by itself: what it measured is gone."""
    for director in directors:
        director.give_up("a swarm has ended by itself")


@events.test_start.add_listener
def begin(environment: Environment, **_: Any) -> None:
    """Start the swarm where viewers are, the direction where results come together."""
    options: Any = environment.parsed_options
    runner: Any = environment.runner
    if not isinstance(runner, MasterRunner):
        worker.swarm = SwarmProcess(options.websocket, options.api, options.viewers)
        gevent.spawn(listen, environment, worker.swarm)
    if not isinstance(runner, WorkerRunner):
        director = Director(options, runner.send_message)
        directors[:] = [director]
        create_matches(environment)
        gevent.spawn(lead, director)


def lead(director: Director) -> None:
    """Look at the run again and again until it is over."""
    while not director.over:
        director.step()
        gevent.sleep(STEP_SECONDS)


def bearer() -> dict[str, str]:
    """The header of an operator's requests; raises TokensError."""
    return {} if tokens is None else {"Authorization": f"Bearer {tokens.token()}"}


def create_matches(environment: Environment) -> None:
    """Schedule the matches of this run, and tell every process which they are."""
    options: Any = environment.parsed_options
    run = secrets.token_hex(4)
    ids = [f"load-{run}-{number}" for number in range(options.matches)]
    session = FastHttpSession(options.api, environment.events.request, None)
    try:
        headers = bearer()
    except TokensError as error:
        directors[0].give_up(f"no match could be created: {error}")
        ids, headers = [], {}
    for match in ids:
        body = {"match": match, "home": "Reds", "away": "Blues", "kickoff": "2030-01-01T15:00:00Z",
                "audience": options.viewers}  # fmt: skip
        with session.post("/matches", json=body, headers=headers, name="POST /matches", catch_response=True) as answer:
            if answer.status_code != 201:
                answer.failure(f"status {answer.status_code}")
                directors[0].give_up(f"no match could be created (status {answer.status_code})")
    if environment.runner is not None:
        environment.runner.send_message("matches", ids)


def listen(environment: Environment, swarm: SwarmProcess) -> None:
    """Take the swarm's reports: into locust's statistics, and to where results come together."""
    for report in swarm.reports():
        for name, histogram in report["times"].items():
            feed(environment, name, histogram)
        for histogram in report["glass"].values():
            feed(environment, "goal_to_glass", histogram)
        if isinstance(environment.runner, WorkerRunner):
            worker.reports.append(report)
        else:
            for director in directors:
                director.take("local", report)
    if worker.swarm is swarm:
        runner: Any = environment.runner
        runner.send_message("lost", None)


def feed(environment: Environment, name: str, histogram: dict[str, int]) -> None:
    """Add a histogram to locust's statistics at once: an event for each sample would cost more than the sample."""
    if not histogram:
        return
    counts = {int(ms): count for ms, count in histogram.items()}
    more = StatsEntry(environment.stats, name, "WS")
    more.num_requests = sum(counts.values())
    more.num_reqs_per_sec[int(time.time())] = more.num_requests
    more.total_response_time = sum(ms * count for ms, count in counts.items())
    more.min_response_time, more.max_response_time = min(counts), max(counts)
    more.last_request_timestamp = time.time()
    for ms, count in counts.items():
        more.response_times[bucket_response_time(ms)] += count
    environment.stats.entries[(name, "WS")].extend(more)
    environment.stats.total.extend(more)


@events.report_to_master.add_listener
def send_reports(data: dict[str, Any], **_: Any) -> None:
    """A worker's reports go to the master with its statistics."""
    data["swarm"], worker.reports = worker.reports, []


@events.worker_report.add_listener
def take_reports(client_id: str, data: dict[str, Any], **_: Any) -> None:
    """The master adds up what the workers send."""
    for director in directors:
        for report in data.get("swarm", []):
            director.take(client_id, report)


@events.test_stop.add_listener
def end(environment: Environment, **_: Any) -> None:
    """The swarm goes, and the result is written."""
    swarm, worker.swarm = worker.swarm, None
    if swarm is not None:
        swarm.stop()
    for director in directors:
        environment.process_exit_code = director.finish()
    directors.clear()


class Storm(LoadTestShape):
    """The number of viewers, as ``--shape`` wants it."""

    def tick(self) -> tuple[int, float] | None:
        """The number of users there should be; the operator is one more."""
        if not directors:
            runner: Any = self.runner
            viewers, rate = plan_of(runner.environment.parsed_options).crowd("joining", 0)
        elif directors[0].over:
            return None
        else:
            viewers, rate = directors[0].crowd
        return viewers + 1, rate


class Viewer(User):
    """A viewer in the swarm; this greenlet only says when it comes and goes."""

    abstract = True
    stays: ClassVar[bool] = True
    many: ClassVar[bool] = False

    def on_start(self) -> None:
        """Take a seat."""
        self.number = next(worker.numbers)
        self.join()

    def on_stop(self) -> None:
        """Leave for good."""
        worker.tell(do="leave", viewer=self.number)

    def join(self) -> None:
        """Take a seat and watch: one match, or many."""
        first = self.number % len(worker.matches)
        matches = (worker.matches[first:] + worker.matches[:first])[: MANY if self.many else 1]
        worker.tell(do="join", viewer=self.number, stays=self.stays, matches=matches)

    @task
    def live(self) -> None:
        """Run this kind of viewer. The only task: locust would mix in those of a base class."""
        self.watch()

    def watch(self) -> None:
        """Just watch."""
        gevent.sleep(60)

    def a_while(self, least: float, most: float) -> None:
        """Watch for so many seconds of the match, longer in a large crowd.

        However many viewers there are, some thirty a second come and go: each of them subscribes, which costs the
        system under test more than a goal does.
        """
        worker.play.wait()
        options: Any = self.environment.parsed_options
        gevent.sleep(random.uniform(least, most) * max(1.0, options.viewers / 1000))


class Stayer(Viewer):
    """Watches one match to the end."""

    weight = 7


class FollowerOfMany(Viewer):
    """Watches up to 50 matches on one connection, to the end."""

    weight = 1
    many = True


class Joiner(Viewer):
    """Comes, watches a little, leaves for good; then another comes in its place."""

    weight = 1
    stays = False

    def watch(self) -> None:
        """A while, then somebody else."""
        self.a_while(5, 15)
        worker.tell(do="leave", viewer=self.number)
        gevent.sleep(random.uniform(0, 2))
        self.join()


class Flapper(Viewer):
    """Loses its connection every few seconds, and comes back with its position."""

    weight = 1
    stays = False

    def watch(self) -> None:
        """A while, then a tunnel."""
        self.a_while(3, 9)
        worker.tell(do="drop", viewer=self.number)


class Operator(FastHttpUser):
    """Kicks off, then posts the goals."""

    fixed_count = 1

    def __init__(self, environment: Environment) -> None:
        options: Any = environment.parsed_options
        self.host = options.api
        super().__init__(environment)

    @task
    def play(self) -> None:
        """The whole of a run, once everybody is there."""
        options: Any = self.environment.parsed_options
        worker.play.wait()
        for match in worker.matches:
            self.post(match, {"kind": "kick_off"}, 0)
        for number in range(options.goals):
            gevent.sleep(options.pace)
            match = worker.matches[number % len(worker.matches)]
            minute = min(45, 1 + number // len(worker.matches))
            self.post(match, {"kind": "goal", "team": random.choice(("home", "away")), "minute": minute}, number + 1)
            self.report(number + 1, None)
        self.report(options.goals, {match: self.last(match) for match in worker.matches})
        gevent.sleep(3600)

    def post(self, match: str, event: dict[str, Any], number: int) -> None:
        """Post an event under an id that carries the time; again until it is taken."""
        body = {**event, "event_id": event_id(number, time.time_ns() // 1_000_000)}
        while not self.taken(match, body):
            gevent.sleep(0.5)

    def taken(self, match: str, body: dict[str, Any]) -> bool:
        """Try once to post an event."""
        try:
            headers = bearer()
        except TokensError:
            return False
        answer = self.client.post(f"/matches/{match}/events", json=body, headers=headers, name="POST event")
        if answer.status_code == 401 and tokens is not None:
            tokens.renew(headers["Authorization"].removeprefix("Bearer "))
        return bool(answer.status_code == 202)

    def last(self, match: str) -> int:
        """The seq of the last event, once all that were posted for the match have been numbered."""
        options: Any = self.environment.parsed_options
        number = worker.matches.index(match)
        wanted = 1 + len(range(number, options.goals, len(worker.matches)))
        while True:
            answer = self.client.get(f"/matches/{match}", name="GET match")
            if answer.status_code == 200 and (seq := int(answer.json()["seq"])) >= wanted:
                return seq
            gevent.sleep(0.5)

    def report(self, posted: int, seqs: dict[str, int] | None) -> None:
        """Tell whoever directs the run."""
        runner: Any = self.environment.runner
        runner.send_message("operator", {"posted": posted, "seqs": seqs})
