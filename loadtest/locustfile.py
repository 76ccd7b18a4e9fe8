"""The load test for locust: ``locust -f loadtest/locustfile.py`` (docs/loadtest.md).

This module imports neither ssl nor picows nor boto3: gevent must patch first. The swarm (loadtest/swarm.py) has the
sockets.
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

from client.cell_address import API_GATEWAY, CellAddress
from loadtest.cell_choice import CellChoiceError, choose
from loadtest.director import STEP_SECONDS, Director, plan_of
from loadtest.load_limits import refuse_remote
from loadtest.shapes import SHAPES
from loadtest.swarm_process import SwarmProcess
from loadtest.swarm_results import event_id
from loadtest.token_sources import TokensError, tokens_from

if TYPE_CHECKING:
    from locust.env import Environment

END_SECONDS = 20
"""Seconds that a run has to end after a signal; then the kernel ends it."""

MANY = 50
"""The most matches of a follower of many: the most that one connection may follow."""


class Worker:
    """The state of one locust process: its swarm and the messages from other processes."""

    def __init__(self) -> None:
        self.matches: list[str] = []
        self.play = Event()
        self.swarm: SwarmProcess | None = None
        self.reports: list[dict[str, Any]] = []
        self.numbers = itertools.count()

    def begin(self, matches: list[str]) -> None:
        """Begin a run of these matches. The master sends this before its workers start."""
        self.matches = matches
        self.play.clear()

    def tell(self, **order: Any) -> None:
        """Send an order to the swarm."""
        if self.swarm is not None:
            self.swarm.tell(**order)


worker = Worker()
tokens = tokens_from(os.environ)
"""The operator's tokens, None if none are given."""
directors: list[Director] = []
"""The director of the current run, in the one process that has one."""


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """The options of this load test. By default locust listens on this machine only."""
    parser.set_defaults(web_host="127.0.0.1", master_bind_host="127.0.0.1")
    local = "http://127.0.0.1:4566/_aws/execute-api"
    add = parser.add_argument
    add("--api", env_var="LIVESCORE_API", default=f"{local}/livescoreapi/$default", help="URL of the operators' API.")
    add("--websocket", env_var="LIVESCORE_WS", default=f"{local.replace('http', 'ws')}/livescorews/live",
        help="URL of the viewers' WebSocket.")  # fmt: skip
    add("--cell", default="", help="Name of a cell of the site. Its viewers connect as the site says.")
    add("--site", env_var="LIVESCORE_SITE", default="",
        help="URL of the pages. Viewers then connect to its first cell, or to --cell.")  # fmt: skip
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
    """Refuse URLs that must not get load, and register the messages between the processes."""
    options: Any = environment.parsed_options
    try:
        refusal = None if options.allow_remote else refuse_remote(options.api, cell_of(options).url)
    except CellChoiceError as error:
        refusal = str(error)
    if refusal is not None:
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


def cell_of(options: Any) -> CellAddress:
    """The cell of the viewers, by the options. Raises CellChoiceError."""
    if options.cell or options.site:
        return choose(options.cell or None, options.site or None)
    return CellAddress(API_GATEWAY, options.websocket)


def interrupted(*_: Any) -> None:
    """After the first signal, end the run and report its measurements.

    After a second one, or without a run, end at once. A script may have started this process with these signals ignored
    or blocked, and locust handles SIGINT only if no shape is running.
    """
    signal.alarm(END_SECONDS)
    running = [director for director in directors if not director.over]
    if not running:
        raise KeyboardInterrupt
    for director in running:
        director.give_up("interrupted")


def end_with_parent(parent: int) -> None:
    """End this process when its parent has been killed."""
    while os.getppid() == parent:
        gevent.sleep(1)
    if worker.swarm is not None:
        worker.swarm.stop()
    os._exit(1)


def heard(data: dict[str, Any]) -> None:
    """Pass the operator's report to the director; the operator may run in any process."""
    for director in directors:
        director.heard(data["posted"], data["seqs"])


def lost() -> None:
    """Fail the run: a swarm has ended unexpectedly, and its measurements are lost."""
    for director in directors:
        director.give_up("a swarm has ended by itself")


@events.test_start.add_listener
def begin(environment: Environment, **_: Any) -> None:
    """Start the swarm in a process with viewers, and the director in the process that collects the results."""
    options: Any = environment.parsed_options
    runner: Any = environment.runner
    if not isinstance(runner, MasterRunner):
        worker.swarm = SwarmProcess(cell_of(options), options.api, options.viewers)
        gevent.spawn(listen, environment, worker.swarm)
    if not isinstance(runner, WorkerRunner):
        director = Director(options, runner.send_message)
        directors[:] = [director]
        create_matches(environment)
        gevent.spawn(lead, director)


def lead(director: Director) -> None:
    """Step the run until it is over."""
    while not director.over:
        director.step()
        gevent.sleep(STEP_SECONDS)


def bearer() -> dict[str, str]:
    """The header of an operator's requests; raises TokensError."""
    return {} if tokens is None else {"Authorization": f"Bearer {tokens.token()}"}


def create_matches(environment: Environment) -> None:
    """Create the matches of this run, and send their ids to every process."""
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
    """Add the swarm's reports to locust's statistics, and send them to the director."""
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
    """Add a histogram to locust's statistics at once: an event for each sample would cost too much."""
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
    """Send a worker's reports to the master with its statistics."""
    data["swarm"], worker.reports = worker.reports, []


@events.worker_report.add_listener
def take_reports(client_id: str, data: dict[str, Any], **_: Any) -> None:
    """Add up the workers' reports in the master."""
    for director in directors:
        for report in data.get("swarm", []):
            director.take(client_id, report)


@events.test_stop.add_listener
def end(environment: Environment, **_: Any) -> None:
    """Stop the swarm and write the result."""
    swarm, worker.swarm = worker.swarm, None
    if swarm is not None:
        swarm.stop()
    for director in directors:
        environment.process_exit_code = director.finish()
    directors.clear()


class Storm(LoadTestShape):
    """The number of viewers over time, by ``--shape``."""

    def tick(self) -> tuple[int, float] | None:
        """The wanted number of users: the viewers and the operator."""
        if not directors:
            runner: Any = self.runner
            viewers, rate = plan_of(runner.environment.parsed_options).crowd("joining", 0)
        elif directors[0].over:
            return None
        else:
            viewers, rate = directors[0].crowd
        return viewers + 1, rate


class Viewer(User):
    """A viewer in the swarm. This greenlet only decides when it comes and goes."""

    abstract = True
    stays: ClassVar[bool] = True
    many: ClassVar[bool] = False

    def on_start(self) -> None:
        """Join the swarm."""
        self.number = next(worker.numbers)
        self.join()

    def on_stop(self) -> None:
        """Leave the swarm."""
        worker.tell(do="leave", viewer=self.number)

    def join(self) -> None:
        """Join the swarm and watch one match, or many."""
        first = self.number % len(worker.matches)
        matches = (worker.matches[first:] + worker.matches[:first])[: MANY if self.many else 1]
        worker.tell(do="join", viewer=self.number, stays=self.stays, matches=matches)

    @task
    def live(self) -> None:
        """Run this kind of viewer. There is one task only, because locust would add those of a base class."""
        self.watch()

    def watch(self) -> None:
        """Watch until the end."""
        gevent.sleep(60)

    def a_while(self, least: float, most: float) -> None:
        """Watch for this many seconds of the match, longer in a large crowd.

        For any number of viewers, about thirty a second come and go. Each of these subscribes, which costs the system
        under test more than a goal.
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
    """Connects, watches for some seconds and leaves; then another viewer takes its place."""

    weight = 1
    stays = False

    def watch(self) -> None:
        """Watch for some seconds, then leave."""
        self.a_while(5, 15)
        worker.tell(do="leave", viewer=self.number)
        gevent.sleep(random.uniform(0, 2))
        self.join()


class Flapper(Viewer):
    """Loses its connection every few seconds, and reconnects with its position."""

    weight = 1
    stays = False

    def watch(self) -> None:
        """Watch for some seconds, then lose the connection."""
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
        """The whole run, after all viewers have subscribed."""
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
        """Post an event under an id that holds the time; try again until it is accepted."""
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
        """The seq of the last event, after all posted events of the match were numbered."""
        options: Any = self.environment.parsed_options
        number = worker.matches.index(match)
        wanted = 1 + len(range(number, options.goals, len(worker.matches)))
        while True:
            answer = self.client.get(f"/matches/{match}", name="GET match")
            if answer.status_code == 200 and (seq := int(answer.json()["seq"])) >= wanted:
                return seq
            gevent.sleep(0.5)

    def report(self, posted: int, seqs: dict[str, int] | None) -> None:
        """Send a report to the director."""
        runner: Any = self.environment.runner
        runner.send_message("operator", {"posted": posted, "seqs": seqs})
